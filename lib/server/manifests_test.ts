import { strict as assert } from "node:assert";
import { SatchelError } from "../error.ts";
import { asking, errorCodes, Shelf } from "./_testing.ts";
import type { ServedBlob } from "./repositories.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

function shelfWithIndex() {
  const shelf = new Shelf();
  const digest = shelf.manifest(`{"schemaVersion":2,"manifests":[]}`, INDEX);
  shelf.tag("ghcr.io", "team/app", "v1", digest);
  return { shelf, digest, ask: asking(shelf) };
}

Deno.test("a manifest is sent by tag and by digest, with its type and digest", async () => {
  const { ask, digest } = shelfWithIndex();
  for (const reference of ["v1", digest]) {
    const response = await ask(`/v2/ghcr.io/team/app/manifests/${reference}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Content-Type"), INDEX);
    assert.equal(response.headers.get("Docker-Content-Digest"), digest);
    assert.equal(response.headers.get("ETag"), `"${digest}"`);
    assert.equal(response.headers.get("Content-Length"), String((await response.bytes()).length));
  }
});

Deno.test("HEAD tells the same of a manifest as GET, but for its bytes", async () => {
  const { ask } = shelfWithIndex();
  const [head, get] = [
    await ask("/v2/team/app/manifests/v1", { method: "HEAD" }),
    await ask("/v2/team/app/manifests/v1"),
  ];
  assert.equal(head.body, null);
  assert.deepEqual([...head.headers], [...get.headers]);
  await get.body?.cancel();
});

Deno.test("a manifest of a type that the client does not name is sent all the same", async () => {
  const { ask } = shelfWithIndex();
  const headers = { Accept: "application/vnd.docker.distribution.manifest.v2+json" };
  const response = await ask("/v2/team/app/manifests/v1", { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), INDEX);
  await response.body?.cancel();
});

Deno.test("who has a manifest already is told so", async () => {
  const { ask, digest } = shelfWithIndex();
  const headers = { "If-None-Match": `"${digest}"` };
  for (const method of ["GET", "HEAD"]) {
    const response = await ask("/v2/team/app/manifests/v1", { method, headers });
    assert.equal(response.status, 304);
    assert.equal(response.body, null);
    assert.equal(response.headers.get("Docker-Content-Digest"), digest);
  }
});

Deno.test("a tag is one of its repository, a digest one of all", async () => {
  const { ask, digest } = shelfWithIndex();
  const tag = await ask("/v2/other/one/manifests/v1");
  assert.deepEqual([tag.status, await errorCodes(tag)], [404, ["MANIFEST_UNKNOWN"]]);
  const found = await ask(`/v2/other/one/manifests/${digest}`);
  assert.equal(found.status, 200);
  await found.body?.cancel();
});

Deno.test("a mirror is asked by ns, or by a name that several registries may have", async () => {
  const { shelf, digest } = shelfWithIndex();
  const other = shelf.manifest(`{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}`, INDEX);
  shelf.tag("quay.io", "team/app", "v1", other);
  shelf.tag("quay.io", "team/app", "v2", other);
  const ask = asking(shelf, { mirrorOf: ["ghcr.io", "quay.io"] });
  for (
    const [path, expected] of [
      ["/v2/team/app/manifests/v1", digest],
      ["/v2/team/app/manifests/v2", other],
      ["/v2/team/app/manifests/v1?ns=quay.io", other],
      ["/v2/quay.io/team/app/manifests/v1", other],
    ]
  ) {
    const response = await ask(path);
    assert.equal(response.headers.get("Docker-Content-Digest"), expected, path);
    await response.body?.cancel();
  }
});

Deno.test("who wants what is there only if it is a certain one is not sent another", async () => {
  const { ask, digest } = shelfWithIndex();
  for (
    const [tag, status] of [[`"${digest}"`, 200], ["*", 200], [`"x", "${digest}"`, 200], ['"x"', 412], [
      `W/"${digest}"`,
      412,
    ]] as const
  ) {
    const response = await ask("/v2/team/app/manifests/v1", { headers: { "If-Match": tag } });
    assert.equal(response.status, status, tag);
    await response.body?.cancel();
  }
});

Deno.test("a large manifest is sent out of its file, if it still lies in one", async () => {
  const shelf = new Shelf();
  const content = `{"schemaVersion":2,"manifests":[],"annotations":{"a":"${"x".repeat(70_000)}"}}`;
  const large = shelf.manifest(content, INDEX);
  const small = shelf.manifest("{}", INDEX);
  const sent: string[] = [];
  let blob: () => Promise<ServedBlob | undefined>;
  const { at, ...others } = shelf.repositories;
  const ask = asking(shelf, {
    repositories: { ...others, at: (name) => ({ ...at(name), blob: () => blob() }) },
    fileBody: (path, offset, length) => {
      sent.push(`${path} ${offset} ${length}`);
      return content;
    },
  });
  const text = async (digest: string) => (await ask(`/v2/team/app/manifests/${digest}`)).text();
  blob = async () => ({ size: content.length, bytes: { path: "/blobs/large", offset: 7 }, isHashed: true });
  assert.equal(await text(large), content);
  assert.deepEqual(sent, [`/blobs/large 7 ${content.length}`]);
  assert.equal(await text(small), "{}");
  for (const code of ["not-found", "integrity"] as const) {
    blob = () => Promise.reject(new SatchelError(code, "just now"));
    assert.equal(await text(large), content);
  }
  assert.equal(sent.length, 1);
});
