import assert from "node:assert/strict";
import { join } from "node:path";
import { binary, ROOT, run, satchel, scratchFolder } from "../harness/mod.ts";

/** What each command prints about itself, to the letter: scripts and people rely on its names. */
const HELP = readHelp(join(ROOT, "tests/fixtures/help.txt"));

function readHelp(path: string): Record<string, string> {
  const sections = Deno.readTextFileSync(path).split(/^\$ /m).slice(1);
  return Object.fromEntries(sections.map((section) => {
    const end = section.indexOf(" --help\n");
    return [section.slice(0, end), `${section.slice(end + " --help\n".length).trimEnd()}\n`];
  }));
}

for (const [command, text] of Object.entries(HELP)) {
  Deno.test(`the help of ${command} is as it was`, async () => {
    const { code, stdout, stderr } = await satchel([...command.split(" ").slice(1), "--help"]);
    assert.equal(stdout, text);
    assert.deepEqual([code, stderr], [0, ""]);
  });
}

// Of each kind one: the root, a group, a command.
for (const command of ["satchel", "satchel image", "satchel image pull"]) {
  const words = command.split(" ").slice(1);

  Deno.test(`help ${words.join(" ")} prints the same as ${command} -h`, async () => {
    const asked = await satchel(["help", ...words]);
    const flag = await satchel([...words, "-h"]);
    assert.deepEqual([asked.code, asked.stdout], [0, HELP[command]]);
    assert.deepEqual([flag.code, flag.stdout], [0, HELP[command]]);
  });
}

for (const group of ["", "archive", "completion", "config", "image", "key", "plugin", "policy", "store"]) {
  Deno.test(`satchel ${group} without a subcommand prints its help and succeeds`, async () => {
    const { code, stdout, stderr } = await satchel(group === "" ? [] : [group]);
    assert.deepEqual([code, stdout, stderr], [0, HELP[`satchel ${group}`.trim()], ""]);
  });
}

Deno.test("help is one column of lines without control characters, in a pipe", async () => {
  const { stdout } = await satchel(["image", "pull", "--help"]);
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u);
});

Deno.test("through a link named ig it calls itself ig, in help and in errors", async () => {
  await using scratch = await scratchFolder();
  await Deno.symlink(await binary(), scratch.at("ig"));
  const env = { HOME: scratch.path, SATCHEL_STORE: scratch.at("store") };
  const help = await run(scratch.at("ig"), ["image", "pull", "--help"], { env });
  assert.equal(help.stdout, HELP["satchel image pull"].replaceAll("satchel image", "ig image"));
  const mistake = await run(scratch.at("ig"), ["imag"], { env });
  assert.equal(mistake.code, 2);
  assert.equal(
    mistake.stderr,
    'Error: unknown command "imag" for "ig"\n\nDid you mean this?\n\timage\n\nRun \'ig --help\' for usage.\n',
  );
});

Deno.test("through a link of that name in PATH as well, and under any other name it is satchel", async () => {
  await using scratch = await scratchFolder();
  await Deno.symlink(await binary(), scratch.at("ig"));
  await Deno.symlink(await binary(), scratch.at("gadgets"));
  const env = { HOME: scratch.path, PATH: `${scratch.path}:${Deno.env.get("PATH")}` };
  const found = await run("/bin/sh", ["-c", "ig image; gadgets image"], { env });
  assert.match(found.stdout, /Usage:\n {2}ig image \[command\][^]*Usage:\n {2}satchel image \[command\]/);
});
