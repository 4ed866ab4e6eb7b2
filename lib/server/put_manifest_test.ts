import assert from "node:assert/strict";
import { type Digest, Digester, digestOf, MediaType } from "../oci/mod.ts";
import { type Ask, asking, errorCodes, Shelf } from "./_testing.ts";
import { WritableShelf } from "./_testing_writes.ts";

const MANIFESTS = "/v2/example.org/demo/manifests";

function world(): { shelf: Shelf; writes: WritableShelf; ask: Ask } {
  const shelf = new Shelf();
  const writes = new WritableShelf(shelf);
  return { shelf, writes, ask: asking(shelf, { repositories: writes.repositories }) };
}

const config = { mediaType: MediaType.empty, digest: digestOf(new TextEncoder().encode("{}")), size: 2 };
const image = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [] };

function put(ask: Ask, reference: string, body: unknown, type: string | undefined = MediaType.ociManifest) {
  const bytes = typeof body === "string" ? body : JSON.stringify(body);
  // As text it would get a type of its own.
  const init = { method: "PUT", body: new TextEncoder().encode(bytes) };
  return ask(`${MANIFESTS}/${reference}`, { ...init, ...(type && { headers: { "Content-Type": type } }) });
}

function digestIn(algorithm: "sha256" | "sha512", body: unknown): Digest {
  const digester = new Digester(algorithm);
  digester.update(new TextEncoder().encode(JSON.stringify(body)));
  return digester.digest();
}

async function assertInvalid(response: Response, message: RegExp, code = "MANIFEST_INVALID"): Promise<void> {
  assert.equal(response.status, 400);
  const { errors: [error] } = await response.json();
  assert.equal(error.code, code);
  assert.match(error.message, message);
}

Deno.test("end-7: a manifest comes by a tag, and can be had by it and by its digest", async () => {
  const { ask } = world();
  const response = await put(ask, "v1", image);
  const digest = digestIn("sha256", image);
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("Location"), `${MANIFESTS}/${digest}`);
  assert.equal(response.headers.get("Docker-Content-Digest"), digest);
  assert.equal(response.headers.get("OCI-Subject"), null);
  for (const reference of ["v1", digest]) {
    const pulled = await ask(`${MANIFESTS}/${reference}`);
    assert.equal(pulled.headers.get("Content-Type"), MediaType.ociManifest);
    assert.deepEqual(await pulled.json(), image);
  }
});

Deno.test("end-7: by its digest a manifest comes without a tag, of either algorithm; it must be its own", async () => {
  const { ask, writes } = world();
  for (const algorithm of ["sha256", "sha512"] as const) {
    const digest = digestIn(algorithm, image);
    const response = await put(ask, digest, image);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("Docker-Content-Digest"), digest);
    await assertInvalid(await put(ask, digest, { ...image, annotations: {} }), /another digest/, "DIGEST_INVALID");
  }
  assert.deepEqual(writes.came.map(({ manifest }) => manifest.tags), [[], []]);
  await assertInvalid(await put(ask, "sha256:baddigeststring", image), /not a digest/, "DIGEST_INVALID");
});

Deno.test("a manifest that comes by its digest gets the tags of the query, and they are told", async () => {
  const { ask, writes } = world();
  const digest = digestIn("sha256", image);
  const response = await put(ask, `${digest}?tag=v1&tag=latest&tag=v1`, image);
  assert.equal(response.headers.get("OCI-Tag"), "v1, latest");
  assert.deepEqual(writes.came[0].manifest.tags, ["v1", "latest"]);
  await assertInvalid(await put(ask, `${digest}?tag=v1&tag=.x`, image), /not a valid tag/);
  const many = Array.from({ length: 101 }, (_, at) => `tag=v${at}`).join("&");
  assert.equal((await put(ask, `${digest}?${many}`, image)).status, 414);
  assert.equal(writes.came.length, 1);
});

Deno.test("end-7: a subject is told back, whether or not it is there", async () => {
  const { ask } = world();
  const subject = { mediaType: MediaType.ociManifest, digest: digestIn("sha256", "elsewhere"), size: 3 };
  const response = await put(ask, "v1", { ...image, subject });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("OCI-Subject"), subject.digest);
});

Deno.test("the type is that of the header, which must be the manifest's own; without a header its own", async () => {
  const { ask, writes } = world();
  const index = { schemaVersion: 2, manifests: [] };
  const { mediaType: _, ...untyped } = image;
  await put(ask, "v1", image, "");
  await put(ask, "v2", untyped, "");
  await put(ask, "v3", index, "");
  await put(ask, "v4", untyped, `${MediaType.ociManifest}; charset=utf-8`);
  await put(ask, "v5", untyped, MediaType.dockerManifest);
  assert.deepEqual(writes.came.map(({ manifest }) => manifest.descriptor.mediaType), [
    MediaType.ociManifest,
    MediaType.ociManifest,
    MediaType.ociIndex,
    MediaType.ociManifest,
    MediaType.dockerManifest,
  ]);
  await assertInvalid(await put(ask, "v6", image, MediaType.dockerManifest), /announced as/);
  await assertInvalid(await put(ask, "v6", image, "text/plain"), /media type is "text\/plain"/);
  await assertInvalid(await put(ask, "v6", image, MediaType.dockerSchema1), /old schema 1/);
  assert.equal(writes.came.length, 5);
});

Deno.test("what is no manifest is refused with what is wrong with it", async () => {
  const { ask, writes } = world();
  await assertInvalid(await put(ask, "v1", ""), /it is empty/);
  await assertInvalid(await put(ask, "v1", "{"), /not JSON/);
  await assertInvalid(await put(ask, "v1", "[]"), /not a JSON object/);
  await assertInvalid(await put(ask, "v1", { ...image, config: undefined }), /the config/);
  await assertInvalid(await put(ask, "v1", { ...image, manifests: [] }), /another kind/);
  await assertInvalid(await put(ask, "v1", { ...image, layers: [{ ...config, digest: "sha256:x" }] }), /digest/);
  await assertInvalid(await put(ask, "-v1", image), /not a valid tag/);
  await assertInvalid(await put(ask, "v".repeat(129), image), /not a valid tag/);
  assert.equal(writes.came.length, 0);
});

Deno.test("a manifest of more than 4 MiB is refused with 413", async () => {
  const { ask } = world();
  const large = { ...image, annotations: { a: "x".repeat(4 * 1024 * 1024) } };
  const response = await put(ask, "v1", large);
  assert.deepEqual([response.status, ...await errorCodes(response)], [413, "SIZE_INVALID"]);
});

Deno.test("what a manifest needs and is not there is listed, and nothing is taken in", async () => {
  const { ask, writes } = world();
  writes.missing = [digestIn("sha256", "a"), digestIn("sha512", "b")];
  const response = await put(ask, "v1", image);
  assert.equal(response.status, 404);
  const { errors: [error] } = await response.json();
  assert.equal(error.code, "MANIFEST_BLOB_UNKNOWN");
  assert.deepEqual(error.detail.missing.map(({ digest }: { digest: string }) => digest), writes.missing);
  assert.equal((await ask(`${MANIFESTS}/v1`)).status, 404);
});

Deno.test("end-9: a tag is deleted, a manifest by its digest; what is not there is not found", async () => {
  const { ask } = world();
  await put(ask, "v1", image);
  assert.equal((await ask(`${MANIFESTS}/v1`, { method: "DELETE" })).status, 202);
  assert.equal((await ask(`${MANIFESTS}/v1`)).status, 404);
  const digest = digestIn("sha256", image);
  assert.equal((await ask(`${MANIFESTS}/${digest}`, { method: "DELETE" })).status, 202);
  for (const reference of ["v1", digest, "sha256:x", "-"]) {
    const response = await ask(`${MANIFESTS}/${reference}`, { method: "DELETE" });
    assert.deepEqual([response.status, ...await errorCodes(response)], [404, "MANIFEST_UNKNOWN"], reference);
  }
});

Deno.test("end-10: a blob is deleted, unless a manifest needs it", async () => {
  const { ask, shelf, writes } = world();
  const [loose, needed] = [shelf.blob("loose"), shelf.blob("needed")];
  writes.needed.add(needed);
  const remove = (digest: string) => ask(`/v2/example.org/demo/blobs/${digest}`, { method: "DELETE" });
  assert.equal((await remove(loose)).status, 202);
  const again = await remove(loose);
  assert.deepEqual([again.status, ...await errorCodes(again)], [404, "BLOB_UNKNOWN"]);
  const refused = await remove(needed);
  assert.deepEqual([refused.status, ...await errorCodes(refused)], [405, "UNSUPPORTED"]);
  assert.ok(shelf.blobs.has(needed));
  assert.equal((await remove("sha256:x")).status, 400);
});

Deno.test("a push or a deletion on a condition is refused where something else is there", async () => {
  const { ask, shelf } = world();
  const send = (method: string, headers: Record<string, string>, body: unknown = image) =>
    ask(`${MANIFESTS}/v1`, {
      method,
      headers: { "Content-Type": MediaType.ociManifest, ...headers },
      ...(method === "PUT" && { body: new TextEncoder().encode(JSON.stringify(body)) }),
    });
  const other = { ...image, annotations: { other: "yes" } };
  const tagged = () => shelf.tags.get("example.org/demo")?.get("v1");
  assert.equal((await send("PUT", { "If-Match": "*" })).status, 412);
  assert.equal((await send("PUT", { "If-None-Match": "*" })).status, 201);
  assert.equal((await send("PUT", { "If-None-Match": "*" }, other)).status, 412);
  assert.equal((await send("PUT", { "If-Match": '"sha256:0"' }, other)).status, 412);
  assert.equal(tagged(), digestIn("sha256", image));
  assert.equal((await send("PUT", { "If-Match": `"${digestIn("sha256", image)}"` }, other)).status, 201);
  assert.equal(tagged(), digestIn("sha256", other));
  assert.equal((await send("DELETE", { "If-Match": `"${digestIn("sha256", image)}"` })).status, 412);
  assert.equal((await send("DELETE", { "If-Match": `"${digestIn("sha256", other)}"` })).status, 202);
});

Deno.test("of many that want to be the first under a tag, one is", async () => {
  const { ask, writes } = world();
  const bodies = Array.from({ length: 8 }, (_, at) => JSON.stringify({ ...image, annotations: { at: String(at) } }));
  const answers = await Promise.all(bodies.map((body) =>
    ask(`${MANIFESTS}/v1`, {
      method: "PUT",
      body: new TextEncoder().encode(body),
      headers: { "Content-Type": MediaType.ociManifest, "If-None-Match": "*" },
    })
  ));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(412)]);
  assert.equal(writes.came.length, 1);
});

Deno.test("what would take many times its size in memory is refused before it is read", async () => {
  const { ask } = world();
  const many = `{"schemaVersion":2,"x":[${"{},".repeat(300_000)}{}]}`;
  await assertInvalid(await put(ask, "v1", many), /more than 250000 values/);
});

Deno.test("manifests on their way in share a memory of a certain size", async () => {
  const { shelf, writes } = world();
  const ask = asking(shelf, { repositories: writes.repositories, manifestMemory: 20_000 });
  assert.equal((await put(ask, "v1", image)).status, 201);
  const refused = await put(ask, "v1", { ...image, annotations: { long: "x".repeat(40_000) } });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("Retry-After"), "1");
  assert.equal((await put(ask, "v1", image)).status, 201);
});

Deno.test("what programs read in different ways is refused", async () => {
  const { ask } = world();
  const text = JSON.stringify(image);
  for (
    const [body, message] of [
      [`\ufeff${text}`, /byte order mark/],
      [text.replace("{", `{"LAYERS":[],`), /some take for "layers"/],
      [text.replace(`"size":2`, `"size":2.0`), /whole number/],
    ] as const
  ) await assertInvalid(await put(ask, "v1", body), message);
});
