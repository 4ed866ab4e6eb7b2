import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  fchmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { MemoryRepository } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { capabilityTest, peer, peerTest } from "../../tests/harness/mod.ts";
import { digestHex, MediaType } from "../oci/mod.ts";
import { acquireLock } from "../runtime/mod.ts";
import { replaceFile } from "../files/mod.ts";
import { openStore } from "./mod.ts";
import { blobFile, makeImage, pull, ref, scratch, scratchOfIg, writeStore } from "./_testing.ts";

/** A file system of 1 MiB as a folder. */
function smallDisk(folder: string): Disposable {
  mkdirSync(folder, { recursive: true });
  succeed("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder);
  return { [Symbol.dispose]: () => succeed("umount", "--lazy", folder) };
}

function succeed(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stderr}`);
}

capabilityTest(
  "mount",
  "a full disk is told of as such (Deno), the part that filled it is removed, and what was there stays whole",
  async () => {
    using made = scratch();
    using _disk = smallDisk(made.path);
    const store = made.open();
    const source = new MemoryRepository();
    makeImage(source, "small");
    makeImage(source, "big", "x".repeat(2 * 1024 * 1024));
    await pull(source, "small", store);
    await assert.rejects(pull(source, "big", store), (error) => {
      assert.ok(hasCode(error, "storage"));
      assert.match(error.message, /the disk is full/);
      assert.ok(error.message.includes(made.path));
      return true;
    });
    assert.deepEqual(readdirSync(join(made.path, "ingest")), []);
    assert.deepEqual((await store.check()).damage, []);
    assert.deepEqual(await store.names(), ["ghcr.io/inspektor-gadget/gadget/small:latest"]);
  },
);

capabilityTest(
  "mount",
  "where the disk is full images can be removed, by name and by digest, and the store stays whole",
  async () => {
    using made = scratch();
    using _disk = smallDisk(made.path);
    const store = made.open();
    const source = new MemoryRepository();
    const images = ["a", "b", "c"].map((name) => makeImage(source, name, `name: ${name}`));
    for (const name of ["a", "b", "c"]) await pull(source, name, store, `example.org/${name}:v1`);
    const fill = (name: string) => {
      try {
        writeFileSync(join(made.path, name), new Uint8Array(1 << 20));
      } catch {
        // It shall fill the disk to the brim.
      }
    };
    fill("filler");
    await assert.rejects(store.tag(ref("example.org/a:v1"), ref("example.org/a:v2")), /the disk is full/);
    await store.remove(ref("example.org/a:v1"));
    fill("another");
    assert.equal(await store.removeManifest(ref("example.org/b"), images[1].index.digest), true);
    assert.deepEqual(await store.names(), ["example.org/c:v1"]);
    assert.deepEqual((await store.check()).damage, []);
    assert.ok(existsSync(blobFile(made.path, images[2].index.digest)));
    assert.ok(!existsSync(blobFile(made.path, images[0].index.digest)));
  },
);

capabilityTest("mount", "an index that does not fit on the disk leaves the old one", async () => {
  using made = scratch();
  using _disk = smallDisk(made.path);
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  await pull(source, "v1", store);
  const before = readFileSync(join(made.path, "index.json"), "utf8");
  try {
    writeFileSync(join(made.path, "filler"), new Uint8Array(1 << 20));
  } catch {
    // It shall fill the disk to the brim.
  }
  await assert.rejects(store.tag(ref("v1"), ref("v2")), /the disk is full/);
  assert.equal(readFileSync(join(made.path, "index.json"), "utf8"), before);
  assert.equal(readdirSync(made.path).includes("index.json.tmp"), false);
  await assert.doesNotReject(store.resolve(ref("v1")));
});

capabilityTest("mount", "a store on a read-only file system can be listed, resolved, checked and read", async () => {
  using made = scratchOfIg();
  const bound = join(made.folder, "bound");
  mkdirSync(bound);
  rmSync(join(made.path, "index.json.lock"));
  succeed("mount", "--bind", made.path, bound);
  try {
    succeed("mount", "-o", "remount,bind,ro", bound);
    const { openStore } = await import("./mod.ts");
    const store = openStore({ path: bound });
    assert.equal((await store.images({ all: true })).length, 4);
    const descriptor = await store.resolve(ref("hello"));
    const chunks: number[] = [];
    for await (const chunk of store.repository(ref("hello")).fetch(descriptor)) chunks.push(chunk.length);
    assert.deepEqual(chunks, [descriptor.size]);
    assert.deepEqual((await store.check()).damage, []);
    await assert.rejects(store.tag(ref("hello"), ref("x")), /read-only/);
    await assert.rejects(store.remove(ref("hello")), /read-only/);
  } finally {
    succeed("umount", bound);
  }
});

Deno.test("a broken index is named, with what to do", async () => {
  const full = '{"schemaVersion":2,"manifests":[]}';
  for (
    const text of ["", "{", full.slice(0, 20), "[]", '{"schemaVersion":1}', '{"manifests":{}}', '{"manifests":[1]}']
  ) {
    using made = scratch();
    writeStore(made.path, text);
    const store = made.open();
    for (
      const work of [
        () => store.images(),
        () => store.resolve(ref("x")),
        () => store.remove(ref("x")),
        () => store.gc(),
      ]
    ) {
      await assert.rejects(work, (error) => {
        assert.ok(hasCode(error, "invalid"), text);
        assert.ok(error.message.includes(join(made.path, "index.json")));
        assert.match(error.hint ?? "", /store check/);
        return true;
      });
    }
  }
});

Deno.test("an index that ig is just writing in place is read again under the lock", async () => {
  using made = scratchOfIg();
  const path = join(made.path, "index.json");
  const whole = readFileSync(path);
  const store = made.open();
  let listing;
  {
    using _lock = await acquireLock(join(made.path, "index.json.lock"));
    writeFileSync(path, whole.subarray(0, 100));
    listing = store.images();
    await new Promise((resolve) => setTimeout(resolve));
    writeFileSync(path, whole);
  }
  assert.equal((await listing).length, 3);
});

peerTest("flock", "a lock that another process holds is waited for as long as was said", async () => {
  using made = scratchOfIg();
  const holder = spawn(peer("flock"), [join(made.path, "index.json.lock"), "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout!, "data");
  try {
    const store = made.open({ lockTimeout: 30 });
    await assert.rejects(store.tag(ref("hello"), ref("x")), (error) => {
      assert.ok(hasCode(error, "busy"));
      assert.ok(error.message.includes("index.json.lock"));
      return true;
    });
    assert.equal((await store.images()).length, 3);
    const patient = made.open().tag(ref("hello"), ref("x"));
    holder.stdin!.end();
    await patient;
  } finally {
    holder.kill();
  }
});

Deno.test("a link, a folder, a FIFO and a device in the place of a blob are errors, and nothing hangs", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  const { index, layers: [layer] } = makeImage(source, "v1");
  await pull(source, "v1", store);
  const path = blobFile(made.path, layer.digest);
  const elsewhere = join(made.folder, "elsewhere");
  writeFileSync(elsewhere, "a secret");
  const makers = [
    () => symlinkSync(elsewhere, path),
    () => mkdirSync(path),
    () => succeed("mkfifo", path),
  ];
  for (const make of makers) {
    rmSync(path, { recursive: true });
    make();
    const reading = async () => {
      for await (const _ of store.repository(ref("v1")).fetch(layer));
    };
    await assert.rejects(reading, (error) => hasCode(error, "storage"));
    assert.deepEqual((await store.check()).damage.map(({ digest }) => digest), [layer.digest]);
    assert.equal((await store.resolve(ref("v1"))).digest, index.digest);
  }
  assert.equal(readFileSync(elsewhere, "utf8"), "a secret");
});

Deno.test("an index too large to be true is refused before it is read", async () => {
  using made = scratch();
  writeStore(made.path, "");
  succeed("truncate", "-s", "300M", join(made.path, "index.json"));
  await assert.rejects(made.open().images(), /too large: 314572800 bytes/);
});

Deno.test("a manifest of 5 MiB in the index neither fills the memory nor breaks the list", async () => {
  using made = scratch();
  const store = made.open();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  await pull(source, "v1", store);
  const index = JSON.parse(readFileSync(join(made.path, "index.json"), "utf8"));
  const digest = `sha256:${"3".repeat(64)}`;
  const annotations = { "org.opencontainers.image.ref.name": "evil" };
  index.manifests.push({ ...index.manifests[0], digest, size: 5 << 20, annotations });
  writeFileSync(join(made.path, "index.json"), JSON.stringify(index));
  const images = await store.images();
  assert.deepEqual(images.map(({ name, state }) => [name, state]), [
    ["evil", "damaged"],
    ["ghcr.io/inspektor-gadget/gadget/v1:latest", "ok"],
  ]);
});

capabilityTest(
  "root",
  "root does not write to a store that somebody else owns or may write to, but reads it",
  async () => {
    using made = scratch();
    const source = new MemoryRepository();
    makeImage(source, "v1");
    await pull(source, "v1", made.open());
    for (const folder of [".", "blobs", "blobs/sha256", "ingest"]) {
      const path = join(made.path, folder);
      chownSync(path, 65534, 65534);
      await assert.rejects(
        made.open().tag(ref("v1"), ref("copy")),
        /Root does not write to .* which belongs to the user/,
      );
      assert.equal((await made.open().images()).length, 1);
      chownSync(path, 0, 0);
      chmodSync(path, 0o777);
      await assert.rejects(pull(source, "v1", made.open()), /to which other users may write/);
      chmodSync(path, 0o1777);
      await assert.rejects(pull(source, "v1", made.open()), /to which other users may write/);
      chmodSync(path, 0o755);
    }
    await made.open().tag(ref("v1"), ref("copy"));
  },
);

Deno.test("a file that was exchanged while it was written does not get its name", () => {
  using made = scratch();
  mkdirSync(made.path, { recursive: true });
  const [victim, target, temporary] = ["victim", "target", "target.tmp"].map((name) => join(made.path, name));
  writeFileSync(victim, "secret", { mode: 0o600 });
  assert.throws(() =>
    replaceFile(target, "content", (fd) => {
      fchmodSync(fd, 0o644);
      rmSync(temporary);
      symlinkSync(victim, temporary);
    }), /was replaced by somebody else/);
  assert.equal(existsSync(target), false);
  assert.equal(statSync(victim).mode & 0o777, 0o600);
});

Deno.test("a part of a transfer that is a hard link is not written to, as its other name may be anybody's file", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const { layers } = makeImage(source, "v1");
  const profile = join(made.folder, ".profile");
  writeFileSync(profile, "mine");
  mkdirSync(join(made.path, "ingest"), { recursive: true });
  linkSync(profile, join(made.path, "ingest", `${digestHex(layers[0].digest)}.partial`));
  await assert.rejects(pull(source, "v1", made.open()), (error) => hasCode(error, "refused"));
  assert.equal(readFileSync(profile, "utf8"), "mine");
});

capabilityTest("mount", "a read-only file system is told of as such, with what helps", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  makeImage(source, "v1");
  {
    using _disk = smallDisk(made.path);
    await pull(source, "v1", made.open());
    succeed("mount", "-o", "remount,ro", made.path);
    const store = made.open();
    for (const change of [() => store.tag(ref("v1"), ref("v2")), () => store.remove(ref("v1"))]) {
      await assert.rejects(change, (error) => {
        assert.ok(hasCode(error, "storage"));
        assert.match(error.message, /^Cannot write .*index\.json.*: the file system is read-only$/);
        assert.deepEqual(error.remedy, { kind: "other-store" });
        return true;
      });
    }
    assert.equal((await made.open().images()).length, 1);
  }
});

Deno.test("a store where no folder can be made says so", async () => {
  const source = new MemoryRepository();
  makeImage(source, "v1");
  const store = openStore({ path: "/proc/nope" });
  await assert.rejects(pull(source, "v1", store), /Cannot create the store \/proc\/nope: no folder can be made there/);
});

Deno.test("an index of far too many entries is refused at once", async () => {
  using made = scratch();
  writeStore(made.path, `{"schemaVersion":2,"manifests":[${"{},".repeat(20_000_000)}{}]}`);
  await assert.rejects(made.open().images(), /has more than 200000 entries/);
});

/** A store of many names for one manifest of many layers, none of which is there, each name with an index of its own. */
function writeLargeStore(path: string, names: number, layers: number): void {
  writeStore(path, "{}");
  const put = (content: unknown, mediaType: string) => {
    const bytes = Buffer.from(JSON.stringify(content));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(path, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const layer = (number: number) => ({
    mediaType: "application/octet-stream",
    digest: `sha256:${number.toString(16).padStart(64, "0")}`,
    size: 1,
  });
  const manifest = put({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: layer(0),
    layers: Array.from({ length: layers }, (_, number) => layer(number)),
  }, MediaType.ociManifest);
  const manifests = Array.from({ length: names }, (_, number) => ({
    ...put({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [manifest],
      annotations: { number: `${number}` },
    }, MediaType.ociIndex),
    annotations: { "org.opencontainers.image.ref.name": `ghcr.io/foo/bar:v${number}` },
  }));
  writeFileSync(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

Deno.test("whatever is done with a hostile store, it can be stopped", async () => {
  using made = scratch();
  writeLargeStore(made.path, 2000, 5000);
  const operations: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ["check", (signal) => made.open().check({ signal })],
    ["images", (signal) => made.open().images({ signal, all: true })],
    ["gc", (signal) => made.open().gc({ signal })],
    ["remove", (signal) => made.open().remove("ghcr.io/foo/bar:v0", { signal })],
  ];
  for (const [name, run] of operations) {
    const stop = new AbortController();
    // A timer fires only if the work lets others have their turn.
    const timer = setTimeout(() => stop.abort(), 40);
    await assert.rejects(run(stop.signal), (error) => hasCode(error, "cancelled"), name);
    clearTimeout(timer);
  }
});

Deno.test("many names of one damaged image are looked through once", async () => {
  using made = scratch();
  writeLargeStore(made.path, 1, 5000);
  const index = JSON.parse(readFileSync(join(made.path, "index.json"), "utf8"));
  const [{ annotations: _, ...entry }] = index.manifests;
  index.manifests = Array.from({ length: 3000 }, (_, number) => ({
    ...entry,
    annotations: { "org.opencontainers.image.ref.name": `ghcr.io/foo/bar:v${number}` },
  }));
  writeFileSync(join(made.path, "index.json"), JSON.stringify(index));
  const { damage } = await made.open().check({ signal: AbortSignal.timeout(20_000) });
  assert.equal(damage.length, 5000);
  assert.equal(damage[0].images?.length, 3000);
  // One list for all of them, or the memory would not do.
  assert.equal(damage[0].images, damage[4999].images);
  assert.equal((await made.open().images({ signal: AbortSignal.timeout(10_000) })).length, 3000);
});
