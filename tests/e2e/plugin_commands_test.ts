import assert from "node:assert/strict";
import {
  binary,
  describe,
  peerTest,
  run,
  satchel,
  satchelByDeno,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startInBackground,
  startRegistry,
} from "../harness/mod.ts";
import { configure, published, writeExecutable, writeFile, writeModule } from "./plugin_files.ts";

/** Runs satchel in a folder. */
async function inFolder(scratch: Scratch, ...args: string[]) {
  return await satchel(args, { cwd: scratch.path, home: scratch.path });
}

async function list(args: readonly string[], options: Parameters<typeof satchel>[1]) {
  return JSON.parse(await satchelSucceeds(["plugin", "list", "-o", "json", ...args], options));
}

peerTest("registry", "what plugin init writes runs as it is: its command, its hook, in a pull", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const { name, digest, flags } = await published(registry);
  const module = await inFolder(scratch, "plugin", "init", "mine");
  assert.match(module.stdout, /^Wrote satchel\.d\.ts and mine\.ts\n/);
  const executable = await inFolder(scratch, "plugin", "init", "other", "--form", "executable", "--directory", "sub");
  assert.match(executable.stdout, /^Wrote sub\/satchel-other\n/);
  for (const [path, word] of [["./mine.ts", "mine"], ["./sub/satchel-other", "other"]]) {
    const hello = await inFolder(scratch, "--plugin", path, word, "hello", "you");
    assert.equal(hello.stdout, "Hello, you\n", describe(hello));
    const pull = await inFolder(scratch, "--plugin", path, "image", "pull", name, ...flags);
    assert.equal(pull.code, 0, describe(pull));
    assert.ok(pull.stderr.includes(`\n${word}: ${name} is `), pull.stderr);
  }
  assert.equal((await inFolder(scratch, "--plugin", "./mine.ts", "mine", "hello", "-l")).stdout, "HELLO, WORLD\n");
  const byDeno = await satchelByDeno(["--plugin", "./mine.ts", "mine", "hello"], { cwd: scratch.path });
  assert.equal(byDeno.stdout, "Hello, world\n", describe(byDeno));
  assert.ok(digest.startsWith("sha256:"));
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
commands: [
  {
    name: "count", short: "Count words", usage: "WORD...", arguments: { min: 1, max: null },
    flags: [
      { name: "unit", short: "u", type: "string", usage: "What they are" },
      { name: "skip", type: "strings", usage: "Words to leave out" },
      { name: "loud", type: "bool", usage: "Loudly" },
    ],
    run({ arguments: words, flags }, { print }) {
      print(JSON.stringify({ words, flags }) + "\\n");
      return words.length;
    },
  },
  { name: "fail", short: "Fail", run() { throw new Error("no way"); } },
  { name: "clash", short: "Clash", flags: [{ name: "store", type: "string", usage: "x" }], run() {} },
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
  assert.match((await call("clash", "--store", "x")).stderr, /has a flag --store that is one of satchel's own/);
});

/** An executable that shows how it was called. */
const SHOWS = '#!/bin/sh\nprintf "[%s]" "$@"; read -r line; echo " $line $MARK" >&2; exit 7\n';

Deno.test("an executable on PATH gets what stands behind its name, stdin and all, and its status is the answer", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel-shows"), SHOWS, 0o755);
  const env = { PATH: `${scratch.path}:${Deno.env.get("PATH")}`, MARK: "seen" };
  const line = ["shows", "--help", "-x", "", "--store", "image", "pull"];
  const outcome = await satchel(["--quiet", ...line], { env, stdin: "input\n" });
  assert.equal(outcome.code, 7, describe(outcome));
  assert.equal(outcome.stdout, "[--help][-x][][--store][image][pull]");
  assert.equal(outcome.stderr, " input seen\n");
  const without = await satchel(["--no-plugins", "shows"], { env });
  assert.equal(without.code, 2, describe(without));
  assert.match(without.stderr, /^Error: unknown command "shows" for "satchel"$/m);
});

Deno.test("no plugin takes the place of a command of satchel's", async () => {
  await using scratch = await scratchFolder();
  await writeFile(scratch.at("satchel-version"), "#!/bin/sh\necho mine\n", 0o755);
  const plugin = await writeModule(scratch, "version", 'commands: [{ name: "x", short: "x", run() {} }],');
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
  assert.match(outcome.stderr, /^Warning: the plugin \S+broken\.js cannot be used: it has no default export/m);
  assert.match(outcome.stderr, /^Error: unknown command "imgae" for "satchel"\n\nDid you mean this\?\n\timage\n/m);
});

Deno.test("plugin list has the order in which plugins are asked: flag, variable, configuration, folder", async () => {
  await using scratch = await scratchFolder();
  const configured = await writeModule(scratch, "by-config", "beforePull() {},");
  const home = await configure(scratch, configured, { key: "s3cret" });
  await Deno.mkdir(scratch.at(".config/satchel/plugins"), { mode: 0o755 });
  await writeFile(
    scratch.at(".config/satchel/plugins/in-folder.js"),
    'export default { contract: 1, name: "in-folder" };',
  );
  const flag = await writeModule(scratch, "by-flag", "");
  const first = await writeModule(scratch, "variable-1", "");
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
  assert.deepEqual(details.commands.map(({ name }: { name: string }) => name), ["count", "fail", "clash"]);
  assert.equal((await satchel(["plugin", "inspect", "nobody"])).code, 3);
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
    verify: ({ artifacts }) => ({ verified: artifacts.length > 0, reason: "counted", evidence: artifacts }),
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
  assert.equal((await call("verify", { artifacts: [1] })).verified, true);
  assert.deepEqual(await call("credentials.get", { registry: "r" }), { credential: { username: "u", password: "p" } });
  assert.deepEqual(await call("credentials.list", undefined), { registries: ["r"] });

  const wrong = await satchel(["plugin", "call", "all", "credentials.store"], { home, stdin: "{}" });
  assert.equal(wrong.code, 2, describe(wrong));
  assert.match(
    wrong.stderr,
    /the plugin all \(\S+all\.js\) has no hook credentials\.store\nHint: It has: credentials\.get/,
  );
  const garbage = await satchel(["plugin", "call", "all", "verify"], { home, stdin: "{" });
  assert.match(garbage.stderr, /the request on stdin is not JSON/);
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
