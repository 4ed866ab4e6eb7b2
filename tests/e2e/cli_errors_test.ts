import assert from "node:assert/strict";
import {
  binary,
  capabilityTest,
  peer,
  run,
  satchel,
  satchelByDeno,
  satchelEnvironment,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";

/** Command lines that cannot be understood, and what is said about them on stderr. */
const MISTAKES: [string[], string][] = [
  [["imag"], `unknown command "imag" for "satchel"\n\nDid you mean this?\n\timage\n\nRun 'satchel --help' for usage.`],
  [["nosuch"], `unknown command "nosuch" for "satchel"\nRun 'satchel --help' for usage.`],
  [
    ["image", "lst"],
    `unknown command "lst" for "satchel image"\n\nDid you mean this?\n\tlist\n\tls\n\nRun 'satchel image --help' for usage.`,
  ],
  [["image", "nosuch"], `unknown command "nosuch" for "satchel image"\nRun 'satchel image --help' for usage.`],
  [
    ["image", "list", "--no-trunk"],
    "unknown flag: --no-trunk\n\nDid you mean this?\n\t--no-trunc\n\nRun 'satchel image list --help' for usage.",
  ],
  [["image", "list", "-x"], "unknown shorthand flag: 'x' in -x\nRun 'satchel image list --help' for usage."],
  [["image", "pull"], "accepts 1 arg(s), received 0\nRun 'satchel image pull --help' for usage."],
  [["image", "pull", "a", "b"], "accepts 1 arg(s), received 2\nRun 'satchel image pull --help' for usage."],
  [["image", "tag", "a"], "accepts 2 arg(s), received 1\nRun 'satchel image tag --help' for usage."],
  [["image", "remove"], "accepts 1 arg(s), received 0\nRun 'satchel image remove --help' for usage."],
  [["image", "list", "-o"], "flag needs an argument: 'o' in -o\nRun 'satchel image list --help' for usage."],
  [
    ["image", "list", "-o", "xml"],
    `invalid output mode "xml", valid values are: columns, json, jsonpretty, yaml\nRun 'satchel image list --help' for usage.`,
  ],
  [
    ["image", "pull", "Foo"],
    'parsing image name "Foo": invalid reference format: repository name (inspektor-gadget/gadget/Foo) must be lowercase',
  ],
  [
    ["image", "pull", "--insecure-registries", "http://x", "y"],
    'invalid registry "http://x" in --insecure-registries\n' +
    "Hint: Write host or host:port, without a scheme and without a path.",
  ],
  [
    ["image", "pull", "docker://example.com/a:v1"],
    'parsing image name "docker://example.com/a:v1": invalid reference format\n' +
    "Hint: A name has no scheme: leave docker:// out.",
  ],
  [["image", "pull", "--authfile=", "a"], "--authfile needs a path"],
  [
    ["pull", "a"],
    `unknown command "pull" for "satchel"\n\nDid you mean this?\n\timage pull\n\nRun 'satchel --help' for usage.`,
  ],
  [
    ["help", "imag"],
    `unknown help topic "imag"\n\nDid you mean this?\n\timage\n\nRun 'satchel --help' for usage.`,
  ],
  [["help", "nosuch"], `unknown help topic "nosuch"\nRun 'satchel --help' for usage.`],
];

for (const [line, text] of MISTAKES) {
  Deno.test(`satchel ${line.join(" ")} is wrong usage, told on stderr alone`, async () => {
    const { code, stdout, stderr } = await satchel(line);
    assert.equal(stderr, `Error: ${text}\n`);
    assert.deepEqual([code, stdout], [2, ""]);
  });
}

Deno.test("the same binary from its sources makes the same of a mistake", async () => {
  const { code, stderr } = await satchelByDeno(["image", "pull"]);
  assert.deepEqual([code, stderr], [
    2,
    "Error: accepts 1 arg(s), received 0\nRun 'satchel image pull --help' for usage.\n",
  ]);
});

for (const line of [["image", "push", "nope"], ["image", "tag", "nope", "x"], ["image", "remove", "nope"]]) {
  Deno.test(`satchel ${line.join(" ")}: what is not there is status 3, and makes no store`, async () => {
    await using scratch = await scratchFolder();
    const store = scratch.at("store");
    const { code, stdout, stderr } = await satchel(line, { store });
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /^(Pushing \S+\.\.\.\n)?Error: .*ghcr\.io\/inspektor-gadget\/gadget\/nope:latest is not in .*store\n/,
    );
    assert.equal(stdout, "");
    await assert.rejects(Deno.stat(store), Deno.errors.NotFound);
  });
}

capabilityTest(
  ["root", "setpriv"],
  "an auth file that this user may not read is passed over, but not if somebody named it",
  async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="test"' } }),
    );
    await using scratch = await scratchFolder();
    await Deno.chmod(scratch.path, 0o777);
    await Deno.writeTextFile(scratch.at("config.json"), "{}", { mode: 0o600 });
    const host = `127.0.0.1:${server.addr.port}`;
    const pull = ["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host];
    const asNobody = async (...args: string[]) =>
      await run(peer("setpriv"), ["--reuid=65534", "--regid=65534", "--clear-groups", await binary(), ...args], {
        env: { ...satchelEnvironment(scratch.at("store"), "/nonexistent"), DOCKER_CONFIG: scratch.path },
        cwd: "/",
      });
    const usual = await asNobody(...pull);
    assert.equal(usual.code, 4, usual.stderr);
    const named = await asNobody(...pull, "--authfile", scratch.at("config.json"));
    assert.equal(named.code, 2);
    assert.ok(
      named.stderr.includes(
        `cannot read the auth file ${scratch.at("config.json")}: permission denied (named by --authfile)\n`,
      ),
      named.stderr,
    );
  },
);

Deno.test("a stack trace shows with --debug alone", async () => {
  const plain = await satchel(["image", "remove", "nope"]);
  const debug = await satchel(["image", "remove", "nope", "--debug"]);
  assert.doesNotMatch(plain.stderr, /\n\s+at /);
  assert.match(debug.stderr, /^Error: .*\n[^]*\n\s+at /);
});

Deno.test("a reader that goes away is no error", async () => {
  await using scratch = await scratchFolder();
  const script = `"$0" image --help | true; "$0" image list -o jsonpretty | true; echo "\${PIPESTATUS[*]}"`;
  const env = { HOME: scratch.path, SATCHEL_STORE: scratch.at("store") };
  const { stdout, stderr } = await run("/bin/bash", ["-c", script, await binary()], { env });
  assert.deepEqual([stdout, stderr], ["0 0\n", ""]);
});

Deno.test("it works with its output closed", async () => {
  const { code } = await run("/bin/bash", ["-c", '"$0" version >&- 2>&-', await binary()]);
  assert.equal(code, 0);
  const mistake = await run("/bin/bash", ["-c", '"$0" nosuch >&- 2>&-', await binary()]);
  assert.equal(mistake.code, 2);
});

Deno.test("what comes from outside does not act on the terminal", async () => {
  const { stderr } = await satchel(["image", "remove", "\x1b[2Jx\u202e"]);
  assert.equal(stderr, 'Error: parsing image name "\\u001b[2Jx\\u202e": invalid reference format\n');
});

Deno.test("version is one line, whatever it is started as, and its parts are for programs", async () => {
  const { code, stdout, stderr } = await satchel(["version"]);
  assert.match(stdout, /^satchel v\d+\.\d+\.\d+\S*\n$/);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal((await satchel(["--version"])).stdout, stdout);
  assert.equal((await satchel(["image", "pull", "--version"])).stdout, stdout);
  const parts = JSON.parse((await satchel(["version", "-o", "json"])).stdout);
  assert.deepEqual(Object.keys(parts), ["version", "commit", "runtime", "platform"]);
  assert.equal(`satchel v${parts.version}\n`, stdout);
  assert.match(parts.runtime, /^bun \d/);
  assert.match(parts.platform, /^linux\/(amd64|arm64)$/);
});

Deno.test("a configuration file with a mistake is told with file, line and column, status 2", async () => {
  await using scratch = await scratchFolder();
  const path = scratch.at("config.yaml");
  await Deno.writeTextFile(path, "store: x\nauthfil: y\n");
  const { code, stderr } = await satchel(["image", "list", "--config", path]);
  assert.deepEqual([code, stderr], [2, `Error: ${path}:2:1: unknown key "authfil": did you mean authfile?\n`]);
});

capabilityTest(
  ["root", "setpriv"],
  "a configuration file of somebody else's home is passed over, told with --verbose, but not if somebody named it",
  async () => {
    await using scratch = await scratchFolder();
    await Deno.chmod(scratch.path, 0o777);
    await Deno.mkdir(scratch.at("satchel"));
    const path = scratch.at("satchel/config.yaml");
    await Deno.writeTextFile(path, "concurrency: 2", { mode: 0o600 });
    const asNobody = async (...args: string[]) =>
      await run(peer("setpriv"), ["--reuid=65534", "--regid=65534", "--clear-groups", await binary(), ...args], {
        env: { ...satchelEnvironment(scratch.at("store"), "/nonexistent"), XDG_CONFIG_HOME: scratch.path },
        cwd: "/",
      });
    const usual = await asNobody("image", "list");
    assert.deepEqual([usual.code, usual.stderr], [0, ""]);
    const verbose = await asNobody("image", "list", "--verbose");
    const warning = `Warning: passed over the configuration file ${path}: permission denied\n`;
    assert.ok(verbose.stderr.includes(warning), verbose.stderr);
    const named = await asNobody("image", "list", "--config", path);
    assert.deepEqual([named.code, named.stderr], [
      2,
      `Error: cannot read the configuration file ${path}: permission denied\n`,
    ]);
  },
);

Deno.test("a FIFO or a device as configuration or auth file is refused at once", async () => {
  await using scratch = await scratchFolder();
  const fifo = scratch.at("fifo");
  await succeed("mkfifo", [fifo]);
  for (const path of [fifo, "/dev/zero"]) {
    const config = await satchel(["image", "list", "--config", path]);
    assert.deepEqual([config.code, config.stderr], [
      2,
      `Error: the configuration file ${path} is not a regular file\n`,
    ]);
    const auth = await satchel(["image", "pull", "example.com/a:v1", "--authfile", path]);
    assert.equal(auth.code, 1);
    assert.match(auth.stderr, /\nError: reading the auth file: \S+ is not a regular file \(named by --authfile\)\n$/);
  }
});

Deno.test("a result that finds no room is one plain error, and the status tells it even where nothing can be said", async () => {
  const { code, stderr } = await run("/bin/bash", ["-c", '"$0" version >/dev/full', await binary()]);
  assert.deepEqual([code, stderr], [1, "Error: cannot write to stdout: no space left on the device\n"]);
  const mute = await run("/bin/bash", ["-c", '"$0" nosuch 2>/dev/full', await binary()]);
  assert.equal(mute.code, 2);
});
