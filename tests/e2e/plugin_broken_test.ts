import assert from "node:assert/strict";
import {
  binary,
  capabilityTest,
  describe,
  peerTest,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startInBackground,
  startRegistry,
} from "../harness/mod.ts";
import { configure, published, writeExecutable, writeFile, writeModule } from "./plugin_files.ts";

/** Plugins that fail, each with what is said about it behind its name and file. */
const BROKEN: { does: string; write: (scratch: Scratch) => Promise<string>; says: RegExp }[] = [
  {
    does: "throws",
    write: (scratch) => writeModule(scratch, "bad", 'beforePull() { throw new Error("lost the list"); },'),
    says: /failed in beforePull: lost the list/,
  },
  {
    does: "answers nothing",
    write: (scratch) => writeModule(scratch, "bad", "beforePull() {},"),
    says: /failed in beforePull: /,
  },
  {
    does: "answers something else",
    write: (scratch) => writeModule(scratch, "bad", "beforePull: () => ({ allow: 1 }),"),
    says: /failed in beforePull: .*allow/,
  },
  {
    does: "exits",
    write: (scratch) => writeModule(scratch, "bad", "beforePull() { globalThis.process.exit(0); },"),
    says: /failed in beforePull: it ended itself/,
  },
  {
    does: "does not parse",
    write: (scratch) => writeFile(scratch.at("bad.js"), "export default {"),
    says: /cannot be used: /,
  },
  {
    does: "exports nothing",
    write: (scratch) => writeFile(scratch.at("bad.js"), "export const plugin = 1;\n"),
    says: /cannot be used: .*default export/,
  },
  {
    does: "throws while it is loaded",
    write: (scratch) => writeFile(scratch.at("bad.js"), 'throw new Error("not today");\n'),
    says: /cannot be used: not today/,
  },
  {
    does: "keeps another contract",
    write: (scratch) => writeFile(scratch.at("bad.js"), 'export default { contract: 2, name: "bad" };\n'),
    says: /cannot be used: it is for contract 2, this satchel knows 1/,
  },
  {
    does: "is not there",
    write: (scratch) => Promise.resolve(scratch.at("bad.js")),
    says: /cannot be used: .*does not exist/,
  },
  {
    does: "prints garbage",
    write: (scratch) => writeExecutable(scratch, "bad", "echo garbage"),
    says: /failed in beforePull: .*not JSON/,
  },
  {
    does: "prints too much",
    write: (scratch) => writeExecutable(scratch, "bad", "exec yes"),
    says: /failed in beforePull: .*more than \d+ bytes/,
  },
  {
    does: "exits with a status other than 0",
    write: (scratch) => writeExecutable(scratch, "bad", `echo '{"allow": true}'; exit 3`),
    says: /failed in beforePull: it ended with status 3/,
  },
  {
    does: "says of itself what it should not",
    write: (scratch) => writeFile(scratch.at("satchel-bad"), "#!/bin/sh\necho '{\"contract\": 1}'\n", 0o755),
    says: /cannot be used: /,
  },
];

for (const { does, write, says } of BROKEN) {
  peerTest("registry", `a plugin that ${does} lets no pull pass, and is named with its file`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const { name, flags } = await published(registry);
    const plugin = await write(scratch);
    const store = scratch.at("store");
    const pull = ["image", "pull", name, "--plugin", plugin, ...flags];
    const refused = await satchel(pull, { store });
    assert.equal(refused.code, 5, describe(refused));
    assert.match(refused.stderr, /^Error: pulling \S+: the plugin \S+ \(\/\S+bad\S*\) /m);
    assert.ok(refused.stderr.includes(`(${plugin})`), refused.stderr);
    assert.match(refused.stderr, says);
    // What asks no plugin goes on working, and so does a pull without plugins.
    assert.equal(await satchelSucceeds(["image", "list", "-o", "json", "--plugin", plugin], { store }), "[]\n");
    await satchelSucceeds([...pull, "--no-plugins"], { store });
  });
}

peerTest(
  "registry",
  "a hook that does not answer within the time that the configuration gives it refuses",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const { name, flags } = await published(registry);
    const plugin = await writeModule(scratch, "waits", "beforePull: () => new Promise(() => {}),");
    const home = await configure(scratch, plugin, {}, "300ms");
    const outcome = await satchel(["image", "pull", name, ...flags], { home });
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(
      outcome.stderr,
      /the plugin waits \(\/\S+waits\.js\) failed in beforePull: it did not answer within 0\.3 s/,
    );
  },
);

peerTest(
  "registry",
  "a guard that lost its mode in a folder of plugins refuses, rather than not being asked",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const { name, flags } = await published(registry);
    await Deno.mkdir(scratch.at(".config/satchel/plugins"), { recursive: true, mode: 0o755 });
    const guard = await writeExecutable(scratch, "guard", `echo '{"allow": true}'`);
    const installed = scratch.at(".config/satchel/plugins/satchel-guard");
    await Deno.rename(guard, installed);
    const pull = ["image", "pull", name, ...flags];
    const home = scratch.path;
    assert.equal((await satchel(pull, { home })).code, 0, "with its mode it lets pass");
    await Deno.chmod(installed, 0o644);
    const refused = await satchel(pull, { home });
    assert.equal(refused.code, 5, describe(refused));
    assert.match(refused.stderr, /satchel-guard \(\/\S+satchel-guard\) cannot be used: /);
  },
);

peerTest("registry", "Ctrl-C ends a pull whose plugin loops", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const { name, flags } = await published(registry);
  const plugin = await writeModule(scratch, "loops", 'beforePull(_, { log }) { log("here"); while (true); },');
  await using pull = await startInBackground(await binary(), ["image", "pull", name, "--plugin", plugin, ...flags], {
    env: satchelEnvironment(scratch.at("store"), scratch.path),
    ready: (line) => line === "loops: here" ? true : undefined,
  });
  pull.kill("SIGINT");
  assert.equal((await pull.status).code, 130);
});

/** What an untrusted plugin would do if its code ran. */
function marker(scratch: Scratch): string {
  return `import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(scratch.at("ran"))}, "");
export default { contract: 1, name: "bad" };
`;
}

async function assertNotRun(scratch: Scratch, plugin: string, says: RegExp): Promise<void> {
  await using registry = await startRegistry();
  const { name, flags } = await published(registry);
  const store = scratch.at("store");
  const pull = ["image", "pull", name, "--plugin", plugin, ...flags];
  const refused = await satchel(pull, { store });
  assert.equal(refused.code, 5, describe(refused));
  assert.match(refused.stderr, says);
  const list = await satchel(["plugin", "list", "-o", "json", "--plugin", plugin], { store });
  assert.equal(list.code, 0, describe(list));
  assert.deepEqual(JSON.parse(list.stdout).map(({ name, state }: Record<string, string>) => [name, state]), [
    ["bad.js", "failed"],
  ]);
  await assert.rejects(Deno.stat(scratch.at("ran")), Deno.errors.NotFound);
  await satchelSucceeds([...pull, "--no-plugins"], { store });
  // The same file does run once it can be trusted: otherwise this would not show anything.
  await Deno.chmod(plugin, 0o644);
  if (Deno.uid() === 0) await Deno.chown(plugin, 0, 0);
  await satchel(["plugin", "list", "--plugin", plugin], { store });
  await Deno.stat(scratch.at("ran"));
}

peerTest("registry", "a plugin that others may write to is refused before any of its code runs", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeFile(scratch.at("bad.js"), marker(scratch), 0o666);
  await assertNotRun(scratch, plugin, /bad\.js can be written to by everybody \(mode 0666\)[^]*Hint: .*chmod go-w/);
});

capabilityTest(["root", "registry"], "a plugin of somebody else is refused before any of its code runs", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeFile(scratch.at("bad.js"), marker(scratch));
  await Deno.chown(plugin, 65534, 65534);
  await assertNotRun(scratch, plugin, /bad\.js belongs to the user nobody/);
});

peerTest("registry", "a plugin in a folder that others may write to is refused", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("open"));
  await Deno.chmod(scratch.at("open"), 0o777);
  const plugin = await writeFile(scratch.at("open/bad.js"), marker(scratch));
  const outcome = await satchel(["plugin", "list", "--plugin", plugin]);
  assert.match(
    outcome.stderr,
    /^Warning: the plugin bad\.js \(\S+\) cannot be used: \S+open, on the way to \S+, can be written to by everybody/m,
  );
  await assert.rejects(Deno.stat(scratch.at("ran")), Deno.errors.NotFound);
});
