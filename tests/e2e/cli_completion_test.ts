import assert from "node:assert/strict";
import { binary, makeGadget, peerTest, run, satchel, type Scratch, scratchFolder } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal, type Terminal } from "./cli_terminal.ts";

/** Links named satchel and ig, a store with two images and one whose name is an attack, and a folder to complete. */
async function prepare(scratch: Scratch): Promise<Record<string, string>> {
  await Deno.mkdir(scratch.at("bin"));
  for (const name of ["satchel", "ig"]) await Deno.symlink(await binary(), scratch.at("bin", name));
  await writeStore(scratch.at("store"), [
    { name: "ghcr.io/inspektor-gadget/gadget/trace_open:latest", image: makeGadget() },
    { name: "127.0.0.1:5000/demo/gadget:v1", image: makeGadget() },
    { name: "zz$(touch pwned)`touch pwned`;touch pwned", image: makeGadget() },
  ]);
  await Deno.mkdir(scratch.at("some-folder"));
  return {
    HOME: scratch.path,
    SATCHEL_STORE: scratch.at("store"),
    PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}`,
    LC_ALL: "C.UTF-8",
    HISTFILE: "",
  };
}

async function isPwned(scratch: Scratch): Promise<boolean> {
  return await Deno.stat(scratch.at("pwned")).then(() => true, () => false);
}

/** Ends a shell by its own command, so that nothing of it lives on when its folder goes. */
async function leave(terminal: Terminal): Promise<void> {
  await terminal.type("\x15exit\n");
  await terminal.status;
}

/** What is typed, and the words that a shell should offer for the last of it. */
const CASES: [string, string[]][] = [
  ["satchel im", ["image"]],
  ["satchel image pu", ["pull", "push"]],
  ["ig image pu", ["pull", "push"]],
  ["satchel image push ", ["127.0.0.1:5000/demo/gadget:v1", "trace_open:latest"]],
  ["satchel image push 127.0.0.1:5", ["127.0.0.1:5000/demo/gadget:v1"]],
  ["satchel image rm trace_open:l", ["trace_open:latest"]],
  ["satchel image tag trace_open:latest 127", ["127.0.0.1:5000/demo/gadget:v1"]],
  ["satchel image list --no-t", ["--no-trunc"]],
  ["satchel image list -o j", ["json", "jsonpretty"]],
  ["satchel image list --output=y", ["--output=yaml"]],
  ["satchel --lock-timeout 5s image pul", ["pull"]],
  ["satchel help image ta", ["tag"]],
  ["satchel completion z", ["zsh"]],
  ["satchel image pull tr", []],
  ["satchel __comp", []],
  ["satchel image push zz", []],
];

for (const [typed, expected] of CASES) {
  Deno.test(`${typed}<Tab> becomes ${expected.join(" or ") || "nothing"}`, async () => {
    await using scratch = await scratchFolder();
    const { SATCHEL_STORE: store } = await prepare(scratch);
    const { code, stdout, stderr } = await satchel(["__complete", "--", ...typed.split(" ").slice(1)], { store });
    const [who, ...words] = stdout.trimEnd().split("\n").map((line) => line.split("\t")[0]);
    assert.deepEqual([who, words.toSorted()], [":words", expected]);
    assert.deepEqual([code, stderr], [0, ""]);
  });

  peerTest("fish", `fish offers the same for ${typed}`, async () => {
    await using scratch = await scratchFolder();
    const env = await prepare(scratch);
    const script = `satchel completion fish | source; ig completion fish | source; complete -C '${typed}'`;
    const { stdout } = await run("fish", ["--no-config", "-c", script], { env, cwd: scratch.path });
    assert.deepEqual(
      stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]).toSorted(),
      expected,
    );
    assert.ok(!await isPwned(scratch));
  });

  peerTest("bash", `bash offers the same for ${typed}`, async () => {
    await using scratch = await scratchFolder();
    const env = await prepare(scratch);
    const script = `source <(satchel completion bash); source <(ig completion bash)
COMP_LINE=$1; COMP_POINT=\${#1}; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
"_\${1%% *}_complete" && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await run("bash", ["--norc", "-c", script, "bash", typed], { env, cwd: scratch.path });
    // Bash has the part up to the last colon or equals sign on the line already.
    const before = /[^ ]*[:=]|$/.exec(typed.split(" ").at(-1)!)![0];
    const words = stdout.split("\n").filter((line) => line !== "").map((word) => before + word);
    assert.deepEqual([words.toSorted(), stderr], [expected, ""]);
    assert.ok(!await isPwned(scratch));
  });
}

Deno.test("a flag that takes a file or a folder leaves completion to the shell", async () => {
  assert.equal((await satchel(["__complete", "--", "--config", ""])).stdout, ":files\n");
  assert.equal((await satchel(["__complete", "--", "image", "pull", "--authfile=x"])).stdout, ":files\n");
  assert.equal((await satchel(["__complete", "--", "--store", ""])).stdout, ":directories\n");
});

Deno.test("a store that cannot be read makes no noise at the prompt", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("store"));
  await Deno.writeTextFile(scratch.at("store/index.json"), "{");
  const outcome = await satchel(["__complete", "--", "image", "push", ""], { store: scratch.at("store") });
  assert.deepEqual([outcome.code, outcome.stdout, outcome.stderr], [0, ":words\n", ""]);
});

Deno.test("the names are those of the store that the line names", async () => {
  await using scratch = await scratchFolder();
  await writeStore(scratch.at("other"), [{ name: "example.com/other:v1", image: makeGadget() }]);
  const { stdout } = await satchel(["__complete", "--", "--store", scratch.at("other"), "image", "rm", ""]);
  assert.equal(stdout, ":words\nexample.com/other:v1\n");
});

peerTest("bash", "a Tab in a real bash completes a name over its colon, and runs nothing that was typed", async () => {
  await using scratch = await scratchFolder();
  const env = { ...await prepare(scratch), PS1: "ready> " };
  await using terminal = openTerminal(`cd ${scratch.path}; exec bash --norc --noprofile -i`, env);
  await terminal.waitFor(/ready> /);
  await terminal.type("source <(satchel completion bash)\n");
  await terminal.waitFor(/ready> $/);
  await terminal.type("satchel image push 127.0.0.1:5\t");
  await terminal.waitFor(/satchel image push 127\.0\.0\.1:5000\/demo\/gadget:v1 /);
  await terminal.type("\x15satchel image pull $(touch pwned) `touch pwned` \tX");
  await terminal.waitFor(/touch pwned` .?X/);
  await terminal.type("\x15satchel --store some-f\t");
  await terminal.waitFor(/some-folder/);
  await leave(terminal);
  assert.ok(!await isPwned(scratch));
});

peerTest(
  "zsh",
  "a Tab in a real zsh completes commands, names and flags, and runs nothing that was typed",
  async () => {
    await using scratch = await scratchFolder();
    const env = { ...await prepare(scratch), PS1: "ready> ", ZDOTDIR: scratch.path };
    await using terminal = openTerminal(`cd ${scratch.path}; exec zsh -f -i`, env);
    await terminal.waitFor(/ready> /);
    await terminal.type(
      "autoload -U compinit; compinit -u -D; source <(satchel completion zsh); source <(ig completion zsh); echo lo''aded\n",
    );
    await terminal.waitFor(/loaded[^]*ready> /);
    await terminal.type("satchel imag\t");
    await terminal.waitFor(/satchel image/);
    await terminal.type("push 127\t");
    await terminal.waitFor(/127\.0\.0\.1:5000\/demo\/gadget:v1/);
    await terminal.type("\x15ig image list --no-t\t");
    await terminal.waitFor(/ig image list --no-trunc/);
    await terminal.type("\x15satchel image \t\t");
    await terminal.waitFor(/pull +-- Pull the specified image from a remote registry/);
    await terminal.type("\x15satchel --store some-f\t");
    await terminal.waitFor(/some-folder/);
    await terminal.type("\x15satchel image pull $(touch pwned) \tX");
    await terminal.waitFor(/pwned\) [^]*X/);
    await leave(terminal);
    assert.ok(!await isPwned(scratch));
  },
);

peerTest("zsh", "the zsh script works as a file in fpath, too", async () => {
  await using scratch = await scratchFolder();
  const env = { ...await prepare(scratch), PS1: "ready> ", ZDOTDIR: scratch.path };
  await Deno.mkdir(scratch.at("functions"));
  const { stdout } = await satchel(["completion", "zsh"]);
  await Deno.writeTextFile(scratch.at("functions/_satchel"), stdout);
  await using terminal = openTerminal(`cd ${scratch.path}; exec zsh -f -i`, env);
  await terminal.waitFor(/ready> /);
  await terminal.type("fpath+=($PWD/functions); autoload -U compinit; compinit -u -D; echo lo''aded\n");
  await terminal.waitFor(/loaded[^]*ready> /);
  await terminal.type("satchel image pus\t");
  await terminal.waitFor(/satchel image push/);
  await leave(terminal);
});
