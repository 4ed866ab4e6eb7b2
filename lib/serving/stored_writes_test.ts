import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentOf } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Digest, digestOf } from "../oci/mod.ts";
import { ApiError, MissingContentError } from "../server/mod.ts";
import { openStore, type Store } from "../store/mod.ts";
import { CheckedFiles } from "./checked_files.ts";
import { storedWrites, type WriteOptions } from "./stored_writes.ts";

const NAME = { registry: "example.org", repository: "demo" };

/** A store in a scratch folder, to be written to. */
function world(options: Partial<WriteOptions> = {}, change: (store: Store) => Store = (store) => store) {
  const path = mkdtempSync(join(tmpdir(), "satchel-serve-"));
  const ending = new AbortController();
  const errors: unknown[] = [];
  const open = (more: Partial<WriteOptions> = {}) => {
    const store = change(openStore({ path: join(path, "store") }));
    return storedWrites(store, {
      files: new CheckedFiles({ onDamaged: () => {} }),
      signal: ending.signal,
      onError: (error) => void errors.push(error),
      ...options,
      ...more,
    });
  };
  return {
    open,
    errors,
    blob: (digest: Digest) => join(path, "store/blobs", digest.replace(":", "/")),
    unfinished: () => readdirSync(join(path, "store/ingest")),
    [Symbol.dispose]() {
      ending.abort();
      rmSync(path, { recursive: true });
    },
  };
}

async function answerTo(work: Promise<unknown>): Promise<[number, string, string | undefined]> {
  const error = await work.then(() => assert.fail("it worked"), (error) => error);
  assert.ok(error instanceof ApiError, String(error));
  return [error.status, error.code, error.options.headers?.["Retry-After"]];
}

Deno.test("a server that starts removes uploads that have rested too long, and no others", async () => {
  using made = world();
  const upload = await made.open().startUpload();
  upload[Symbol.dispose]();
  made.open();
  assert.equal(made.unfinished().length, 1);
  made.open({ uploadIdle: -60_000 });
  assert.deepEqual(made.unfinished(), []);
  assert.deepEqual(made.errors, []);
});

Deno.test("too many uploads, and two writers of one, are told to come again", async () => {
  using made = world({ maxUploads: { all: 2, ofOne: 1 } });
  const writes = made.open();
  using upload = await writes.startUpload({ owner: "a" });
  assert.deepEqual(await answerTo(writes.startUpload({ owner: "a" })), [429, "TOOMANYREQUESTS", "5"]);
  using _other = await writes.startUpload({ owner: "b" });
  assert.deepEqual(await answerTo(writes.resumeUpload(upload.id)), [503, "BLOB_UPLOAD_INVALID", "1"]);
});

Deno.test("a full disk is told as that, and what vanished meanwhile as something to come again for", async () => {
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
  for (
    const [error, answer] of [
      [new SatchelError("storage", "Cannot write /secret/place", { cause: full }), [507, "UNKNOWN", undefined]],
      [new SatchelError("content-lost", "gone from /secret/place"), [503, "UNKNOWN", "1"]],
    ] as const
  ) {
    using made = world({}, (store) => ({ ...store, putManifest: () => Promise.reject(error) }));
    const bytes = new Uint8Array();
    const descriptor = { mediaType: "text/plain", digest: digestOf(bytes), size: 0 };
    const put = made.open().putManifest(NAME, { descriptor, bytes, tags: [] });
    assert.deepEqual(await answerTo(put), answer);
    await put.catch(({ message }) => assert.ok(!message.includes("secret")));
  }
});

Deno.test("what is not there is not removed, and no store is made for that", async () => {
  using made = world();
  const writes = made.open();
  const digest = digestOf(new Uint8Array());
  assert.equal(await writes.removeTag(NAME, "v1"), false);
  assert.equal(await writes.removeManifest(NAME, digest), false);
  assert.equal(await writes.removeBlob(NAME, digest), false);
  assert.throws(() => made.unfinished(), { code: "ENOENT" });
});

Deno.test("a manifest is not taken in while a blob that it needs is damaged", async () => {
  using made = world();
  const writes = made.open();
  const bytes = new TextEncoder().encode("{}");
  const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(bytes), size: bytes.length };
  const bring = async () => {
    using upload = await writes.startUpload();
    await upload.append(contentOf(bytes).open());
    await upload.finish(config.digest);
  };
  await bring();
  const blob = made.blob(config.digest);
  rmSync(blob);
  writeFileSync(blob, "xx");
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }));
  const descriptor = { mediaType, digest: digestOf(manifest), size: manifest.length };
  const put = () => writes.putManifest(NAME, { descriptor, bytes: manifest, tags: ["v1"] });
  await assert.rejects(put(), (error) => {
    assert.ok(error instanceof MissingContentError);
    assert.deepEqual(error.missing.map(({ digest }) => digest), [config.digest]);
    return true;
  });
  await bring();
  await put();
});
