import assert from "node:assert/strict";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ByteStream } from "../content/mod.ts";
import { type Digest, Digester } from "../oci/mod.ts";
import { tryLock } from "../runtime/mod.ts";
import { blobFile, type Scratch, scratch } from "./_testing.ts";
import type { UploadLimits, UploadSession, UploadSessions } from "./mod.ts";

const LIMIT = { all: 10, ofOne: 10 };

async function* streamOf(...parts: string[]): ByteStream {
  for (const part of parts) yield new TextEncoder().encode(part);
}

function digestOf(text: string, algorithm: "sha256" | "sha512" = "sha256"): Digest {
  const digester = new Digester(algorithm);
  digester.update(new TextEncoder().encode(text));
  return digester.digest();
}

function unfinished({ path }: Scratch): string[] {
  return readdirSync(join(path, "ingest"));
}

/** An upload that somebody else goes on with: another process, or this one after it was started again. */
async function resumed(made: Scratch, id: string): Promise<UploadSession> {
  const session = await made.open().uploads(LIMIT).resume(id);
  assert.ok(session);
  return session;
}

Deno.test("a blob that came in parts is one, read-only, and nothing else is left", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  using upload = await uploads.start();
  await upload.append(streamOf("hel", "lo"));
  await upload.append(streamOf(" world"));
  assert.equal(upload.size, 11);
  await upload.finish(digestOf("hello world"));
  const file = blobFile(made.path, digestOf("hello world"));
  assert.equal(readFileSync(file, "utf8"), "hello world");
  assert.equal(statSync(file).mode & 0o777, 0o444);
  assert.deepEqual(unfinished(made), []);
});

for (const algorithm of ["sha256", "sha512"] as const) {
  Deno.test(`a blob of ${algorithm} is one, whether or not that was said at the start, and also of nothing`, async () => {
    using made = scratch();
    const uploads = made.open().uploads(LIMIT);
    for (const options of [{}, { algorithm: "sha256" }, { algorithm: "sha512" }] as const) {
      for (const text of ["", `by ${JSON.stringify(options)}`]) {
        using upload = await uploads.start(options);
        if (text !== "") await upload.append(streamOf(text));
        await upload.finish(digestOf(text, algorithm));
        assert.equal(readFileSync(blobFile(made.path, digestOf(text, algorithm)), "utf8"), text);
      }
    }
  });
}

Deno.test("an upload goes on in another process, which hashes what is there", async () => {
  using made = scratch();
  const upload = await made.open().uploads(LIMIT).start();
  await upload.append(streamOf("hello"));
  upload[Symbol.dispose]();
  using again = await resumed(made, upload.id);
  assert.equal(again.size, 5);
  await again.append(streamOf(" world"));
  await again.finish(digestOf("hello world"));
  assert.equal(readFileSync(blobFile(made.path, digestOf("hello world")), "utf8"), "hello world");
});

Deno.test("what another process added meanwhile is hashed as well", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  const upload = await uploads.start();
  await upload.append(streamOf("hello"));
  upload[Symbol.dispose]();
  const other = await resumed(made, upload.id);
  await other.append(streamOf(" wor"));
  other[Symbol.dispose]();
  using back = (await uploads.resume(upload.id))!;
  await back.append(streamOf("ld"));
  await back.finish(digestOf("hello world"));
});

Deno.test("of a stream that breaks what came is kept", async () => {
  using made = scratch();
  using upload = await made.open().uploads(LIMIT).start();
  const broken = async function* () {
    yield* streamOf("hello");
    throw new Error("reset by peer");
  };
  await assert.rejects(upload.append(broken()), /reset by peer/);
  assert.equal(upload.size, 5);
  await upload.append(streamOf(" world"));
  await upload.finish(digestOf("hello world"));
});

Deno.test("bytes of another digest are gone, and were at no time a blob", async () => {
  using made = scratch();
  using upload = await made.open().uploads(LIMIT).start();
  await upload.append(streamOf("hello"));
  await assert.rejects(upload.finish(digestOf("other")), { code: "integrity" });
  assert.deepEqual(unfinished(made), []);
  assert.deepEqual(readdirSync(join(made.path, "blobs/sha256")), []);
});

Deno.test("an upload goes on when whoever held it for a moment is done", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  const upload = await uploads.start();
  const resuming = uploads.resume(upload.id);
  upload[Symbol.dispose]();
  using resumed = await resuming;
  assert.equal(resumed?.id, upload.id);
});

Deno.test("nobody else goes on with an upload, sweeps it or collects it while it is used", async () => {
  using made = scratch();
  const store = made.open();
  const uploads = store.uploads(LIMIT);
  const upload = await uploads.start();
  await upload.append(streamOf("hello"));
  await assert.rejects(uploads.resume(upload.id), { code: "busy" });
  await assert.rejects(made.open().uploads(LIMIT).resume(upload.id), { code: "busy" });
  assert.equal(uploads.sweep(-1000), 0);
  await store.gc({ minAge: 0 });
  assert.equal(unfinished(made).length, 1);
  upload[Symbol.dispose]();
  const { garbage } = await store.check();
  assert.deepEqual(garbage.map(({ kind }) => kind), ["unfinished"]);
  assert.equal((await store.gc({ minAge: 0 })).ingest.blobs, 1);
  assert.equal(await uploads.resume(upload.id), undefined);
});

Deno.test("a sweep removes uploads that have rested for longer than that, and nothing else", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  const [old, young] = [await uploads.start(), await uploads.start()];
  for (const upload of [old, young]) upload[Symbol.dispose]();
  writeFileSync(join(made.path, "ingest", "notes.txt"), "not ours");
  // What counts is the later of both times, and the change of a file's times cannot be set.
  utimesSync(join(made.path, "ingest", `upload_${old.id}`), 0, 0);
  assert.equal(uploads.sweep(60_000), 0);
  assert.equal(uploads.sweep(-60_000), 2);
  assert.deepEqual(unfinished(made), ["notes.txt"]);
  assert.equal(await uploads.resume(young.id), undefined);
});

function started(uploads: UploadSessions, owner: string): Promise<string> {
  return uploads.start({ owner }).then((upload) => {
    upload[Symbol.dispose]();
    return upload.id;
  });
}

/** Which of these uploads are still there. */
function left(made: Scratch, ...ids: string[]): string[] {
  const names = unfinished(made);
  return ids.filter((id) => names.includes(`upload_${id}`));
}

Deno.test("an owner with too many uploads keeps no other from pushing", async () => {
  using made = scratch();
  const uploads = made.open().uploads({ all: 10, ofOne: 2 });
  using first = await uploads.start({ owner: "a" });
  using second = await uploads.start({ owner: "a" });
  await assert.rejects(uploads.start({ owner: "a" }), { code: "busy" });
  using other = await uploads.start({ owner: "b" });
  assert.deepEqual(left(made, first.id, second.id, other.id).length, 3);
});

Deno.test("where there is no room, an empty upload that rests gives way: one of who comes, if those are too many", async () => {
  using made = scratch();
  const open = (limits: Partial<UploadLimits> = {}) => made.open().uploads({ all: 3, ofOne: 2, ...limits });
  const uploads = open({ emptyRest: -60_000 });
  const other = await started(uploads, "b");
  const own = [await started(uploads, "a"), await started(uploads, "a")];
  await assert.rejects(open().start({ owner: "a" }), { code: "busy" }, "they are too young");
  const third = await started(uploads, "a");
  assert.deepEqual(left(made, other, third), [other, third]);
  assert.equal(left(made, ...own).length, 1);
  const [last] = left(made, ...own);
  const another = await started(uploads, "c");
  assert.deepEqual(left(made, another), [another]);
  assert.equal(left(made, other, third, last).length, 2);
});

Deno.test("an upload with bytes gives way when it has rested for longer, and none that somebody writes to", async () => {
  using made = scratch();
  const open = (limits: Partial<UploadLimits>) => made.open().uploads({ all: 2, ofOne: 2, ...limits });
  const uploads = open({ rest: -60_000 });
  const resting = await uploads.start();
  await resting.append(streamOf("hello"));
  resting[Symbol.dispose]();
  using written = await uploads.start();
  await written.append(streamOf("hello"));
  await assert.rejects(open({ emptyRest: -60_000 }).start(), { code: "busy" });
  using third = await uploads.start();
  await third.append(streamOf("hello"));
  assert.deepEqual(left(made, resting.id, written.id), [written.id]);
  await assert.rejects(uploads.start(), { code: "busy" });
});

Deno.test("where there is no room, one of whoever has most gives way before it has rested for long", async () => {
  using made = scratch();
  const uploads = made.open().uploads({ all: 5, ofOne: 3, emptyRest: -60_000 });
  const begin = async (owner: string) => {
    using upload = await uploads.start({ owner });
    await upload.append(streamOf("hello"));
    return upload.id;
  };
  const [first, ...others] = [await begin("b"), await begin("b"), await begin("a"), await begin("a"), await begin("a")];
  const newcomer = await begin("c");
  assert.deepEqual(left(made, first, others[0], newcomer), [first, others[0], newcomer]);
  assert.equal(left(made, ...others.slice(1)).length, 2);
  await assert.rejects(begin("c"), { code: "busy" }, "it would have as many");
});

Deno.test("no more uploads are open at the same time than may be", async () => {
  using made = scratch();
  const uploads = made.open().uploads({ all: 2, ofOne: 2 });
  const first = await uploads.start();
  using _second = await uploads.start();
  await assert.rejects(uploads.start(), { code: "busy" });
  first.cancel();
  first[Symbol.dispose]();
  using _third = await uploads.start();
});

Deno.test("an id leads to no file but an upload's, and to nothing through a link", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  const upload = await uploads.start();
  upload[Symbol.dispose]();
  const secret = join(made.folder, "secret");
  writeFileSync(secret, "secret");
  const linked = crypto.randomUUID();
  symlinkSync(secret, join(made.path, "ingest", `upload_${linked}`));
  const [named, folder] = [crypto.randomUUID(), crypto.randomUUID()];
  linkSync(secret, join(made.path, "ingest", `upload_${named}`));
  mkdirSync(join(made.path, "ingest", `upload_${folder}`));
  const ids = ["", "x", "../index.json", `${upload.id}/..`, `${upload.id}\0`, upload.id.toUpperCase()];
  for (const id of [...ids.filter((id) => id !== upload.id), linked, named, folder]) {
    assert.equal(await uploads.resume(id), undefined, id);
  }
  assert.equal(readFileSync(secret, "utf8"), "secret");
});

Deno.test("without a store there is no upload, and asking creates none", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  assert.equal(await uploads.resume(crypto.randomUUID()), undefined);
  assert.equal(uploads.sweep(0), 0);
  assert.throws(() => statSync(made.path), { code: "ENOENT" });
});

Deno.test("a lock that another process holds is respected", async () => {
  using made = scratch();
  const uploads = made.open().uploads(LIMIT);
  const upload = await uploads.start();
  upload[Symbol.dispose]();
  using _lock = tryLock(join(made.path, "ingest", `upload_${upload.id}`));
  await assert.rejects(uploads.resume(upload.id), { code: "busy" });
  assert.equal(uploads.sweep(-1000), 0);
});
