import assert from "node:assert/strict";
import {
  binary,
  describe,
  run,
  satchel,
  satchelByDeno,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startInBackground,
  startServedRegistry,
} from "../harness/mod.ts";
import { configure, published, writeExecutable, writeFile, writeModule } from "./plugin_files.ts";

/** Runs satchel in a folder. */
async function inFolder(scratch: Scratch, ...args: string[]) {
  return await satchel(args, { cwd: scratch.path, home: scratch.path });
}

async function list(args: readonly string[], options: Parameters<typeof satchel>[1]) {
  return JSON.parse(await satchelSucceeds(["plugin", "list", "-o", "json", ...args], options));
}

Deno.test("what plugin init writes runs as it is: its command, its hook, in a pull", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { name, digest, flags } = await published(registry);
  const module = await inFolder(scratch, "plugin", "init", "mine");
  assert.match(module.stdout, /^Wrote satchel\.d\.ts and mine\.ts\n/);
  assert.equal(module.stderr, "");
  const executable = await inFolder(scratch, "plugin", "init", "other", "--form", "executable", "--directory", "sub");
  assert.match(executable.stdout, /^Wrote sub\/satchel-other\n/);
  for (const [path, word] of [["./mine.ts", "mine"], ["./sub/satchel-other", "other"]]) {
    const hello = await inFolder(scratch, "--plugin", path, word, "hello", "you");
    assert.equal(hello.stdout, "Hello, you\n", describe(hello));
    const pull = await inFolder(scratch, "--plugin", path, "image", "pull", name, ...flags);
    assert.equal(pull.code, 0, describe(pull));
    assert.ok(pull.stderr.includes(`\n${word}: ${name} is ${digest}\n`), pull.stderr);
    const help = await inFolder(scratch, "--plugin", path, word, "--help");
    assert.deepEqual([help.code, help.stderr], [0, ""]);
    assert.match(help.stdout, /hello/);
  }
  assert.equal((await inFolder(scratch, "--plugin", "./mine.ts", "mine", "hello", "-l")).stdout, "HELLO, WORLD\n");
  const byDeno = await satchelByDeno(["--plugin", "./mine.ts", "mine", "hello"], { cwd: scratch.path });
  assert.equal(byDeno.stdout, "Hello, world\n", describe(byDeno));
});

Deno.test("the module that plugin init writes passes the type check of deno", async () => {
  await using scratch = await scratchFolder();
  await inFolder(scratch, "plugin", "init", "mine");
  const check = (path: string) =>
    run(Deno.execPath(), ["check", "--no-config", path], { env: { HOME: scratch.path, NO_COLOR: "1" } });
  const good = await check(scratch.at("mine.ts"));
  assert.equal(good.code, 0, describe(good));
  const text = await Deno.readTextFile(scratch.at("mine.ts"));
  await Deno.writeTextFile(scratch.at("wrong.ts"), text.replace("{ allow: true }", "{ allow: 1 }"));
  assert.notEqual((await check(scratch.at("wrong.ts"))).code, 0, "the types are there and mean something");
});

Deno.test("plugin init overwrites nothing, and writes files that nobody else may write to", async () => {
  await using scratch = await scratchFolder();
  const shell = ["-c", 'umask 0002; exec "$@"', "sh"];
  const init = async (...args: string[]) =>
    await run("sh", [...shell, await binary(), "plugin", "init", ...args], {
      cwd: scratch.path,
      env: { HOME: scratch.path },
    });
  assert.equal((await init("one")).code, 0);
  assert.equal((await init("two", "--form", "executable")).code, 0);
  const mode = async (name: string) => ((await Deno.stat(scratch.at(name))).mode! & 0o777).toString(8);
  assert.deepEqual(await Promise.all(["one.ts", "satchel.d.ts", "satchel-two"].map(mode)), ["644", "644", "755"]);

  await Deno.writeTextFile(scratch.at("one.ts"), "precious");
  const again = await init("one");
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^Error: one\.ts is there already$/m);
  assert.equal(await Deno.readTextFile(scratch.at("one.ts")), "precious");
  await Deno.mkdir(scratch.at("sub"));
  await Deno.writeTextFile(scratch.at("sub/one.ts"), "precious");
  assert.equal((await init("one", "--directory", "sub")).code, 2);
  assert.deepEqual(
    Array.from(Deno.readDirSync(scratch.at("sub")), ({ name }) => name),
    ["one.ts"],
    "nothing was written",
  );
  const second = await init("three");
  assert.match(second.stdout, /^Wrote three\.ts\n/, "the types are shared");
  assert.equal(second.stderr, "");
});

Deno.test("types of another version are told and left as they are; plugin types prints those of this one", async () => {
  await using scratch = await scratchFolder();
  const types = await satchelSucceeds(["plugin", "types"]);
  assert.match(types, /^\/\/ satchel \S+, version 1 of the contract\n\/\*\*\n/);
  await Deno.writeTextFile(scratch.at("satchel.d.ts"), "// older\n");
  const outcome = await inFolder(scratch, "plugin", "init", "one");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(
    outcome.stderr,
    /^Warning: satchel\.d\.ts is not that of this version, .* `satchel plugin types > satchel\.d\.ts` replaces it\n$/,
  );
  assert.equal(await Deno.readTextFile(scratch.at("satchel.d.ts")), "// older\n");
  await Deno.writeTextFile(scratch.at("satchel.d.ts"), types);
  assert.equal((await inFolder(scratch, "plugin", "init", "two")).stderr, "");
});

Deno.test("plugin init works beside a configuration file that is broken", async () => {
  await using scratch = await scratchFolder();
  const env = { SATCHEL_CONFIG: await writeFile(scratch.at("broken.yaml"), "- [") };
  const outcome = await satchel(["plugin", "init", "mine"], { cwd: scratch.path, env });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal((await satchel(["plugin", "list"], { env })).code, 2);
});

Deno.test("a plugin cannot be called like a command of satchel's, or by what is no name", async () => {
  await using scratch = await scratchFolder();
  for (
    const [name, says] of [
      ["image", /satchel's own/],
      ["help", /satchel's own/],
      ["satchel", /satchel's own/],
      ["Mine", /is no name for a plugin/],
      ["../x", /is no name for a plugin/],
    ] as const
  ) {
    const outcome = await inFolder(scratch, "plugin", "init", name);
    assert.equal(outcome.code, 2, describe(outcome));
    assert.match(outcome.stderr, says);
  }
  assert.deepEqual(Array.from(Deno.readDirSync(scratch.path)), []);
});

const COMMANDS = `description: "Counts",
version: "1.2.0",
commands: [
  {
    name: "count", summary: "Count words", arguments: { usage: "WORD...", min: 1, max: null },
    flags: [
      { name: "unit", letter: "u", type: "string", summary: "What they are" },
      { name: "skip", type: "strings", summary: "Words to leave out" },
      { name: "loud", type: "bool", summary: "Loudly" },
    ],
    run({ arguments: words, flags }, { print }) {
      print(JSON.stringify({ words, flags }) + "\\n");
      return words.length;
    },
  },
  { name: "fail", summary: "Fail", run() { throw new Error("no way"); } },
  {
    name: "own", summary: "Has flags that satchel has too",
    flags: [
      { name: "config", letter: "q", type: "strings", summary: "x" },
      { name: "output", letter: "o", type: "bool", summary: "x" },
      { name: "version", letter: "v", type: "bool", summary: "x" },
      { name: "debug", type: "string", summary: "x" },
    ],
    run({ flags }, { print }) { print(JSON.stringify(flags)); if (flags.debug) throw new Error("with a trace?"); },
  },
],`;

Deno.test("a module's commands have help, flags and suggestions, and their number is the exit status", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeModule(scratch, "counter", COMMANDS);
  const call = (...args: string[]) => satchel(["--plugin", plugin, "counter", ...args]);
  const counted = await call("count", "a", "--skip", "x,y", "b", "-u", "--pieces", "--loud");
  assert.equal(counted.code, 2, describe(counted));
  assert.deepEqual(JSON.parse(counted.stdout), {
    words: ["a", "b"],
    flags: { unit: "--pieces", skip: ["x", "y"], loud: true },
  });
  const help = await call("--help");
  assert.match(help.stdout, /^Counts\n\nUsage:\n {2}satchel counter \[command\]\n[^]*\n {2}count {7}Count words\n/);
  assert.equal((await call()).stdout, help.stdout);
  assert.match(
    (await call("count", "--help")).stdout,
    /satchel counter count WORD\.\.\. \[flags\][^]*-u, --unit string/,
  );
  const wrong = await call("coutn");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /unknown command "coutn" for "satchel counter"\n\nDid you mean this\?\n\tcount\n/);
  assert.match((await call("count")).stderr, /requires at least 1 arg/);
  assert.match((await call("count", "a", "--lou")).stderr, /unknown flag: --lou\n\nDid you mean this\?\n\t--loud/);
  const failed = await call("fail");
  assert.equal(failed.code, 1, describe(failed));
  assert.match(failed.stderr, /the plugin counter \(\S+counter\.js\) failed in the command fail: no way/);
  const before = await satchel(["--nope", "--plugin", plugin, "counter", "count", "a"]);
  assert.match(before.stderr, /^Error: unknown flag: --nope$/m, "flags before the name are satchel's");
});

Deno.test("behind a plugin's name all flags are the plugin's, also those that satchel has", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeModule(scratch, "counter", COMMANDS);
  const call = (...args: string[]) => satchel(["--plugin", plugin, "counter", ...args]);
  const own = await call("own", "--config", "a,b", "-q", "c", "-o", "--version");
  assert.deepEqual([own.code, JSON.parse(own.stdout)], [0, { config: ["a", "b", "c"], output: true, version: true }]);
  const extra = await call("own", "--version", "extra");
  assert.match(extra.stderr, /accepts 0 arg\(s\), received 1/, "its --version is no question about satchel");
  const help = (await call("own", "-h")).stdout;
  assert.match(help, /-q, --config strings/);
  assert.doesNotMatch(help, /Global Flags|--store/);
  for (const flag of ["--store=x", "--quiet", "--plugin=x", "--no-plugins"]) {
    const outcome = await call("own", flag);
    assert.equal(outcome.code, 2, describe(outcome));
    assert.match(outcome.stderr, /^Error: unknown flag: --[a-z-]+$/m);
    assert.match(outcome.stderr, /Run 'satchel counter own --help' for usage/);
  }
  const failed = await call("own", "--debug", "x");
  assert.doesNotMatch(failed.stderr, /^\s+at /m, "the flag is not satchel's");
  const traced = await satchel(["--debug", "--plugin", plugin, "counter", "fail"]);
  assert.match(traced.stderr, /^\s+at /m);
});

Deno.test("help or the version of a command that a plugin does not have is an error, the plugin's own version is told", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeModule(scratch, "counter", COMMANDS);
  const bare = await writeModule(scratch, "bare", 'commands: [{ name: "x", summary: "x", run() {} }],');
  const call = (...args: string[]) => satchel(["--plugin", plugin, "--plugin", bare, ...args]);
  for (const flag of ["--help", "-h", "--version"]) {
    const typo = await call("counter", "coutn", flag);
    assert.deepEqual([typo.code, typo.stdout], [2, ""], describe(typo));
    assert.match(typo.stderr, /unknown command "coutn" for "satchel counter"\n\nDid you mean this\?\n\tcount\n/);
  }
  const nobody = await call("contuer", "--help");
  assert.deepEqual([nobody.code, nobody.stdout], [2, ""], describe(nobody));
  const version = await call("counter", "--version");
  assert.deepEqual([version.code, version.stdout], [0, "counter 1.2.0\n"], describe(version));
  const without = await call("bare", "--version");
  assert.equal(without.code, 2, describe(without));
  assert.match(without.stderr, /unknown flag: --version/);
});

/** An executable that shows how it was called. */
const SHOWS =
  '#!/bin/sh\nprintf "[%s]" "$@"; read -r line; echo " $line $MARK $SATCHEL_CONTRACT $SATCHEL_VERSION" >&2; exit 7\n';

Deno.test("an executable on PATH gets what stands behind its name, stdin and all, and its status is the answer", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel-shows"), SHOWS, 0o755);
  const env = { PATH: `${scratch.path}:${Deno.env.get("PATH")}`, MARK: "seen" };
  const line = ["shows", "--help", "-x", "", "--store", "image", "pull"];
  const outcome = await satchel(["--quiet", ...line], { env, stdin: "input\n" });
  assert.equal(outcome.code, 7, describe(outcome));
  assert.equal(outcome.stdout, "[--help][-x][][--store][image][pull]");
  assert.match(outcome.stderr, /^ input seen 1 \d+\.\d+\.\d+\S*\n$/);
  const without = await satchel(["--no-plugins", "shows"], { env });
  assert.equal(without.code, 2, describe(without));
  assert.match(without.stderr, /^Error: unknown command "shows" for "satchel"$/m);
});

Deno.test("no plugin takes the place of a command of satchel's", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel-version"), "#!/bin/sh\necho mine\n", 0o755);
  const plugin = await writeModule(scratch, "version", 'commands: [{ name: "x", summary: "x", run() {} }],');
  const env = { PATH: `${scratch.path}:${Deno.env.get("PATH")}` };
  assert.match(await satchelSucceeds(["--plugin", plugin, "version"], { env }), /^satchel v/);
  assert.deepEqual((await list([], { env })).filter(({ from }: { from: string }) => from === "PATH"), []);
});

Deno.test("an executable on PATH that others may write to is not run", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel-open"), `#!/bin/sh\n: > ${scratch.at("ran")}\n`, 0o777);
  const env = { PATH: `${scratch.path}:${Deno.env.get("PATH")}` };
  const outcome = await satchel(["open"], { env });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /satchel-open can be written to by everybody/);
  const [found] = await list([], { env });
  assert.deepEqual([found.name, found.state, found.path], ["open", "failed", scratch.at("satchel-open")]);
  await assert.rejects(Deno.stat(scratch.at("ran")), Deno.errors.NotFound);
});

Deno.test("a word that is no plugin's gives the usual error, with what is wrong with the plugins that there are", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeFile(scratch.at("broken.js"), "export default 1;\n");
  const outcome = await satchel(["--plugin", plugin, "imgae"]);
  assert.equal(outcome.code, 2, describe(outcome));
  assert.match(outcome.stderr, /^Warning: the plugin broken\.js \(\S+broken\.js\) cannot be used: /m);
  assert.match(outcome.stderr, /^Error: unknown command "imgae" for "satchel"\n\nDid you mean this\?\n\timage\n/m);
});

Deno.test("plugin list has the order in which plugins are asked: flag, variable, configuration, folder", async () => {
  await using scratch = await scratchFolder();
  const configured = await writeModule(scratch, "by-config", "beforePull() {},");
  const home = await configure(scratch, configured, { key: "s3cret" });
  await Deno.mkdir(scratch.at(".config/satchel/plugins"), { mode: 0o755 });
  await writeFile(
    scratch.at(".config/satchel/plugins/in-folder.js"),
    'export default { contract: 1, name: "in-folder", sign() {} };',
  );
  const flag = await writeModule(scratch, "by-flag", "sign() {},");
  const first = await writeModule(scratch, "variable-1", "sign() {},");
  const second = await writeExecutable(scratch, "variable-2", "echo");
  const env = { SATCHEL_PLUGINS: `${first}:${second}`, PATH: "/nonexistent" };
  const found = await list(["--plugin", flag], { home, env });
  assert.deepEqual(found.map(({ name, form, from }: Record<string, string>) => [name, form, from]), [
    ["by-flag", "module", "--plugin"],
    ["variable-1", "module", "SATCHEL_PLUGINS"],
    ["variable-2", "executable", "SATCHEL_PLUGINS"],
    ["by-config", "module", `${home}/.config/satchel/config.yaml:1:13`],
    ["in-folder", "module", `${home}/.config/satchel/plugins`],
  ]);
  assert.deepEqual(await list(["--plugin", flag, "--no-plugins"], { home, env }), []);
  const elsewhere = await list([], {
    home: "/nonexistent",
    env: { XDG_CONFIG_HOME: scratch.at(".config"), PATH: "/" },
  });
  assert.deepEqual(elsewhere.map(({ name }: { name: string }) => name), ["by-config", "in-folder"]);
});

Deno.test("plugin inspect shows the keys of settings, not their values; a path need not be configured", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeModule(scratch, "counter", COMMANDS);
  const home = await configure(scratch, plugin, { token: "s3cret" });
  for (const name of ["counter", plugin]) {
    for (const mode of ["columns", "json", "yaml"]) {
      const outcome = await satchel(["plugin", "inspect", name, "-o", mode], { home });
      assert.equal(outcome.code, 0, describe(outcome));
      assert.match(outcome.stdout, /token/);
      assert.doesNotMatch(outcome.stdout + outcome.stderr, /s3cret/);
    }
  }
  const details = JSON.parse(await satchelSucceeds(["plugin", "inspect", plugin, "-o", "json"]));
  assert.deepEqual([details.name, details.settings, details.state], ["counter", [], "ok"]);
  assert.deepEqual(details.commands.map(({ name }: { name: string }) => name), ["count", "fail", "own"]);
  assert.deepEqual(details.commands[0].flags[1], {
    name: "skip",
    letter: "",
    type: "strings",
    summary: "Words to leave out",
  });
  assert.deepEqual([details.commands[0].usage, details.commands[1].usage], ["WORD...", ""]);
  assert.equal((await satchel(["plugin", "inspect", "nobody"])).code, 3);
});

Deno.test("what cannot be used ends with the status that fits why, for inspect, call and its commands alike", async () => {
  await using scratch = await scratchFolder();
  const missing = scratch.at("missing.js");
  const broken = await writeFile(scratch.at("broken.js"), "export default 1;\n");
  const open = await writeModule(scratch, "open", "");
  await Deno.chmod(open, 0o666);
  for (
    const [path, word, code, says] of [
      [missing, "missing", 2, /does not exist/],
      [open, "open", 5, /can be written to by everybody[^]*\nHint: /],
      [broken, "broken", 1, /cannot be used/],
    ] as const
  ) {
    for (const args of [["plugin", "inspect", path], ["plugin", "call", path, "sign"], ["--plugin", path, word, "x"]]) {
      const outcome = await satchel(args, { stdin: "{}" });
      assert.deepEqual([outcome.code, outcome.stdout], [code, ""], `${args}: ${describe(outcome)}`);
      assert.match(outcome.stderr, /^Error: the plugin \S+ \(\/\S+\) cannot be used: /m);
      assert.match(outcome.stderr, says);
    }
  }
});

Deno.test("an executable goes by the name of its manifest, whatever its file is called", async () => {
  await using scratch = await scratchFolder();
  const text = `#!/bin/sh\n[ "$1" = --satchel-manifest ] || exec echo "$0 $1"
echo '{"contract": 1, "name": "other", "hooks": []}'\n`;
  const plugin = await writeFile(scratch.at("satchel-file"), text, 0o755);
  assert.equal(await satchelSucceeds(["--plugin", plugin, "other", "x"]), `${plugin} x\n`);
  const outcome = await satchel(["--plugin", plugin, "file", "x"]);
  assert.equal(outcome.code, 2, describe(outcome));
  assert.match(outcome.stderr, /unknown command "file"/);
});

Deno.test("a path with a comma is one path", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("a,b"), { mode: 0o755 });
  const one = await writeModule(scratch, "a,b/one", "sign() {},");
  await Deno.writeTextFile(one, 'export default { contract: 1, name: "one", sign() {} };');
  const two = await writeModule(scratch, "two", "sign() {},");
  const found = await list(["--plugin", one, "--plugin", two], { env: { PATH: "/" } });
  assert.deepEqual(found.map(({ name }: { name: string }) => name), ["one", "two"]);
});

Deno.test("plugin call reaches every hook, with the plugin's settings", async () => {
  await using scratch = await scratchFolder();
  const hooks = ["beforePull", "afterPull", "beforePush", "afterPush", "beforeExport", "afterImport"];
  const plugin = await writeModule(
    scratch,
    "all",
    `${
      hooks.map((hook) =>
        `${hook}: (request, { settings }) => ({ allow: false, reason: request.reference + settings.x }),`
      ).join(" ")
    }
    sign: ({ subject }) => ({ artifacts: [{ artifactType: "a/b", layers: [{ mediaType: "a/b", data: btoa(subject.digest) }] }] }),
    verify: ({ artifacts }) => ({ verdict: artifacts.length > 0 ? "verified" : "none", reason: "counted", evidence: artifacts }),
    credentials: { get: () => ({ credential: { username: "u", password: "p" } }), list: () => ({ registries: ["r"] }) },`,
  );
  const home = await configure(scratch, plugin, { x: "!" });
  const call = async (hook: string, request: unknown) => {
    const stdin = request === undefined ? "" : JSON.stringify(request);
    return JSON.parse(await satchelSucceeds(["plugin", "call", "all", hook], { home, stdin }));
  };
  for (const hook of hooks) assert.deepEqual(await call(hook, { reference: "r" }), { allow: false, reason: "r!" });
  const { artifacts } = await call("sign", { subject: { digest: "sha256:00" } });
  assert.equal(atob(artifacts[0].layers[0].data), "sha256:00");
  assert.equal((await call("verify", { artifacts: [1] })).verdict, "verified");
  assert.deepEqual(await call("credentials.get", { registry: "r" }), { credential: { username: "u", password: "p" } });
  assert.deepEqual(await call("credentials.list", undefined), { registries: ["r"] });

  const wrong = await satchel(["plugin", "call", "all", "credentials.store"], { home, stdin: "{}" });
  assert.equal(wrong.code, 2, describe(wrong));
  assert.match(
    wrong.stderr,
    /the plugin all \(\S+all\.js\) has no hook credentials\.store\nHint: It has: credentials\.get/,
  );
  const garbage = await satchel(["plugin", "call", "all", "verify"], { home, stdin: "{" });
  assert.match(garbage.stderr, /the request on stdin is not JSON: it breaks at line 1, column 2/);
  const secret = await satchel(["plugin", "call", "all", "credentials.get"], { home, stdin: '{"password": hunter2}' });
  assert.equal(secret.code, 1, describe(secret));
  assert.doesNotMatch(secret.stderr, /hunter2/);
  const long = await satchel(["plugin", "call", "all", "verify"], { home, stdin: `"${"x".repeat(4 << 20)}"` });
  assert.equal(long.code, 2, describe({ ...long, stdout: "" }));
  assert.match(long.stderr, /longer than 4194304 bytes/);
});

Deno.test("an empty --plugin is an error: what should guard would be missing without a word", async () => {
  const outcome = await satchel(["image", "list", "--plugin", ""]);
  assert.equal(outcome.code, 2, describe(outcome));
  assert.match(outcome.stderr, /^Error: --plugin needs a path$/m);
});

Deno.test("Ctrl-C ends plugin call while it waits for its request", async () => {
  await using scratch = await scratchFolder();
  const plugin = await writeFile(
    scratch.at("here.js"),
    'console.log("loaded");\nexport default { contract: 1, name: "here", sign() {} };\n',
  );
  // Opened for reading and writing, a FIFO never ends.
  const script = 'mkfifo "$2" && exec "$0" plugin call "$1" sign <> "$2"';
  const args = ["-c", script, await binary(), plugin, scratch.at("fifo")];
  await using call = await startInBackground("sh", args, {
    env: satchelEnvironment(scratch.at("store"), scratch.path),
    ready: (line) => /loaded$/.test(line) ? true : undefined,
  });
  call.kill("SIGINT");
  assert.equal((await call.status).code, 130);
  assert.ok(call.lines.includes("Error: Interrupted"), "it did not have to be cut short");
});
