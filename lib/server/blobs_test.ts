import { strict as assert } from "node:assert";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { asking, errorCodes, Shelf } from "./_testing.ts";
import type { Repositories, WritableRepositories } from "./repositories.ts";

const TEXT = "0123456789";

function shelfWith(content: string | Uint8Array = TEXT) {
  const shelf = new Shelf();
  const digest = shelf.blob(content);
  return { shelf, digest, path: `/v2/team/app/blobs/${digest}`, ask: asking(shelf) };
}

Deno.test("a blob is sent whole, with its digest, and may be kept for ever", async () => {
  const { ask, path, digest } = shelfWith();
  const response = await ask(path);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), TEXT);
  assert.equal(response.headers.get("Content-Type"), "application/octet-stream");
  assert.equal(response.headers.get("Content-Length"), "10");
  assert.equal(response.headers.get("Docker-Content-Digest"), digest);
  assert.equal(response.headers.get("ETag"), `"${digest}"`);
  assert.equal(response.headers.get("Accept-Ranges"), "bytes");
  assert.match(response.headers.get("Cache-Control")!, /immutable/);
  assert.equal(response.headers.get("Content-Disposition"), "attachment");
});

Deno.test("HEAD tells the same of a blob as GET, but for its bytes, whatever range it names", async () => {
  const { ask, path } = shelfWith();
  const [head, get] = [await ask(path, { method: "HEAD", headers: { Range: "bytes=2-3" } }), await ask(path)];
  assert.equal(head.status, 200);
  assert.equal(head.body, null);
  assert.deepEqual([...head.headers], [...get.headers]);
  await get.body?.cancel();
});

Deno.test("a range is sent with where it lies", async () => {
  const { ask, path } = shelfWith();
  for (
    const [range, expected, where] of [
      ["bytes=0-0", "0", "bytes 0-0/10"],
      ["bytes=2-5", "2345", "bytes 2-5/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=7-99999999999999999999", "789", "bytes 7-9/10"],
      ["bytes=-3", "789", "bytes 7-9/10"],
      ["bytes=-30", TEXT, "bytes 0-9/10"],
      ["BYTES=2-5", "2345", "bytes 2-5/10"],
    ]
  ) {
    const response = await ask(path, { headers: { Range: range } });
    assert.equal(response.status, 206, range);
    assert.equal(await response.text(), expected);
    assert.equal(response.headers.get("Content-Range"), where);
    assert.equal(response.headers.get("Content-Length"), String(expected.length));
  }
});

Deno.test("a range that begins behind the end is not satisfiable", async () => {
  const { ask, path } = shelfWith();
  for (const range of ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"]) {
    const response = await ask(path, { headers: { Range: range } });
    assert.equal(response.status, 416, range);
    assert.equal(response.headers.get("Content-Range"), "bytes */10");
    await errorCodes(response);
  }
});

Deno.test("what is no single range of bytes is answered with the whole", async () => {
  const { ask, path } = shelfWith();
  for (
    const range of ["bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes 0-1", "0-1"]
  ) {
    const response = await ask(path, { headers: { Range: range } });
    assert.equal(response.status, 200, range);
    assert.equal(await response.text(), TEXT);
  }
});

Deno.test("an empty blob has no ranges", async () => {
  const { ask, path } = shelfWith("");
  const whole = await ask(path);
  assert.deepEqual([whole.status, await whole.text(), whole.headers.get("Content-Length")], [200, "", "0"]);
  const range = await ask(path, { headers: { Range: "bytes=0-" } });
  assert.equal(range.status, 416);
  await range.body?.cancel();
});

Deno.test("any range gives the bytes that stand there", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(5000));
  const { ask, path } = shelfWith(bytes);
  await fc.assert(fc.asyncProperty(fc.nat(5100), fc.nat(5100), async (first, last) => {
    const response = await ask(path, { headers: { Range: `bytes=${first}-${last}` } });
    const body = new Uint8Array(await response.arrayBuffer());
    if (last < first || first >= bytes.length) assert.equal(response.status, 416);
    else assert.deepEqual(body, bytes.slice(first, last + 1));
  }));
});

Deno.test("If-Range gives the range to who has the same blob, else the whole", async () => {
  const { ask, path, digest } = shelfWith();
  for (
    const [condition, status] of [
      [`"${digest}"`, 206],
      [`W/"${digest}"`, 200],
      [`"other"`, 200],
      ["Wed, 21 Oct 2015 07:28:00 GMT", 200],
    ] as const
  ) {
    const response = await ask(path, { headers: { Range: "bytes=0-1", "If-Range": condition } });
    assert.equal(response.status, status, condition);
    await response.body?.cancel();
  }
});

Deno.test("who has a blob already is told so, and gets no bytes", async () => {
  const { ask, path, digest } = shelfWith();
  for (const tags of [`"${digest}"`, `W/"${digest}"`, `"x", "${digest}"`, "*"]) {
    for (const method of ["GET", "HEAD"]) {
      const response = await ask(path, { method, headers: { "If-None-Match": tags, Range: "bytes=0-1" } });
      assert.equal(response.status, 304, tags);
      assert.equal(response.body, null);
      assert.equal(response.headers.get("ETag"), `"${digest}"`);
    }
  }
  const other = await ask(path, { headers: { "If-None-Match": `"x"` } });
  assert.equal(other.status, 200);
  await other.body?.cancel();
});

Deno.test("a blob is found from any repository, and one that is nowhere is unknown", async () => {
  const { ask, digest } = shelfWith();
  assert.equal(await (await ask(`/v2/other/one/blobs/${digest}`)).text(), TEXT);
  const missing = await ask(`/v2/team/app/blobs/sha256:${"0".repeat(64)}`, { headers: { "If-None-Match": "*" } });
  assert.equal(missing.status, 404);
  assert.deepEqual(await errorCodes(missing), ["BLOB_UNKNOWN"]);
});

/** All that a shelf has, but for blobs, which are damaged. */
function withDamage({ repositories }: Shelf): Repositories {
  return {
    ...repositories,
    at: (name) => ({
      ...repositories.at(name),
      blob: () => Promise.reject(new SatchelError("integrity", "/secret/place is damaged")),
    }),
  };
}

Deno.test("where it can be pushed anew, a damaged blob is not there for who asks whether to push it", async () => {
  const { shelf, path } = shelfWith();
  const repositories = withDamage(shelf);
  const writable = {} as WritableRepositories;
  const ask = asking(shelf, { repositories: { ...repositories, writable } });
  assert.equal((await ask(path, { method: "HEAD" })).status, 404);
  assert.equal((await ask(path)).status, 500);
  assert.equal((await asking(shelf, { repositories })(path, { method: "HEAD" })).status, 500);
});

Deno.test("a damaged blob is an error that names no place of this host", async () => {
  const { shelf, path } = shelfWith();
  const errors: unknown[] = [];
  const ask = asking(shelf, {
    repositories: withDamage(shelf),
    onAnswer: ({ error }) => errors.push(error),
  });
  const response = await ask(path);
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  assert.match(String(errors[0]), /secret/);
});

Deno.test("a blob that was not hashed yet is kept by no cache", async () => {
  const { shelf, path } = shelfWith();
  const { at, ...others } = shelf.repositories;
  const blob = async () => ({ size: 4, bytes: { path: "/file", offset: 0 }, isHashed: false });
  const ask = asking(shelf, {
    repositories: { ...others, at: (name) => ({ ...at(name), blob }) },
    fileBody: () => "0123",
  });
  const response = await ask(path);
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  await response.body?.cancel();
});
