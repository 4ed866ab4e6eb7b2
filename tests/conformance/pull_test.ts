import assert from "node:assert/strict";
import { ALGORITHMS, content, digestOf, image, index, TYPE } from "./content.ts";
import { assertManifest, clause, expect, push, pushBlob, putManifest } from "./registry.ts";

// distribution-spec 1.1, "Pull".

const REPOSITORY = "conformance/pull";

clause("end-1: GET /v2/ is 200", async ({ ask }) => {
  await expect(200, ask("GET", "/v2/"));
});

for (const algorithm of ALGORITHMS) {
  clause(
    `end-2: a blob MUST be answered with 200 and its bytes, and SHOULD be named (${algorithm})`,
    async (registry) => {
      for (const blob of [content(5000, "", algorithm), content("{}", "", algorithm), content("", "", algorithm)]) {
        await pushBlob(registry, REPOSITORY, blob);
        const { bytes, headers } = await expect(200, registry.ask("GET", `/v2/${REPOSITORY}/blobs/${blob.digest}`));
        assert.deepEqual(bytes, blob.bytes);
        assert.equal(headers.get("Docker-Content-Digest"), blob.digest);
        assert.equal(headers.get("Content-Length"), String(blob.bytes.length));
      }
    },
  );

  clause(`end-2: HEAD of a blob MUST be 200, and SHOULD have its digest and size (${algorithm})`, async (registry) => {
    for (const blob of [content(5000, "", algorithm), content("", "", algorithm)]) {
      await pushBlob(registry, REPOSITORY, blob);
      const { bytes, headers } = await expect(200, registry.ask("HEAD", `/v2/${REPOSITORY}/blobs/${blob.digest}`));
      assert.equal(bytes.length, 0);
      assert.equal(headers.get("Docker-Content-Digest"), blob.digest);
      assert.equal(headers.get("Content-Length"), String(blob.bytes.length));
    }
  });

  clause(`end-2: a blob that is not there MUST be 404 (${algorithm})`, async ({ ask }) => {
    const { digest } = content(10, "", algorithm);
    await expect(404, ask("HEAD", `/v2/${REPOSITORY}/blobs/${digest}`));
    const answer = await expect(404, ask("GET", `/v2/${REPOSITORY}/blobs/${digest}`));
    assert.deepEqual(answer.codes(), ["BLOB_UNKNOWN"]);
  });

  clause(`end-2: parts of a blob SHOULD be had by Range, as RFC 9110 has it (${algorithm})`, async (registry) => {
    const blob = content(2048, "", algorithm);
    await pushBlob(registry, REPOSITORY, blob);
    const path = `/v2/${REPOSITORY}/blobs/${blob.digest}`;
    for (const [range, start, end] of [["500-1499", 500, 1500], ["500-", 500, 2048], ["-500", 1548, 2048]] as const) {
      const { bytes, headers } = await expect(206, registry.ask("GET", path, { headers: { Range: `bytes=${range}` } }));
      assert.deepEqual(bytes, blob.bytes.slice(start, end));
      assert.equal(headers.get("Content-Range"), `bytes ${start}-${end - 1}/2048`);
      assert.equal(headers.get("Content-Length"), String(end - start));
    }
    const beyondEnd = await expect(206, registry.ask("GET", path, { headers: { Range: "bytes=2000-5000" } }));
    assert.equal(beyondEnd.headers.get("Content-Range"), "bytes 2000-2047/2048");
    for (const range of ["5000-10000", "2048-", "500-0"]) {
      const refused = await expect(416, registry.ask("GET", path, { headers: { Range: `bytes=${range}` } }));
      assert.equal(refused.headers.get("Content-Range"), "bytes */2048");
    }
    const { headers } = await registry.ask("HEAD", path);
    assert.equal(headers.get("Accept-Ranges"), "bytes");
  });
}

clause("end-2: what a client has already is not sent again", async (registry) => {
  const blob = content(100);
  await pushBlob(registry, REPOSITORY, blob);
  const path = `/v2/${REPOSITORY}/blobs/${blob.digest}`;
  const etag = (await registry.ask("HEAD", path)).headers.get("ETag")!;
  const again = await expect(304, registry.ask("GET", path, { headers: { "If-None-Match": etag } }));
  assert.equal(again.bytes.length, 0);
  await expect(200, registry.ask("GET", path, { headers: { "If-None-Match": `"${digestOf(content(1).bytes)}"` } }));
});

clause("end-2: a digest that is none is refused", async ({ ask }) => {
  for (
    const digest of ["sha256:abc", "sha256:" + "z".repeat(64), "sha256:" + "A".repeat(64), "md5:" + "a".repeat(32)]
  ) {
    const answer = await expect([400, 404], ask("GET", `/v2/${REPOSITORY}/blobs/${digest}`));
    assert.deepEqual(answer.codes(), ["DIGEST_INVALID"]);
  }
});

for (const algorithm of ALGORITHMS) {
  clause(
    `end-3: a manifest MUST be answered with 200 and its bytes, by digest and by tag, and SHOULD be named (${algorithm})`,
    async (registry) => {
      const pushed = image({ algorithm });
      await push(registry, REPOSITORY, pushed);
      const path = `/v2/${REPOSITORY}/manifests`;
      const byDigest = await expect(200, registry.ask("GET", `${path}/${pushed.root.digest}`));
      assert.deepEqual(byDigest.bytes, pushed.root.bytes);
      assert.equal(byDigest.headers.get("Docker-Content-Digest"), pushed.root.digest);
      await expect(201, putManifest(registry, REPOSITORY, "v1", pushed.root));
      const byTag = await expect(200, registry.ask("GET", `${path}/v1`));
      assert.deepEqual(byTag.bytes, pushed.root.bytes);
      // By a tag it is named by the algorithm that the registry prefers.
      assert.equal(byTag.headers.get("Docker-Content-Digest"), digestOf(pushed.root.bytes));
    },
  );

  clause(
    `end-3: HEAD of a manifest MUST be 200, and SHOULD have its digest and size (${algorithm})`,
    async (registry) => {
      const { root, ...rest } = image({ algorithm });
      await push(registry, REPOSITORY, { root, ...rest });
      const { bytes, headers } = await expect(200, registry.ask("HEAD", `/v2/${REPOSITORY}/manifests/${root.digest}`));
      assert.equal(bytes.length, 0);
      assert.equal(headers.get("Docker-Content-Digest"), root.digest);
      assert.equal(headers.get("Content-Length"), String(root.bytes.length));
    },
  );

  clause(`end-3: a manifest that is not there MUST be 404 (${algorithm})`, async (registry) => {
    await push(registry, REPOSITORY, image(), "v1");
    const { digest } = content(10, "", algorithm);
    for (const reference of [digest, "v2"]) {
      await expect(404, registry.ask("HEAD", `/v2/${REPOSITORY}/manifests/${reference}`));
      const answer = await expect(404, registry.ask("GET", `/v2/${REPOSITORY}/manifests/${reference}`));
      assert.deepEqual(answer.codes(), ["MANIFEST_UNKNOWN"]);
    }
  });
}

clause(
  "end-3: the type of a manifest SHOULD be the one that it was pushed with, without parameters",
  async (registry) => {
    const docker = image({
      mediaType: TYPE.dockerManifest,
      config: content("{}", TYPE.dockerConfig),
      layers: [content(10, TYPE.dockerLayer)],
    });
    for (
      const [tag, pushed] of [
        ["image", image()],
        ["index", index([image()])],
        ["docker", docker],
        ["list", index([docker], { mediaType: TYPE.dockerList })],
      ] as const
    ) {
      await push(registry, REPOSITORY, pushed, tag);
      for (const accept of [pushed.root.mediaType, "*/*", `${TYPE.index}, ${TYPE.manifest}`]) {
        const answer = await registry.ask("GET", `/v2/${REPOSITORY}/manifests/${tag}`, { headers: { Accept: accept } });
        assert.equal(answer.headers.get("Content-Type"), pushed.root.mediaType);
      }
    }
  },
);

clause("end-3: what a repository that does not exist is asked for MUST be 404", async ({ ask }) => {
  for (const rest of ["manifests/v1", `manifests/${content(1).digest}`, `blobs/${content(1).digest}`]) {
    await expect(404, ask("GET", `/v2/conformance/nothing/${rest}`));
    await expect(404, ask("HEAD", `/v2/conformance/nothing/${rest}`));
  }
});

clause("end-3: a tag MUST have at most 128 characters of its alphabet", async (registry) => {
  const pushed = image();
  const longest = "_.-aZ09_".repeat(16);
  await push(registry, REPOSITORY, pushed, longest);
  await assertManifest(registry, REPOSITORY, longest, pushed.root);
  for (const tag of [`${longest}x`, ".v1", "-v1", "v%2B1", "v1%20", "v%C3%A4"]) {
    await expect([400, 404], registry.ask("GET", `/v2/${REPOSITORY}/manifests/${tag}`));
    await expect(400, putManifest(registry, REPOSITORY, tag, pushed.root));
  }
});

clause("end-3: names of repositories MUST be of their form; others are refused", async (registry) => {
  const pushed = image();
  for (const name of ["a", "a/b/c/d/e/f", "a_b/c__d/e---f/g.h", "0/1"]) {
    await push(registry, name, pushed, "v1");
    await assertManifest(registry, name, "v1", pushed.root);
  }
  for (const name of ["A", "a/B", "a/_b", "a/b_", "a/b..c", "a/b___c", "a//b", "a/%C3%A4", "a/b%20c"]) {
    const answer = await expect([400, 404], registry.ask("GET", `/v2/${name}/manifests/v1`));
    assert.deepEqual(answer.codes(), ["NAME_INVALID"], name);
    await expect([400, 404], putManifest(registry, name, "v1", pushed.root));
  }
});
