import assert from "node:assert/strict";
import { ALGORITHMS, content, describe, emptyJson, image, index } from "./content.ts";
import {
  assertBlob,
  assertManifest,
  clause,
  expect,
  push,
  pushBlob,
  putManifest,
  type Registry,
  withRegistry,
} from "./registry.ts";

// distribution-spec 1.1, "Content Management".

const REPOSITORY = "conformance/management";
const OTHER = "conformance/other";
const MANIFESTS = `/v2/${REPOSITORY}/manifests`;
const BLOBS = `/v2/${REPOSITORY}/blobs`;

async function tags({ ask }: Registry): Promise<string[] | undefined> {
  const answer = await expect([200, 404], ask("GET", `/v2/${REPOSITORY}/tags/list`));
  return answer.status === 200 ? answer.json().tags : undefined;
}

for (const algorithm of ALGORITHMS) {
  clause(
    `end-9: deleting a tag MUST be 202; it is 404 from then on, and all else stays (${algorithm})`,
    async (registry) => {
      const { root, ...rest } = image({ algorithm });
      await push(registry, REPOSITORY, { root, ...rest });
      for (const tag of ["v1", "v2"]) {
        await expect(201, putManifest(registry, REPOSITORY, `${root.digest}?tag=${tag}`, root));
      }
      await expect(202, registry.ask("DELETE", `${MANIFESTS}/v1`));
      await expect(404, registry.ask("GET", `${MANIFESTS}/v1`));
      await assertManifest(registry, REPOSITORY, "v2", root);
      await assertManifest(registry, REPOSITORY, root.digest, root);
      assert.deepEqual(await tags(registry), ["v2"]);
    },
  );

  clause(
    `end-9: deleting a manifest MUST be 202; its digest and its tags are 404 from then on (${algorithm})`,
    async (registry) => {
      const [gone, stays] = [image({ algorithm }), image({ algorithm })];
      for (const [tag, each] of [["v1", gone], ["v2", gone], ["v3", stays]] as const) {
        await push(registry, REPOSITORY, each);
        await expect(201, putManifest(registry, REPOSITORY, `${each.root.digest}?tag=${tag}`, each.root));
      }
      await expect(202, registry.ask("DELETE", `${MANIFESTS}/${gone.root.digest}`));
      for (const reference of [gone.root.digest, "v1", "v2"]) {
        await expect(404, registry.ask("GET", `${MANIFESTS}/${reference}`));
        await expect(404, registry.ask("HEAD", `${MANIFESTS}/${reference}`));
      }
      await assertManifest(registry, REPOSITORY, "v3", stays.root);
      for (const blob of stays.blobs) await assertBlob(registry, `${BLOBS}/${blob.digest}`, blob);
    },
  );

  clause(`end-10: deleting a blob MUST be 202; it is 404 from then on (${algorithm})`, async (registry) => {
    for (const blob of [content(100, "", algorithm), content("", "", algorithm)]) {
      await pushBlob(registry, REPOSITORY, blob);
      await expect(202, registry.ask("DELETE", `${BLOBS}/${blob.digest}`));
      await expect(404, registry.ask("GET", `${BLOBS}/${blob.digest}`));
      await expect(404, registry.ask("HEAD", `${BLOBS}/${blob.digest}`));
      await pushBlob(registry, REPOSITORY, blob);
      await assertBlob(registry, `${BLOBS}/${blob.digest}`, blob);
    }
  });

  clause(`end-10: deleting a blob that is not there MUST be 404 (${algorithm})`, async (registry) => {
    await push(registry, REPOSITORY, image(), "v1");
    const blob = content(10, "", algorithm);
    const answer = await expect(404, registry.ask("DELETE", `${BLOBS}/${blob.digest}`));
    assert.deepEqual(answer.codes(), ["BLOB_UNKNOWN"]);
  });
}

clause("end-9: deleting in a repository that does not exist MUST be 404", async ({ ask }) => {
  await expect(404, ask("DELETE", `/v2/conformance/nothing/manifests/${content(1).digest}`));
  await expect(404, ask("DELETE", "/v2/conformance/nothing/manifests/v1"));
});

clause("end-9: deleting a tag or a manifest that is not there is 404", async (registry) => {
  const pushed = image();
  await push(registry, REPOSITORY, pushed, "v1");
  await expect(404, registry.ask("DELETE", `${MANIFESTS}/v2`));
  await expect(404, registry.ask("DELETE", `${MANIFESTS}/${content(1).digest}`));
  await expect(202, registry.ask("DELETE", `${MANIFESTS}/${pushed.root.digest}`));
  await expect(404, registry.ask("DELETE", `${MANIFESTS}/${pushed.root.digest}`));
});

clause("end-9: a tag of another repository is not deleted", async (registry) => {
  const pushed = image();
  await push(registry, REPOSITORY, pushed, "v1");
  await push(registry, "conformance/other", pushed, "v1");
  await expect(202, registry.ask("DELETE", `${MANIFESTS}/${pushed.root.digest}`));
  await expect(404, registry.ask("GET", `${MANIFESTS}/v1`));
  await assertManifest(registry, "conformance/other", "v1", pushed.root);
});

clause("end-9: what was deleted can be pushed again", async (registry) => {
  const pushed = image();
  for (let i = 0; i < 2; i++) {
    await push(registry, REPOSITORY, pushed, "v1");
    await assertManifest(registry, REPOSITORY, "v1", pushed.root);
    await expect(202, registry.ask("DELETE", `${MANIFESTS}/${pushed.root.digest}`));
  }
});

clause("end-9: a digest or tag that is none is refused", async ({ ask }) => {
  for (const reference of ["sha256:abc", ".x", "x".repeat(129)]) {
    await expect([400, 404], ask("DELETE", `${MANIFESTS}/${reference}`));
    await expect([400, 404], ask("DELETE", `${BLOBS}/${reference}`));
  }
});

clause(
  "end-9, end-10: what a manifest needs stays while it is there: 405, as where deletion is disabled",
  async (registry) => {
    const child = image();
    const parent = index([child]);
    await push(registry, REPOSITORY, parent, "v1");
    await expect(201, putManifest(registry, REPOSITORY, "child", child.root));
    await expect(405, registry.ask("DELETE", `${MANIFESTS}/${child.root.digest}`));
    await assertManifest(registry, REPOSITORY, "child", child.root);
    for (const blob of child.blobs) await expect(405, registry.ask("DELETE", `${BLOBS}/${blob.digest}`));
    await assertManifest(registry, REPOSITORY, child.root.digest, child.root);
    await expect(202, registry.ask("DELETE", `${MANIFESTS}/child`));
    await expect(202, registry.ask("DELETE", `${MANIFESTS}/${parent.root.digest}`));
    for (const blob of child.blobs) await expect([202, 404], registry.ask("DELETE", `${BLOBS}/${blob.digest}`));
  },
);

clause(
  "end-9: a manifest that another repository has under a tag is taken from this one alone, and can be read",
  async (registry) => {
    const shared = image();
    for (const name of [REPOSITORY, OTHER]) await push(registry, name, shared, "v1");
    await expect(202, registry.ask("DELETE", `${MANIFESTS}/${shared.root.digest}`));
    await expect(404, registry.ask("GET", `${MANIFESTS}/v1`));
    for (const name of [REPOSITORY, OTHER]) await assertManifest(registry, name, shared.root.digest, shared.root);
    await expect(404, registry.ask("DELETE", `${MANIFESTS}/${shared.root.digest}`));
    await expect(202, registry.ask("DELETE", `/v2/${OTHER}/manifests/${shared.root.digest}`));
    await expect(404, registry.ask("GET", `${MANIFESTS}/${shared.root.digest}`));
  },
);

clause("end-9: what refers to a deleted manifest does not bring it back", async (registry) => {
  const subject = image();
  await push(registry, REPOSITORY, subject, "v1");
  const members = { subject: describe(subject.root), artifactType: "application/vnd.example.note" };
  const note = image({ config: emptyJson(), members });
  await push(registry, REPOSITORY, note);
  await expect(202, registry.ask("DELETE", `${MANIFESTS}/${subject.root.digest}`));
  await expect(404, registry.ask("GET", `${MANIFESTS}/${subject.root.digest}`));
  await expect(200, registry.ask("GET", `/v2/${REPOSITORY}/referrers/${subject.root.digest}`));
});

Deno.test("end-4 to end-11: where nothing can be written, pushing and deleting MUST be 400 or 405, and reading works", async () => {
  await withRegistry([], async (registry) => {
    const { digest, bytes } = content(10);
    const uploads = `/v2/${REPOSITORY}/blobs/uploads/`;
    for (
      const [method, path] of [
        ["POST", uploads],
        ["POST", `${uploads}?digest=${digest}`],
        ["POST", `${uploads}?mount=${digest}&from=a/b`],
        ["PATCH", `${uploads}${crypto.randomUUID()}`],
        ["PUT", `${uploads}${crypto.randomUUID()}?digest=${digest}`],
        ["PUT", `${MANIFESTS}/v1`],
        ["DELETE", `${MANIFESTS}/v1`],
        ["DELETE", `${MANIFESTS}/${digest}`],
        ["DELETE", `${BLOBS}/${digest}`],
      ]
    ) {
      const body = method === "DELETE" ? undefined : bytes;
      const answer = await expect([400, 405], registry.ask(method, path, { body }));
      assert.deepEqual(answer.codes(), ["UNSUPPORTED"], `${method} ${path}`);
    }
    await expect(200, registry.ask("GET", "/v2/"));
    await expect(200, registry.ask("GET", `/v2/${REPOSITORY}/referrers/${digest}`));
  });
});

Deno.test("errors: a method that an endpoint does not have is 405 UNSUPPORTED, with those that it has", async () => {
  await withRegistry([], async (registry) => {
    for (const path of ["/v2/", "/v2/_catalog", `/v2/${REPOSITORY}/tags/list`, `/v2/${REPOSITORY}/referrers/x`]) {
      const answer = await expect(405, registry.ask("POST", path));
      assert.deepEqual(answer.codes(), ["UNSUPPORTED"]);
      assert.equal(answer.headers.get("Allow"), "GET, HEAD");
    }
  });
});
