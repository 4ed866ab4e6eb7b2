import assert from "node:assert/strict";
import { binary, makeGadget, type Scratch, scratchFolder } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal, screenOf } from "./cli_terminal.ts";
import { serveStalling } from "./stalling_registry.ts";

const LARGE = { layerSize: 4_000_000, architectures: ["amd64"] };

async function pullCommand(host: string, flags = ""): Promise<string> {
  return `${await binary()} image pull --insecure-registries ${host} ${flags} ${host}/demo/gadget:v1`;
}

function environment(scratch: Scratch, env: Record<string, string> = {}): Record<string, string> {
  return { HOME: scratch.path, SATCHEL_STORE: scratch.at("store"), ...env };
}

Deno.test("a pull on a terminal shows bars, and leaves nothing of them behind", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget(LARGE);
  await using registry = serveStalling(image);
  await using terminal = openTerminal(await pullCommand(registry.host), environment(scratch));
  await terminal.waitFor(/ 50% .* MB\/4 MB/);
  const [pulling, ...bars] = screenOf(terminal.output);
  assert.equal(pulling, `Pulling ${registry.host}/demo/gadget:v1...`);
  assert.match(bars[0], /^[0-9a-f]{12} {2}━+ {2}50% +2 MB\/4 MB/);
  assert.ok(bars.every((line) => line.length < 80));
  registry.goOn();
  assert.equal(await terminal.status, 0);
  const left = screenOf(terminal.output);
  assert.equal(left[0], pulling);
  assert.equal(left.slice(1).join(""), `Successfully pulled ${registry.host}/demo/gadget:v1@${image.root.digest}`);
});

Deno.test("Ctrl-C takes the bars away, keeps what has arrived and ends with status 130", async () => {
  await using scratch = await scratchFolder();
  await using registry = serveStalling(makeGadget(LARGE));
  await using terminal = openTerminal(await pullCommand(registry.host), environment(scratch));
  await terminal.waitFor(/ 50% /);
  await terminal.type("\x03");
  assert.equal(await terminal.status, 130);
  const name = `${registry.host}/demo/gadget:v1`;
  assert.deepEqual(screenOf(terminal.output.replaceAll("^C", "")), [
    `Pulling ${name}...`,
    `Error: pulling ${name}: interrupted`,
    "Hint: What has arrived is kept: the same command goes on from there.",
  ]);
});

for (
  const [why, flags, env] of [
    ["with --quiet", "--quiet", {}],
    ["on a terminal that cannot move its cursor", "", { TERM: "dumb" }],
    ["where escape codes are not welcome", "", { NO_COLOR: "1" }],
  ] as const
) {
  Deno.test(`no bars ${why}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = serveStalling(makeGadget(LARGE));
    registry.goOn();
    await using terminal = openTerminal(await pullCommand(registry.host, flags), environment(scratch, env));
    assert.equal(await terminal.status, 0);
    assert.ok(!terminal.output.includes("\x1b"), JSON.stringify(terminal.output));
  });
}

Deno.test("a warning in the middle of it stands above the bars", async () => {
  await using scratch = await scratchFolder();
  await using registry = serveStalling(makeGadget(LARGE));
  await using terminal = openTerminal(await pullCommand(registry.host, "--debug"), environment(scratch));
  await terminal.waitFor(/ 50% /);
  registry.goOn();
  assert.equal(await terminal.status, 0);
  const lines = screenOf(terminal.output);
  assert.ok(lines.some((line) => line.startsWith("Debug: GET http://127.0.0.1:")));
  assert.ok(!lines.some((line) => line.includes("━")), lines.join("\n"));
});

Deno.test("Ctrl-C ends a command that waits for a locked store, and no bars stand there before anything moves", async () => {
  await using scratch = await scratchFolder();
  await writeStore(scratch.at("store"), [{ name: "example.com/a:v1", image: makeGadget() }]);
  using lock = await Deno.open(scratch.at("store/index.json.lock"), { create: true, write: true });
  await lock.lock(true);
  const command = `${await binary()} image tag example.com/a:v1 b`;
  await using terminal = openTerminal(command, environment(scratch));
  await terminal.waitFor(/Waiting for another process that has locked .*store\.\.\./);
  await terminal.type("\x03");
  assert.equal(await terminal.status, 130);
  const [waiting, ...rest] = screenOf(terminal.output.replaceAll("^C", "")).join("").split("...");
  assert.match(waiting, /^Waiting/);
  // The wait itself ends; nothing had to be cut short.
  const interrupted = `Error: tagging image: Interrupted while waiting for ${scratch.at("store/index.json.lock")}`;
  assert.deepEqual(rest.map((text) => text.replaceAll(" ", "")), [interrupted.replaceAll(" ", "")]);
});

Deno.test("a list fits the terminal by shortening what is long", async () => {
  await using scratch = await scratchFolder();
  const name = `registry.example.com/a-team-with-a-long-name/a-gadget-with-a-long-name:v1.2.3`;
  await writeStore(scratch.at("store"), [{ name, image: makeGadget() }]);
  await using terminal = openTerminal(`${await binary()} image list`, environment(scratch));
  assert.equal(await terminal.status, 0);
  const [, line] = screenOf(terminal.output);
  assert.match(line, /^registry\.example\.com\/[^ ]*… {3}v1\.2\.3 {3}[0-9a-f]{12} {3}\S.* ago$/);
  assert.equal(line.length, 80);
});

Deno.test("help is wrapped to the terminal", async () => {
  await using scratch = await scratchFolder();
  await using terminal = openTerminal(`${await binary()} image pull --help`, environment(scratch));
  assert.equal(await terminal.status, 0);
  assert.ok(terminal.output.split("\r\n").every((line) => line.length <= 80));
});
