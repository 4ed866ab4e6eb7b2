import assert from "node:assert/strict";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  digestOf,
  makeGadget,
  peer,
  peerTest,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startInBackground,
  succeed,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal } from "./cli_terminal.ts";
import { runAndKill } from "./kill.ts";

const NAME = "example.org/demo/app:v1";

/** A store with one image, and a folder to export to. */
async function prepare(scratch: Scratch, layerSize = 1_000): Promise<{ store: string; out: string; archive: string }> {
  const [store, out] = [scratch.at("store"), scratch.at("out")];
  await writeStore(store, [{ image: makeGadget({ layerSize, architectures: ["amd64"] }), name: NAME }]);
  await Deno.mkdir(out);
  return { store, out, archive: join(out, "x.tar") };
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

Deno.test("an archive that exists is replaced and keeps its rights, one behind a link as well", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  await Deno.writeTextFile(archive, "old");
  await Deno.chmod(archive, 0o600);
  await Deno.symlink("x.tar", join(out, "link.tar"));
  await satchelSucceeds(["image", "export", NAME, join(out, "link.tar")], { store });
  assert.ok((await Deno.lstat(join(out, "link.tar"))).isSymlink);
  assert.equal((await Deno.stat(archive)).mode! & 0o777, 0o600);
  assert.notEqual(await Deno.readTextFile(archive), "old");
  await Deno.symlink("new.tar", join(out, "dangling.tar"));
  await satchelSucceeds(["image", "export", NAME, join(out, "dangling.tar")], { store });
  assert.deepEqual(await Deno.readFile(join(out, "new.tar")), await Deno.readFile(archive));
  assert.deepEqual(await filesIn(out), ["dangling.tar", "link.tar", "new.tar", "x.tar"]);
});

Deno.test("where no archive can be, the error says why", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  await Deno.symlink("b", join(out, "a"));
  await Deno.symlink("a", join(out, "b"));
  await Deno.writeTextFile(archive, "old");
  using _listener = Deno.listen({ transport: "unix", path: join(out, "socket") });
  const before = await filesIn(out);
  const cases: [string, RegExp][] = [
    [out, /it is a folder/],
    [join(out, "none", "x.tar"), /there is no folder /],
    [join(archive, "x.tar"), /a part of its path is not a folder/],
    [join(out, "a"), /its links go in circles/],
    [join(out, "socket"), /it is a socket/],
    [join(out, `${"x".repeat(300)}.tar`), /its name is too long/],
    ["/dev/fd/77", /it is not open/],
  ];
  for (const [path, reason] of cases) {
    const { code, stderr } = await satchel(["image", "export", NAME, path], { store });
    assert.equal(code, 1, stderr);
    assert.match(stderr, reason);
  }
  assert.deepEqual(await filesIn(out), before);
});

Deno.test("stdout gets the archive, stderr the result", async () => {
  await using scratch = await scratchFolder();
  const { store, archive } = await prepare(scratch);
  await satchelSucceeds(["image", "export", NAME, archive], { store });
  for (const path of ["-", "/dev/stdout", "/dev/fd/1"]) {
    const child = new Deno.Command(await binary(), {
      args: ["image", "export", NAME, path],
      clearEnv: true,
      env: satchelEnvironment(store, scratch.path),
      stdin: "null",
    });
    const { stdout, stderr } = await child.output();
    assert.equal(digestOf(stdout), digestOf(await Deno.readFile(archive)));
    assert.match(new TextDecoder().decode(stderr), /^Successfully exported images to .*\nsha256:/);
  }
});

Deno.test("an archive is not written to a terminal", async () => {
  await using scratch = await scratchFolder();
  const { store } = await prepare(scratch);
  const command = `${await binary()} image export ${NAME} -`;
  await using terminal = openTerminal(command, satchelEnvironment(store, scratch.path));
  assert.equal(await terminal.status, 2);
  assert.match(terminal.output, /An archive is not written to a terminal/);
});

Deno.test("a reader that has had enough ends an export without a word, with status 1", async () => {
  await using scratch = await scratchFolder();
  const { store } = await prepare(scratch, 5_000_000);
  const script = `"${await binary()}" image export ${NAME} - | head -c 1 > ${
    scratch.at("head")
  }; echo \${PIPESTATUS[0]}`;
  const { stdout, stderr } = await run("bash", ["-c", script], { env: satchelEnvironment(store, scratch.path) });
  assert.deepEqual([stdout, stderr], ["1\n", ""]);
});

Deno.test("a FIFO is waited for, and gets the archive", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 3_000_000);
  await satchelSucceeds(["image", "export", NAME, archive], { store });
  await succeed("mkfifo", [join(out, "fifo")]);
  const exporting = satchel(["image", "export", NAME, join(out, "fifo")], { store });
  const bytes = await Deno.readFile(join(out, "fifo"));
  assert.equal((await exporting).code, 0);
  assert.equal(digestOf(bytes), digestOf(await Deno.readFile(archive)));
  assert.deepEqual(await filesIn(out), ["fifo", "x.tar"]);
});

for (const [what, reader] of [["that nobody opens", undefined], ["that nobody reads on", "head -c 1"]] as const) {
  Deno.test(`Ctrl-C ends an export into a FIFO ${what}`, async () => {
    await using scratch = await scratchFolder();
    const { store, out } = await prepare(scratch, 3_000_000);
    const fifo = join(out, "fifo");
    await succeed("mkfifo", [fifo]);
    // The reader stays, and the FIFO with it open.
    const stay = "echo read; exec tail -f /dev/null";
    const script = reader ? `exec 3< ${fifo}; ${reader} <&3 > /dev/null; ${stay}` : stay;
    await using export_ = await startInBackground(await binary(), ["image", "export", NAME, fifo, "--verbose"], {
      env: satchelEnvironment(store, scratch.path),
      ready: (line) => line.startsWith("Using the store") ? true : undefined,
    });
    await using _reader = await startInBackground("bash", ["-c", script], {
      ready: (line) => line === "read" || undefined,
    });
    export_.kill("SIGINT");
    assert.equal((await export_.status).code, 130, export_.lines.join("\n"));
  });
}

Deno.test("SIGINT in the middle leaves no file behind", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 40_000_000);
  const child = new Deno.Command(await binary(), {
    args: ["image", "export", NAME, archive],
    clearEnv: true,
    env: satchelEnvironment(store, scratch.path),
    stdin: "null",
    stderr: "piped",
    stdout: "piped",
  }).spawn();
  let isRunning = true;
  child.status.then(() => isRunning = false);
  while (isRunning && (await filesIn(out)).length === 0) await new Promise((next) => setTimeout(next, 1));
  if (isRunning) child.kill("SIGINT");
  const { code, stderr } = await child.output();
  // It may have been done.
  if (code !== 0) assert.match(new TextDecoder().decode(stderr), /exporting images: interrupted/);
  assert.deepEqual([code, await filesIn(out)], code === 0 ? [0, ["x.tar"]] : [130, []]);
});

Deno.test("after each of 40 kill -9 the name stands for a whole archive or for none, and the next export works", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 8_000_000);
  const env = satchelEnvironment(store, scratch.path);
  const program = await binary();
  const whole = await satchel(["image", "export", NAME, "-o", "json", scratch.at("whole.tar")], { store });
  const { digest } = JSON.parse(whole.stdout);
  let usual = whole.ms;
  for (let killed = 0, round = 0; killed < 40; round++) {
    assert.ok(round < 400, `only ${killed} of ${round} exports were still running when they were killed`);
    const outcome = await runAndKill(
      program,
      ["image", "export", NAME, archive],
      env,
      Math.sqrt(Math.random()) * usual,
    );
    if (outcome.wasKilled) killed++;
    else {
      assert.equal(outcome.code, 0, describe(outcome));
      usual = outcome.ms;
    }
    const files = await filesIn(out);
    for (const name of files) assert.ok(["x.tar", ".x.tar.partial"].includes(name), name);
    if (!files.includes("x.tar")) continue;
    assert.equal(digestOf(await Deno.readFile(archive)), digest);
    await Deno.remove(archive);
  }
  await satchelSucceeds(["image", "export", NAME, archive], { store });
  assert.equal(digestOf(await Deno.readFile(archive)), digest);
  assert.deepEqual(await filesIn(out), ["x.tar"]);
});

Deno.test("an archive is not written among the files of the store", async () => {
  await using scratch = await scratchFolder();
  const { store, out } = await prepare(scratch);
  await Deno.symlink(store, join(out, "link"));
  const before = await filesIn(store);
  for (const path of [join(store, "x.tar"), join(store, "blobs/sha256/x.tar"), join(out, "link/index.json")]) {
    for (const command of [["image", "export", NAME, path], ["image", "copy", `store:${NAME}`, `archive:${path}`]]) {
      const { code, stderr } = await satchel(command, { store });
      assert.equal(code, 5, stderr);
      assert.match(stderr, /it is inside of the store .*\nHint: /);
    }
  }
  assert.deepEqual(await filesIn(store), before);
});

peerTest("strace", "a file system without locks is told, with what helps", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  const inject = ["-f", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=ENOSYS"];
  const { code, stderr } = await run(peer("strace"), [...inject, await binary(), "image", "export", NAME, archive], {
    env: satchelEnvironment(store, scratch.path),
  });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /Cannot write .*x\.tar: its file system has no locks.*\nHint: Name a file on another disk/);
  assert.ok(!(await filesIn(out)).includes("x.tar"));
});

peerTest("bash", "what the other side has may come out of a pipe, but not without end", async () => {
  await using scratch = await scratchFolder();
  const { store, archive } = await prepare(scratch);
  const env = { ...satchelEnvironment(store, scratch.path), A: archive };
  const program = await binary();
  const exporting = (have: string) =>
    run("bash", ["-c", `"$0" image export ${NAME} "$A" -o json --have ${have}`, program], { env });
  for (const have of ['<("$0" store inventory)', '<("$0" store inventory | gzip)', '- < <("$0" store inventory)']) {
    const outcome = await exporting(have);
    assert.equal(outcome.code, 0, describe(outcome));
    assert.equal(JSON.parse(outcome.stdout).leftOut.blobs, 2);
    await Deno.remove(archive);
  }
  const endless = await exporting("<(cat /dev/zero)");
  assert.equal(endless.code, 1, describe(endless));
  assert.match(endless.stderr, /is too large: /);
  const folder = await exporting(scratch.path);
  assert.match(folder.stderr, /it is a folder/);
});

peerTest("flock", "an archive that another process is just writing is left alone", async () => {
  await using scratch = await scratchFolder();
  const { store, archive } = await prepare(scratch);
  const partial = scratch.at("out/.x.tar.partial");
  await using _holder = await startInBackground(
    peer("flock"),
    ["--no-fork", partial, "sh", "-c", "echo locked; exec sleep 600"],
    { ready: (line) => line === "locked" || undefined },
  );
  const { code, stderr } = await satchel(["image", "export", NAME, archive], { store });
  assert.equal(code, 1);
  assert.match(stderr, /Another process is writing .*x\.tar/);
});

capabilityTest("mount", "a disk without enough room is told before anything is written, with the numbers", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 2_000_000);
  await succeed("mount", ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", out]);
  try {
    const { code, stderr } = await satchel(["image", "export", NAME, archive], { store });
    assert.equal(code, 1);
    assert.match(stderr, /it will have 2\d{6} bytes, and 1048576 are free on its disk/);
    const volumes = await satchel(["image", "export", NAME, archive, "--volume-size", "1MB"], { store });
    assert.equal(volumes.code, 1);
    assert.match(volumes.stderr, /are free on its disk/);
    assert.deepEqual(await filesIn(out), []);
  } finally {
    await succeed("umount", ["--lazy", out]);
  }
});

Deno.test("a limit of the size of files is told, with what helps, and nothing is left", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 2_000_000);
  const script = `trap '' XFSZ; ulimit -f 1000; exec "${await binary()}" image export ${NAME} ${archive}`;
  const { code, stderr } = await run("bash", ["-c", script], { env: satchelEnvironment(store, scratch.path) });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /files there cannot be so large\nHint: .* --volume-size/);
  assert.deepEqual(await filesIn(out), []);
});

capabilityTest(
  ["root", "setpriv"],
  "who may not write to a folder hears that, and a link of another user leads nowhere",
  async () => {
    await using scratch = await scratchFolder();
    const { store, out } = await prepare(scratch);
    await Deno.chmod(scratch.path, 0o755);
    await Deno.chmod(out, 0o755);
    const as = (path: string) =>
      run(peer("setpriv"), [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "/bin/sh",
        "-c",
        `exec "$0" "$@"`,
        program,
        "image",
        "export",
        NAME,
        path,
      ], {
        env: satchelEnvironment(store, "/nonexistent"),
      });
    const program = scratch.at("satchel");
    await Deno.copyFile(await binary(), program);
    await Deno.chmod(program, 0o755);
    await succeed("chmod", ["-R", "a+rX", store]);
    const forbidden = await as(join(out, "x.tar"));
    assert.equal(forbidden.code, 1, describe(forbidden));
    assert.match(forbidden.stderr, /permission denied\nHint: .* its folder must be writable/);
    await Deno.chmod(out, 0o1777);
    assert.equal((await as(join(out, "x.tar"))).code, 0);
    // Now the other way round: root, and what that user left in a folder for all.
    await succeed(peer("setpriv"), [
      "--reuid=65534",
      "--clear-groups",
      "--regid=65534",
      "ln",
      "-s",
      "/etc/hostname",
      join(out, "y.tar"),
    ]);
    const led = await satchel(["image", "export", NAME, join(out, "y.tar")], { store });
    assert.equal(led.code, 5, describe(led));
    assert.match(led.stderr, /is a symbolic link that another user has made/);
    await succeed(peer("setpriv"), [
      "--reuid=65534",
      "--clear-groups",
      "--regid=65534",
      "touch",
      join(out, ".z.tar.partial"),
    ]);
    const planted = await satchel(["image", "export", NAME, join(out, "z.tar")], { store });
    assert.equal(planted.code, 5, describe(planted));
    assert.match(planted.stderr, /belongs to another user/);
    const made = ["--reuid=65534", "--clear-groups", "--regid=65534", "install", "-m", "666", "/dev/null"];
    await succeed(peer("setpriv"), [...made, join(out, "w.tar")]);
    const replaced = await satchel(["image", "export", NAME, join(out, "w.tar")], { store });
    assert.equal(replaced.code, 0, describe(replaced));
    const { uid, mode } = await Deno.stat(join(out, "w.tar"));
    assert.deepEqual([uid, (mode ?? 0) & 0o022], [0, 0]);
  },
);
