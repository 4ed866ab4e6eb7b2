import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  makeGadget,
  peer,
  peerTest,
  pushImage,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startInBackground,
  startServedRegistry,
  succeed,
} from "../harness/mod.ts";
import { unpackIgStore } from "./cli_stores.ts";

// What only Bun's runtime does inside the binary: file locks, modes, errors of the file system.

/** A process of util-linux that holds the lock of a store until it is ended. */
function holdLock(store: string) {
  return startInBackground(peer("flock"), [
    "--no-fork",
    join(store, "index.json.lock"),
    "sh",
    "-c",
    "echo held; exec sleep 600",
  ], {
    ready: (line) => line === "held" ? true : undefined,
  });
}

peerTest(
  "flock",
  "the binary waits for a lock that flock(1) holds, says so, and gives up when it was told to",
  async () => {
    await using scratch = await scratchFolder();
    const store = await unpackIgStore(scratch.path);
    {
      await using _holder = await holdLock(store);
      const { code, stderr } = await satchel(["image", "tag", "hello", "x", "--lock-timeout", "1200ms"], { store });
      assert.equal(code, 1);
      assert.match(stderr, /^Waiting for another process that has locked /m);
      assert.match(stderr, /index\.json\.lock is locked by another process/);
      assert.ok((await satchelSucceeds(["image", "list"], { store })).includes("hello"), "a reader needs no lock");
    }
    await satchelSucceeds(["image", "tag", "hello", "x"], { store });
  },
);

Deno.test("under umask 077 the store is for its owner alone, blobs and lock as ever", async () => {
  await using scratch = await scratchFolder();
  const [from, store] = [await unpackIgStore(scratch.path), scratch.at("new")];
  await copyBetween(from, store, scratch.path);
  const mode = (path: string) => (statSync(join(store, path)).mode & 0o777).toString(8);
  assert.deepEqual(["", "index.json", "oci-layout", "blobs", "index.json.lock"].map(mode), [
    "700",
    "600",
    "600",
    "700",
    "600",
  ]);
  for (const blob of readdirSync(join(store, "blobs/sha256"))) assert.equal(mode(`blobs/sha256/${blob}`), "444");
});

/** Pulls `hello` through a registry into a new store under umask 077. */
async function copyBetween(from: string, to: string, home: string) {
  await using registry = await startServedRegistry();
  const name = `${registry.host}/demo/hello:v1`;
  const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
  await satchelSucceeds(["image", "tag", "hello", name], { store: from });
  await satchelSucceeds(["image", "push", name], { store: from, env });
  const pulled = await run("sh", ["-c", 'umask 077; exec "$0" image pull "$1"', await binary(), name], {
    env: { ...satchelEnvironment(to, home), ...env },
  });
  assert.equal(pulled.code, 0, describe(pulled));
}

// lib/store/faults_test.ts has the same for Deno's file system calls.
capabilityTest(
  ["mount", "registry"],
  "a full disk ends the binary's pull (Bun) with a clear error, and the store stays whole",
  async () => {
    await using scratch = await scratchFolder();
    const store = scratch.at("store");
    mkdirSync(store);
    await succeed("mount", ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", store]);
    try {
      await using registry = await startServedRegistry();
      const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
      await pushImage(registry, "demo/small", "v1", makeGadget());
      await pushImage(registry, "demo/big", "v1", makeGadget({ layerSize: 2_000_000 }));
      await satchelSucceeds(["image", "pull", `${registry.host}/demo/small:v1`], { store, env });
      const { code, stderr } = await satchel(["image", "pull", `${registry.host}/demo/big:v1`], { store, env });
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`Cannot store sha256:\\w+ \\(\\d+ bytes\\) in ${store}: the disk is full`));
      assert.deepEqual(readdirSync(join(store, "ingest")), []);
      await satchelSucceeds(["store", "check"], { store });
      assert.match(await satchelSucceeds(["image", "list"], { store }), /demo\/small/);
    } finally {
      await succeed("umount", ["--lazy", store]);
    }
  },
);

capabilityTest(
  ["root", "setpriv"],
  "a store that this user may not change can be listed and checked, and says why it cannot be changed",
  async () => {
    await using scratch = await scratchFolder();
    const store = await unpackIgStore(scratch.path);
    chmodSync(scratch.path, 0o755);
    const asNobody = async (...args: string[]) =>
      await run(peer("setpriv"), ["--reuid=65534", "--regid=65534", "--clear-groups", await binary(), ...args], {
        env: satchelEnvironment(store, "/nonexistent"),
        cwd: "/",
      });
    assert.match((await asNobody("image", "list")).stdout, /hello/);
    assert.equal((await asNobody("store", "check")).code, 0);
    const { code, stderr } = await asNobody("image", "tag", "hello", "x");
    assert.equal(code, 1);
    assert.match(stderr, /index\.json\.lock: permission denied/);
  },
);

Deno.test("a FIFO, a folder and a link in the place of index.json are errors at once", async () => {
  for (const make of [["mkfifo"], ["mkdir"], ["ln", "-s", "/etc/passwd"]]) {
    await using scratch = await scratchFolder();
    const store = await unpackIgStore(scratch.path);
    Deno.removeSync(join(store, "index.json"));
    await succeed(make[0], [...make.slice(1), join(store, "index.json")]);
    const { code, stderr } = await satchel(["image", "list"], { store, timeout: 10_000 });
    assert.equal(code, 1);
    assert.match(stderr, /index\.json/);
    assert.doesNotMatch(stderr, /root:/);
  }
});
