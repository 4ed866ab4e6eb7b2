import { strict as assert } from "node:assert";
import fc from "fast-check";
import { asking, errorCodes, Shelf } from "./_testing.ts";
import { parseRoute } from "./route.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const ENDINGS = ["manifests/latest", `manifests/${DIGEST}`, `blobs/${DIGEST}`, "tags/list", `referrers/${DIGEST}`];

const HOSTILE_NAMES = [
  "..",
  "a/../../etc",
  "%2e%2e",
  "a%2f..%2f..%2fetc",
  "a%00b",
  "%ff%fe",
  "%",
  "a%2",
  "a//b",
  "/a",
  "a/",
  "a\\..\\b",
  "a%5cb",
  "A/B/C",
  "a b",
  "ä",
  "a%3Fb",
  "a%23b",
  "a@b",
  "a:b:c",
  "_",
  "\u202e",
  "a".repeat(300),
  "a".repeat(100_000),
  "a/".repeat(50_000) + "a",
  "-".repeat(100_000),
  "%2e".repeat(30_000),
];

Deno.test("a hostile name is answered with an error of the specification, whatever is asked of it", async () => {
  const ask = asking(new Shelf());
  for (const name of HOSTILE_NAMES) {
    for (const ending of ENDINGS) {
      const response = await ask(`/v2/${name}/${ending}`);
      const isEmptyList = response.status === 200 && ending.startsWith("referrers/");
      if (isEmptyList) await response.body?.cancel();
      else {
        assert.ok(response.status >= 400 && response.status < 500, `${name.slice(0, 40)} ${response.status}`);
        assert.equal((await errorCodes(response)).length, 1);
      }
    }
  }
});

Deno.test("any path at all is answered, and never with a failure", async () => {
  const ask = asking(new Shelf());
  const piece = fc.oneof(
    fc.constantFrom(
      "v2",
      "manifests",
      "blobs",
      "uploads",
      "tags",
      "list",
      "referrers",
      "_catalog",
      "..",
      "%2e",
      "%00",
      "",
      DIGEST,
    ),
    fc.string({ maxLength: 10, unit: "binary" }),
    fc.webPath(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.webQueryParameters(), async (pieces, query) => {
      const path = `/v2/${pieces.join("/")}?${query}`;
      const response = await ask(path);
      assert.ok(response.status < 500, path);
      await response.body?.cancel();
    }),
  );
});

Deno.test("a reference or a digest that is none is not found or invalid", async () => {
  const ask = asking(new Shelf());
  for (
    const [path, status, code] of [
      ["/v2/a/b/manifests/.invalid", 404, "MANIFEST_UNKNOWN"],
      [`/v2/a/b/manifests/${"t".repeat(129)}`, 404, "MANIFEST_UNKNOWN"],
      ["/v2/a/b/manifests/sha256:abc", 400, "DIGEST_INVALID"],
      [`/v2/a/b/manifests/md5:${"a".repeat(32)}`, 400, "DIGEST_INVALID"],
      ["/v2/a/b/blobs/latest", 400, "DIGEST_INVALID"],
      [`/v2/a/b/blobs/${DIGEST.toUpperCase()}`, 400, "DIGEST_INVALID"],
      ["/v2/a/b/referrers/latest", 400, "DIGEST_INVALID"],
      ["/v2/a/b/tags/other", 404, "UNSUPPORTED"],
      ["/v2/a/b", 404, "UNSUPPORTED"],
      ["/v1/", 404, "UNSUPPORTED"],
      ["/", 404, "UNSUPPORTED"],
    ] as const
  ) {
    const response = await ask(path);
    assert.equal(response.status, status, path);
    assert.deepEqual(await errorCodes(response), [code]);
  }
});

Deno.test("an escaped colon is one, and an escaped slash no slash", () => {
  assert.deepEqual(parseRoute(`/v2/a/blobs/${DIGEST.replace(":", "%3A")}`), {
    endpoint: "blob",
    name: "a",
    digest: DIGEST,
  });
  assert.throws(() => parseRoute("/v2/a%2Fb/tags/list"), { code: "NAME_INVALID" });
});

Deno.test("a repository may be called like a part of the API", () => {
  assert.deepEqual(parseRoute("/v2/tags/list/manifests/tags/list"), { endpoint: "tags", name: "tags/list/manifests" });
  assert.deepEqual(parseRoute("/v2/x/manifests/y/blobs/z"), { endpoint: "blob", name: "x/manifests/y", digest: "z" });
});

Deno.test("a HEAD that fails has no body", async () => {
  const response = await asking(new Shelf())("/v2/a/b/manifests/latest", { method: "HEAD" });
  assert.equal(response.status, 404);
  assert.equal(response.body, null);
  assert.equal(response.headers.get("Content-Type"), "application/json");
});

Deno.test("a method that is not possible is refused, with those that are", async () => {
  const ask = asking(new Shelf());
  for (const method of ["OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]) {
    for (const path of ["/v2/", "/v2/_catalog", ...ENDINGS.map((ending) => `/v2/a/${ending}`)]) {
      const response = await ask(path, { method });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers.get("Allow"), "GET, HEAD");
      assert.deepEqual(await errorCodes(response), ["UNSUPPORTED"]);
    }
  }
});
