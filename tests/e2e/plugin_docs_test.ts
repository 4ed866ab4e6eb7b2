import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { describe, ROOT, run, satchel, satchelSucceeds, scratchFolder } from "../harness/mod.ts";
import { configure, writeFile, writeModule } from "./plugin_files.ts";

/** What docs/plugins.md shows, by language, in its order. */
const SNIPPETS = Map.groupBy(
  [...Deno.readTextFileSync(join(ROOT, "docs/plugins.md")).matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .map(([, language, text]) => ({ language, text })),
  ({ language }) => language,
);

function snippets(language: string): string[] {
  return (SNIPPETS.get(language) ?? []).map(({ text }) => text);
}

/** Values of JSON in a snippet: one, or one a line. */
function values(text: string) {
  try {
    return [JSON.parse(text)];
  } catch {
    return text.trim().split("\n").map((line) => JSON.parse(line));
  }
}

const JSON_VALUES = snippets("json").flatMap(values);

Deno.test("the modules that the page shows pass the type check, load and work", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel.d.ts"), await satchelSucceeds(["plugin", "types"]));
  const paths = snippets("ts").map((_, index) => scratch.at(`module-${index}.ts`));
  await Promise.all(paths.map((path, index) => writeFile(path, snippets("ts")[index])));
  const env = { HOME: scratch.path, NO_COLOR: "1" };
  const check = await run(Deno.execPath(), ["check", "--no-config", ...paths], { env });
  assert.equal(check.code, 0, describe(check));
  const [calendar, words] = paths;
  const asked = await satchelSucceeds(["plugin", "call", calendar, "beforePush"], { stdin: '{"reference":"r/a:b"}' });
  assert.equal(typeof JSON.parse(asked).allow, "boolean");
  const counted = await satchel(["--plugin", words, "words", "count", "--skip", "b,c", "a", "b", "c", "--loud"]);
  assert.deepEqual([counted.code, counted.stdout], [1, "1 words!\n"], describe(counted));
  assert.equal(await satchelSucceeds(["--plugin", words, "words", "--version"]), "words 1.0.0\n");
});

Deno.test("the script that the page shows is a plugin and works", async () => {
  await using scratch = await scratchFolder();
  const [text] = snippets("sh");
  const plugin = await writeFile(scratch.at("satchel-calendar"), text, 0o755);
  const [request] = JSON_VALUES.filter(({ subject, tag }) => subject && tag);
  const outcome = await satchel(["plugin", "call", plugin, "beforePush"], { stdin: JSON.stringify(request) });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(outcome.stderr, "calendar: registry.example.org/team/app:v1 is to be pushed\n");
  assert.equal(typeof JSON.parse(outcome.stdout).allow, "boolean");
});

Deno.test("the settings that the page shows are a configuration", async () => {
  await using scratch = await scratchFolder();
  const [text] = snippets("yaml");
  const config = await writeFile(scratch.at("config.yaml"), text);
  const shown = JSON.parse(await satchelSucceeds(["config", "show", "-o", "json", "--config", config]));
  assert.deepEqual(shown.plugins.value.map(({ path }: { path: string }) => path), [
    parse(text).plugins[0].path,
    parse(text).plugins[1],
  ]);
});

Deno.test("the answers that the page shows are taken as they are, for every hook", async () => {
  await using scratch = await scratchFolder();
  const page = Deno.readTextFileSync(join(ROOT, "docs/plugins.md"));
  const inline = [...page.matchAll(/`(\{".*?\})`/g)].map(([, text]) => JSON.parse(text));
  const all = [...JSON_VALUES, ...inline];
  const answers: Record<string, unknown[]> = {
    "credentials.get": [{}, ...all.filter(({ credential }) => credential)],
    "credentials.store": all.filter(({ stored }) => stored !== undefined),
    "credentials.erase": all.filter(({ erased }) => erased !== undefined),
    "credentials.list": all.filter(({ registries }) => registries),
    beforePull: all.filter(({ allow }) => allow !== undefined),
    sign: all.filter(({ artifacts, reference }) => artifacts && !reference),
    verify: all.filter(({ verdict }) => verdict),
  };
  const given = JSON.stringify(answers);
  const members = Object.keys(answers).filter((hook) => !hook.startsWith("credentials."));
  const inner = Object.keys(answers).flatMap((hook) => hook.startsWith("credentials.") ? [hook.split(".")[1]] : []);
  const plugin = await writeModule(
    scratch,
    "echo",
    `${members.map((hook) => `${hook}: ({ n }) => (${given})["${hook}"][n],`).join(" ")}
    credentials: { ${inner.map((hook) => `${hook}: ({ n }) => (${given})["credentials.${hook}"][n],`).join(" ")} },`,
  );
  for (const [hook, shown] of Object.entries(answers)) {
    assert.ok(shown.length > 0, `the page shows an answer of ${hook}`);
    for (const [n, answer] of shown.entries()) {
      const outcome = await satchel(["plugin", "call", plugin, hook], { stdin: JSON.stringify({ n }) });
      assert.equal(outcome.code, 0, describe(outcome));
      assert.deepEqual(JSON.parse(outcome.stdout), answer);
      assert.equal(outcome.stderr, "", "no member is passed over");
    }
  }
});

Deno.test("the object on stdin has the members that the page shows", async () => {
  await using scratch = await scratchFolder();
  const script = `#!/bin/sh
[ "$1" = --satchel-manifest ] && echo '{"contract": 1, "name": "shows", "hooks": ["beforePush"]}' && exit
cat > ${scratch.at("call.json")}
echo '{"allow": true}'\n`;
  const plugin = await writeFile(scratch.at("satchel-shows"), script, 0o755);
  const [shown] = JSON_VALUES.filter(({ hook }) => hook);
  const home = await configure(scratch, plugin, {});
  await satchelSucceeds(["plugin", "call", plugin, "beforePush"], { home, stdin: JSON.stringify(shown.request) });
  const call = JSON.parse(await Deno.readTextFile(scratch.at("call.json")));
  assert.deepEqual({ ...call, version: "" }, { ...shown, version: "" });
});

Deno.test("the commands that the page shows do what it says, from init to an installed plugin", async () => {
  await using scratch = await scratchFolder();
  const options = { cwd: scratch.path, home: scratch.path };
  const commands = snippets("bash").join("\n").split("\n");
  const shown = (line: string) => assert.ok(commands.some((each) => each.startsWith(line)), `the page shows ${line}`);
  const line = async (text: string, stdin = "") => {
    shown(text);
    const [program, ...args] = text.split(" ");
    assert.equal(program, "satchel");
    const outcome = await satchel(args, { ...options, stdin });
    assert.equal(outcome.code, 0, describe(outcome));
    return outcome;
  };
  await line("satchel plugin init mine");
  assert.equal((await line("satchel --plugin ./mine.ts mine hello")).stdout, "Hello, world\n");
  await line("satchel plugin inspect ./mine.ts");
  const install = "install -D -m 0644 mine.ts ~/.config/satchel/plugins/mine.ts";
  shown(install);
  const installed = await run("sh", ["-c", `umask 022; ${install}`], { ...options, env: { HOME: scratch.path } });
  assert.equal(installed.code, 0, describe(installed));
  assert.equal((await line("satchel mine hello --loud")).stdout, "HELLO, WORLD\n");
  await line("satchel plugin list");
  await line("satchel plugin inspect mine");
  const request = /<< 'END'\n(.*?)^END$/ms.exec(snippets("bash").join("\n"))![1];
  assert.equal((await line("satchel plugin call ./mine.ts beforePull", request)).stdout, '{"allow":true}\n');

  await satchelSucceeds(["plugin", "init", "mine", "--form", "executable"], options);
  const tries = commands.filter((each) => each.includes("./satchel-mine --satchel-"));
  assert.equal(tries.length, 2);
  const tried = await run("sh", ["-euc", tries.join("\n")], { ...options, env: { HOME: scratch.path } });
  assert.equal(tried.code, 0, describe(tried));
  assert.match(tried.stdout, /"hooks": \["beforePull"\]\}\n\{"allow": true\}\n$/);
});
