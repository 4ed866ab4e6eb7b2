import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import {
  attachmentTag,
  binary,
  describe,
  digestOf,
  makeCosignSignature,
  makeGadget,
  peerTest,
  pushImage,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";
import { openTerminal, screenOf } from "./cli_terminal.ts";
import { listed } from "./import_archives.ts";
import { runAndKill } from "./kill.ts";
import { serveStalling } from "./stalling_registry.ts";

const KILLS = 40;

/** A registry with one image and its signature, and how to copy it. */
async function prepare(scratch: Scratch) {
  const registry = await startRegistry();
  const image = makeGadget({ layerSize: 2_000_000, layers: 4 });
  await pushImage(registry, "demo/app", "v1", image);
  await pushImage(registry, "demo/app", attachmentTag(image.root.digest, ".sig"), makeCosignSignature(image.root));
  const env = {
    ...satchelEnvironment(scratch.at("store"), scratch.path),
    SATCHEL_INSECURE_REGISTRIES: registry.host,
  };
  return { registry, image, env, name: `${registry.host}/demo/app:v1` };
}

/** Kills a copy at random moments, and looks at what it leaves. */
async function killOften(
  args: string[],
  env: Record<string, string>,
  look: (outcome: { wasKilled: boolean }, round: number) => Promise<void>,
): Promise<void> {
  const program = await binary();
  let usual = (await run(program, args, { env })).ms;
  for (let killed = 0, round = 0; killed < KILLS; round++) {
    assert.ok(round < 10 * KILLS, `only ${killed} of ${round} copies were still running when they were killed`);
    await look({ wasKilled: false }, round);
    const outcome = await runAndKill(program, args, env, Math.sqrt(Math.random()) * usual);
    if (outcome.wasKilled) killed++;
    else {
      assert.equal(outcome.code, 0, describe(outcome));
      usual = outcome.ms;
    }
    await look(outcome, round);
  }
}

peerTest(
  "registry",
  `after each of ${KILLS} kill -9 during a copy into the store it is whole, and the next copy ends what was begun`,
  async () => {
    await using scratch = await scratchFolder();
    const { registry, image, env, name } = await prepare(scratch);
    await using _registry = registry;
    const store = scratch.at("store");
    const args = ["image", "copy", name, "store:"];
    await killOften(args, env, async ({ wasKilled }, round) => {
      if (wasKilled) {
        const check = await satchel(["store", "check", "-o", "json"], { store });
        assert.equal(check.code, 0, describe(check));
        for (const digest of Object.values(await listed(scratch))) assert.equal(digest, image.root.digest);
      } else if (round % 4 === 0) await Deno.remove(store, { recursive: true }).catch(() => {});
      else await satchel(["image", "remove", name], { store });
    });
    await satchelSucceeds(args, { store, env });
    assert.deepEqual(await listed(scratch), { [name]: image.root.digest });
    await satchelSucceeds(["store", "gc", "--min-age", "0s"], { store });
    assert.deepEqual(readdirSync(scratch.at("store", "ingest")), []);
  },
);

peerTest(
  "registry",
  `after each of ${KILLS} kill -9 during a copy into an archive its name stands for a whole one or for none`,
  async () => {
    await using scratch = await scratchFolder();
    const { registry, env, name } = await prepare(scratch);
    await using _registry = registry;
    await Deno.mkdir(scratch.at("out"));
    const file = scratch.at("out/x.tar");
    const args = ["image", "copy", name, `archive:${file}`];
    await satchelSucceeds(["image", "copy", name, `archive:${scratch.at("whole.tar")}`], { env });
    const whole = digestOf(await Deno.readFile(scratch.at("whole.tar")));
    await killOften(args, env, async () => {
      const left = readdirSync(scratch.at("out"));
      for (const each of left) assert.ok(["x.tar", ".x.tar.partial"].includes(each), each);
      if (!left.includes("x.tar")) return;
      assert.equal(digestOf(await Deno.readFile(file)), whole);
      await Deno.remove(file);
    });
    await satchelSucceeds(args, { env });
    assert.equal(digestOf(await Deno.readFile(file)), whole);
    assert.deepEqual(readdirSync(scratch.at("out")), ["x.tar"]);
  },
);

const KEPT = "Hint: What has arrived is kept: the same command goes on from there.";

for (
  const [to, error, left] of [
    ["store:", ["interrupted", KEPT], []],
    ["archive:out/x.tar", ["interrupted; nothing was written"], []],
  ] as const
) {
  Deno.test(`Ctrl-C in the middle of a copy to ${to}: status 130, and no name for what is not whole`, async () => {
    await using scratch = await scratchFolder();
    await Deno.mkdir(scratch.at("out"));
    const image = makeGadget({ layerSize: 4_000_000, architectures: ["amd64"] });
    await using registry = serveStalling(image);
    const name = `${registry.host}/demo/app:v1`;
    const { NO_COLOR: _, ...env } = satchelEnvironment(scratch.at("store"), scratch.path);
    const command =
      `cd ${scratch.path}; ${await binary()} image copy --insecure-registries ${registry.host} ${name} ${to}`;
    {
      await using terminal = openTerminal(command, env);
      await terminal.waitFor(/ [45]\d% .* MB\/4(\.\d+)? MB/);
      await terminal.type("\x03");
      assert.equal(await terminal.status, 130);
      const [, ...lines] = screenOf(terminal.output.replaceAll("^C", ""));
      const text = lines.join("");
      assert.ok(text.startsWith(`Error: copying ${name} to ${to}`), text);
      assert.ok(text.endsWith(error.join("")), text);
    }
    assert.deepEqual(readdirSync(scratch.at("out")), left);
    const check = await satchel(["store", "check"], { store: scratch.at("store") });
    assert.equal(check.code, 0, describe(check));
    assert.deepEqual(await listed(scratch), {});
    registry.goOn();
    const again = await satchel(["image", "copy", "--insecure-registries", registry.host, name, to], {
      store: scratch.at("store"),
      cwd: scratch.path,
    });
    assert.equal(again.code, 0, describe(again));
  });
}
