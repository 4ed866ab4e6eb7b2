import assert from "node:assert/strict";
import { Digester, digestOf, isDigest, parseDigest, shortDigest } from "./digest.ts";

const EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Deno.test("the digest of nothing is the well-known one", () => {
  assert.equal(digestOf(new Uint8Array()), EMPTY);
});

Deno.test("a digest is the same whatever the chunks that it was computed from", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(1000));
  const digester = new Digester();
  digester.update(bytes.subarray(0, 7));
  digester.update(bytes.subarray(7));
  assert.equal(digester.digest(), digestOf(bytes));
});

Deno.test("sha512 digests are computed and recognized", () => {
  const digest = new Digester("sha512").digest();
  assert.ok(isDigest(digest));
  assert.equal(digest.length, "sha512:".length + 128);
});

Deno.test("a digest of the wrong length, case or alphabet is invalid", () => {
  for (const text of ["sha256:abc", EMPTY.toUpperCase(), `${EMPTY}0`, "sha256:../../etc/passwd", "", "sha256"]) {
    assert.ok(!isDigest(text), text);
    assert.throws(() => parseDigest(text), /invalid digest/, text);
  }
});

Deno.test("a digest of an unknown algorithm is told apart from a malformed one", () => {
  assert.throws(() => parseDigest("md5:d41d8cd98f00b204e9800998ecf8427e"), /unsupported digest algorithm/);
});

Deno.test("a short digest is the first twelve characters of its hex part", () => {
  assert.equal(shortDigest(EMPTY), "e3b0c44298fc");
});
