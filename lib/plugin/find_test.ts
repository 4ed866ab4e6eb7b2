import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, TRANSFER, writeModule, writeSafely, writeScript } from "./_testing.ts";
import { findPlugins } from "./find.ts";
import { commandsOnPath, findCommandOnPath, findProgram } from "./on_path.ts";

const moduleNamed = (name: string) =>
  `export default { contract: 1, name: "${name}", beforePull: () => ({ allow: true }) };`;

Deno.test("named plugins come first, then those of the folders by name; what is no plugin is passed over", async () => {
  await using scratch = await scratchFolder();
  const inFolder = ["b.ts", "a.js", "c.mjs", "types.d.ts", ".hidden.ts", "_part.ts", "README.md", "satchel.d.ts"];
  for (const name of inFolder) writeSafely(scratch.at("plugins", name), "", 0o644);
  writeSafely(scratch.at("plugins", "satchel-run"), "", 0o755);
  writeSafely(scratch.at("plugins", "whole", "whole.ts"), "", 0o644);
  writeSafely(scratch.at("plugins", "part", "other.ts"), "", 0o644);
  const warnings: string[] = [];
  const named = writeSafely(scratch.at("z.ts"), "", 0o644);
  const found = findPlugins({
    onWarning: (message) => warnings.push(message),
    named: [{ path: named, from: "--plugin" }],
    folders: [scratch.at("none"), scratch.at("plugins")],
  });
  assert.deepEqual(
    found.map(({ form, path, failure }) => [form, path.slice(scratch.path.length), failure?.message]),
    [
      ["module", "/z.ts", undefined],
      ["module", "/plugins/a.js", undefined],
      ["module", "/plugins/b.ts", undefined],
      ["module", "/plugins/c.mjs", undefined],
      ["executable", "/plugins/satchel-run", undefined],
      ["module", "/plugins/whole/whole.ts", undefined],
    ],
  );
  assert.deepEqual(warnings, []);
});

Deno.test("a file satchel-NAME that may not be executed is a failure: it could be a guard", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("plugins", "satchel-guard"), "#!/bin/sh\n", 0o644);
  symlinkSync("nowhere", scratch.at("plugins", "satchel-lost"));
  await using host = await openNamed([], { folders: [scratch.at("plugins")] });
  const [guard, lost] = host.plugins;
  assert.match(guard.failure?.message ?? "", /satchel-guard may not be executed by this user$/);
  assert.match(guard.failure?.hint ?? "", /chmod \+x/);
  assert.match(lost.failure?.message ?? "", /does not exist/);
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "refused"));
});

Deno.test("what looks like code in a folder of plugins but is no plugin is told", async () => {
  await using scratch = await scratchFolder();
  const names = ["a.mts", "b.cts", "c.cjs", "notes.txt", "_d.mts"];
  for (const name of names) writeSafely(scratch.at("plugins", name), "", 0o644);
  writeSafely(scratch.at("plugins", "guard"), "", 0o755);
  writeSafely(scratch.at("plugins", "whole", "index.ts"), "", 0o644);
  writeSafely(scratch.at("plugins", "data", "file.txt"), "", 0o644);
  const warnings: string[] = [];
  const folders = [scratch.at("plugins")];
  assert.deepEqual(findPlugins({ named: [], folders, onWarning: (message) => warnings.push(message) }), []);
  const none = (name: string, reason: string) => `${scratch.at("plugins", name)} is not used as a plugin: ${reason}`;
  assert.deepEqual(warnings, [
    ...["a.mts", "b.cts", "c.cjs"].map((name) => none(name, "a module is a file NAME.ts, NAME.js or NAME.mjs")),
    none("guard", "an executable is called satchel-NAME"),
    none("whole", "the module of a folder is called like the folder, whole.ts"),
  ]);
});

Deno.test("what goes round in circles in a folder of plugins is a failure, and no crash", async () => {
  await using scratch = await scratchFolder();
  mkdirSync(scratch.at("plugins"), { mode: 0o755 });
  symlinkSync("circle", scratch.at("plugins", "circle"));
  await using host = await openNamed([], { folders: [scratch.at("plugins")] });
  assert.match(host.plugins[0].failure?.message ?? "", /too many links/);
});

Deno.test("one file by two names is one plugin, with the first settings that somebody gave, and a word about the others", async () => {
  await using scratch = await scratchFolder();
  const path = writeSafely(scratch.at("plugins", "a.ts"), "", 0o644);
  symlinkSync(path, scratch.at("link.ts"));
  const warnings: string[] = [];
  const found = findPlugins({
    onWarning: (message) => warnings.push(message),
    named: [
      { path: scratch.at("link.ts"), from: "one" },
      { path, from: "two", settings: { a: 2 } },
      { path, from: "three", settings: { a: 3 }, timeout: 7 },
    ],
    folders: [scratch.at("plugins")],
  });
  assert.deepEqual(found.map(({ path, from, settings, timeout }) => ({ path, from, settings, timeout })), [
    { path: scratch.at("link.ts"), from: "one", settings: { a: 2 }, timeout: 7 },
  ]);
  assert.deepEqual(warnings, [`the settings of ${path} by three are not used: it has those by two`]);
});

Deno.test("what was named but is not there, or is no plugin, is a failure that says what it must be", async () => {
  await using scratch = await scratchFolder();
  const text = writeSafely(scratch.at("notes.txt"), "", 0o644);
  mkdirSync(scratch.at("folder"), { mode: 0o755 });
  const [missing, noPlugin, folder, builtin] = (await openNamed([
    scratch.at("none.ts"),
    text,
    scratch.at("folder"),
    "builtin:none",
  ])).plugins.map(({ failure }) => failure);
  assert.match(missing?.message ?? "", /none.ts does not exist/);
  assert.match(noPlugin?.message ?? "", /notes.txt is neither a module nor a program/);
  assert.match(noPlugin?.hint ?? "", /NAME.ts.*chmod \+x/);
  assert.match(folder?.message ?? "", /neither a module nor a program/);
  assert.match(builtin?.message ?? "", /no such built-in plugin/);
});

Deno.test("a broken link to a module in a folder is a failure: something is missing that was wanted", async () => {
  await using scratch = await scratchFolder();
  mkdirSync(scratch.at("plugins"), { mode: 0o755 });
  symlinkSync("nowhere.ts", scratch.at("plugins", "guard.ts"));
  await using host = await openNamed([], { folders: [scratch.at("plugins")] });
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "refused"));
});

Deno.test("an empty folder of plugins that others may write to is a failure: a guard may have been taken away", async () => {
  await using scratch = await scratchFolder();
  mkdirSync(scratch.at("plugins"), { mode: 0o755 });
  const open = () => openNamed([], { folders: [scratch.at("plugins")] });
  await using safe = await open();
  assert.deepEqual(safe.plugins, []);
  Deno.chmodSync(scratch.at("plugins"), 0o777);
  await using unsafe = await open();
  assert.match(unsafe.plugins[0].failure?.message ?? "", /plugins can be written to by everybody \(mode 0777\)/);
});

Deno.test("of two plugins with one name the second is not used, and everything is refused", async () => {
  await using scratch = await scratchFolder();
  const first = writeSafely(scratch.at("a.ts"), moduleNamed("same"), 0o644);
  const second = writeSafely(scratch.at("b.ts"), moduleNamed("same"), 0o644);
  await using host = await openNamed([first, second]);
  assert.equal(host.plugins[0].failure, undefined);
  assert.equal(host.plugins[1].failure?.message, `the name same belongs to ${first}, so ${second} is not used`);
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "refused"));
});

Deno.test("nothing of a plugin that others can write runs: no line of a module, no call for a manifest", async () => {
  await using scratch = await scratchFolder();
  const mark = scratch.at("mark");
  const module = writeModule(scratch.at("guard.ts"), "", `Deno.writeTextFileSync("${mark}", "");`);
  const script = writeScript(scratch.at("satchel-guard"), [], "");
  Deno.writeTextFileSync(script, `#!/bin/sh\ntouch ${mark}\n`);
  chmodSync(module, 0o646);
  chmodSync(script, 0o757);
  await using host = await openNamed([module, script]);
  for (const { failure } of host.plugins) assert.match(failure?.message ?? "", /can be written to by everybody/);
  for (const { failure } of host.plugins) assert.match(failure?.hint ?? "", /chmod go-w/);
  assert.throws(() => Deno.statSync(mark), Deno.errors.NotFound);
});

Deno.test("a program is found on PATH, never in the current folder, and not where others can write", async () => {
  await using scratch = await scratchFolder();
  const path = writeSafely(scratch.at("bin", "satchel-hello"), "", 0o755);
  writeSafely(scratch.at("first", "satchel-hello"), "", 0o644);
  const folders = `:.:${scratch.at("first")}:${scratch.at("bin")}`;
  assert.equal(findCommandOnPath("hello", folders), path);
  assert.equal(findCommandOnPath("bye", folders), undefined);
  assert.equal(findCommandOnPath("../bin/hello", folders), undefined);
  assert.equal(findProgram("satchel-hello", undefined), undefined);
  assert.throws(() => findProgram("../satchel-hello", folders), (error) => hasCode(error, "usage"));
  chmodSync(scratch.at("bin"), 0o777);
  assert.throws(() => findCommandOnPath("hello", folders), (error) => hasCode(error, "refused"));
});

Deno.test("all commands on PATH are those that are found by name, with what is wrong with them", async () => {
  await using scratch = await scratchFolder();
  const folders = `:.:/nonexistent:${scratch.at("first")}:${scratch.at("bin")}`;
  writeSafely(scratch.at("first", "satchel-hello"), "", 0o644);
  const hello = writeSafely(scratch.at("bin", "satchel-hello"), "", 0o755);
  const first = writeSafely(scratch.at("first", "satchel-bye"), "", 0o755);
  writeSafely(scratch.at("bin", "satchel-bye"), "", 0o755);
  const open = writeSafely(scratch.at("bin", "satchel-open"), "", 0o777);
  for (const name of ["satchel-", "satchel-No", "satchel", "other"]) writeSafely(scratch.at("bin", name), "", 0o755);
  const found = commandsOnPath(folders);
  assert.deepEqual(found.map(({ name, path }) => [name, path]), [["bye", first], ["hello", hello], ["open", open]]);
  assert.deepEqual(found.map(({ failure }) => failure?.code), [undefined, undefined, "refused"]);
  assert.deepEqual(commandsOnPath(undefined), []);
});

Deno.test("a folder of plugins that cannot be read is a failure, as if it held a guard", async () => {
  await using scratch = await scratchFolder();
  const file = writeSafely(scratch.at("plugins"), "", 0o644);
  await using host = await openNamed([], { folders: [file] });
  assert.match(host.plugins[0].failure?.message ?? "", /cannot read the folder of plugins/);
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "refused"));
});
