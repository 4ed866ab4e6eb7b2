import { strict as assert } from "node:assert";
import fc from "fast-check";
import { compareBytes, type Descriptor, digestOf, MAX_MANIFEST_SIZE } from "../oci/mod.ts";
import { type Ask, asking, errorCodes, Shelf } from "./_testing.ts";

const TAGS = ["v1", "v10", "v2", "V3", "latest", "_x", `sha256-${"a".repeat(64)}.sig`];

function shelfWithTags(tags: readonly string[] = TAGS) {
  const shelf = new Shelf();
  const digest = shelf.manifest("{}");
  for (const tag of tags) shelf.tag("ghcr.io", "team/app", tag, digest);
  return asking(shelf);
}

/** The order of tags. */
function withoutCase(a: string, b: string): number {
  return compareBytes(a.toLowerCase(), b.toLowerCase()) || compareBytes(a, b);
}

/** The path and query of the next page. */
function next(response: Response): string | undefined {
  const link = response.headers.get("Link");
  if (link === null) return undefined;
  const [, path] = /^<(\/[^>]*)>; rel="next"$/.exec(link) ?? [];
  assert.ok(path, link);
  return path;
}

/** All pages, by their links. */
async function pages(ask: Ask, first: string, member: string): Promise<string[][]> {
  const all: string[][] = [];
  for (let path: string | undefined = first; path !== undefined;) {
    const response: Response = await ask(path);
    assert.equal(response.status, 200, path);
    path = next(response);
    all.push((await response.json())[member]);
    assert.ok(all.length < 1000);
  }
  return all;
}

Deno.test("tags are listed in their order without regard to case, those of attachments among them", async () => {
  const response = await shelfWithTags()("/v2/team/app/tags/list");
  assert.equal(next(response), undefined);
  assert.deepEqual(await response.json(), { name: "team/app", tags: TAGS.toSorted(withoutCase) });
});

Deno.test("pages by n and last together are the list, none larger than was asked for", async () => {
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,6}$/);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(tag, { minLength: 1 }), fc.integer({ min: 1, max: 12 }), async (tags, n) => {
      const all = await pages(shelfWithTags(tags), `/v2/team/app/tags/list?n=${n}`, "tags");
      assert.ok(all.every((page) => page.length <= n));
      assert.equal(all.length, Math.ceil(tags.length / n));
      assert.deepEqual(all.flat(), tags.toSorted(withoutCase));
    }),
  );
});

Deno.test("last need not be a tag", async () => {
  const ask = shelfWithTags();
  for (
    const [last, expected] of [["v1", ["v10", "v2", "V3"]], ["V11", ["v2", "V3"]], ["z", []], [
      "%F0%9F%98%80",
      [],
    ]] as const
  ) {
    assert.deepEqual((await (await ask(`/v2/team/app/tags/list?last=${last}`)).json()).tags, expected);
  }
});

Deno.test("the link to the next page is relative, and keeps what else was asked", async () => {
  const response = await shelfWithTags()("/v2/team/app/tags/list?n=2&ns=ghcr.io");
  assert.equal(next(response), "/v2/team/app/tags/list?n=2&ns=ghcr.io&last=latest");
  await response.body?.cancel();
});

Deno.test("n of zero is an empty list without a link, and what is no number an error", async () => {
  const ask = shelfWithTags();
  const none = await ask("/v2/team/app/tags/list?n=0");
  assert.equal(next(none), undefined);
  assert.deepEqual((await none.json()).tags, []);
  for (const n of ["-1", "x", "1.5", "1e3", "0x10"]) {
    const response = await ask(`/v2/team/app/tags/list?n=${n}`);
    assert.deepEqual([response.status, await errorCodes(response)], [400, ["UNSUPPORTED"]], n);
  }
  const many = await ask("/v2/team/app/tags/list?n=99999999999999999999");
  assert.equal((await many.json()).tags.length, TAGS.length);
});

Deno.test("a long list comes in pages although nobody asked for them", async () => {
  const tags = Array.from({ length: 10_001 }, (_, at) => `t${at}`);
  const all = await pages(shelfWithTags(tags), "/v2/team/app/tags/list", "tags");
  assert.deepEqual(all.map((page) => page.length), [10_000, 1]);
});

Deno.test("the tags of a repository that is not there are an error", async () => {
  const response = await shelfWithTags()("/v2/team/other/tags/list");
  assert.deepEqual([response.status, await errorCodes(response)], [404, ["NAME_UNKNOWN"]]);
});

Deno.test("the catalog has the names that are offered, in pages", async () => {
  const shelf = new Shelf();
  const digest = shelf.manifest("{}");
  for (const [registry, repository] of [["ghcr.io", "b"], ["127.0.0.1:5001", "x"], ["quay.io", "a/b"]]) {
    shelf.tag(registry, repository, "latest", digest);
  }
  const ask = asking(shelf, { mirrorOf: ["quay.io"] });
  assert.deepEqual(await pages(ask, "/v2/_catalog?n=2", "repositories"), [["127.0.0.1_5001/x", "a/b"], ["ghcr.io/b"]]);
  assert.deepEqual(await pages(ask, "/v2/_catalog?last=a", "repositories"), [["a/b", "ghcr.io/b"]]);
});

function referrer(at: number, annotation: string, artifactType: string): Descriptor {
  const digest = digestOf(new TextEncoder().encode(String(at)));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return { mediaType, digest, size: 1, artifactType, annotations: { text: annotation } };
}

function shelfWithReferrers(count: number, annotation = "x") {
  const shelf = new Shelf();
  const subject = shelf.manifest("{}");
  const types = ["type/sbom", "type/signature"];
  shelf.referrers.set(subject, Array.from({ length: count }, (_, at) => referrer(at, annotation, types[at % 2])));
  return { ask: asking(shelf), path: `/v2/team/app/referrers/${subject}`, all: shelf.referrers.get(subject)! };
}

Deno.test("referrers are an image index with the type and the annotations of each", async () => {
  const { ask, path, all } = shelfWithReferrers(3);
  const response = await ask(path);
  assert.equal(response.headers.get("Content-Type"), "application/vnd.oci.image.index.v1+json");
  assert.equal(response.headers.get("OCI-Filters-Applied"), null);
  assert.deepEqual(await response.json(), {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: all.toSorted((a, b) => compareBytes(a.digest, b.digest)),
  });
});

Deno.test("referrers of one artifact type can be asked for, and the answer says that they were chosen", async () => {
  const { ask, path } = shelfWithReferrers(5);
  for (const [type, count] of [["type/sbom", 3], ["type/signature", 2], ["type/other", 0]] as const) {
    const response = await ask(`${path}?artifactType=${encodeURIComponent(type)}`);
    assert.equal(response.headers.get("OCI-Filters-Applied"), "artifactType");
    const { manifests } = await response.json();
    assert.equal(manifests.length, count);
    assert.ok(manifests.every(({ artifactType }: Descriptor) => artifactType === type));
  }
});

Deno.test("what nobody knows has no referrers", async () => {
  const response = await asking(new Shelf())(`/v2/never/seen/referrers/sha256:${"0".repeat(64)}`);
  assert.equal(response.status, 200);
  assert.deepEqual((await response.json()).manifests, []);
});

Deno.test("more referrers than a manifest can have bytes come in pages that any client reads", async () => {
  const { ask, path, all } = shelfWithReferrers(30, "ä".repeat(200_000));
  const found: Descriptor[] = [];
  for (let at: string | undefined = `${path}?artifactType=type/sbom`, count = 0; at !== undefined; count++) {
    assert.ok(count < 10);
    const response = await ask(at);
    at = next(response);
    const body = await response.bytes();
    assert.ok(body.length <= MAX_MANIFEST_SIZE);
    found.push(...JSON.parse(new TextDecoder().decode(body)).manifests);
    assert.equal(response.headers.get("OCI-Filters-Applied"), "artifactType");
  }
  const expected = all.filter(({ artifactType }) => artifactType === "type/sbom").map(({ digest }) => digest).sort();
  assert.deepEqual(found.map(({ digest }) => digest), expected);
});

Deno.test("an artifact type with a plus that was not escaped is the same type", async () => {
  const shelf = new Shelf();
  const subject = shelf.manifest("{}");
  shelf.referrers.set(subject, [referrer(1, "x", "application/spdx+json"), referrer(2, "x", "type/other")]);
  const ask = asking(shelf);
  for (const type of ["application/spdx+json", "application/spdx%2Bjson"]) {
    const response = await ask(`/v2/team/app/referrers/${subject}?artifactType=${type}`);
    assert.equal((await response.json()).manifests.length, 1, type);
  }
});
