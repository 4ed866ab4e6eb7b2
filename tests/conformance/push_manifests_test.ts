import assert from "node:assert/strict";
import { ALGORITHMS, content, describe, digestOf, emptyJson, image, index, type Pushable, TYPE } from "./content.ts";
import { assertBlob, assertManifest, clause, expect, locationOf, push, pushBlob, putManifest } from "./registry.ts";

// distribution-spec 1.1, "Pushing Manifests".

const REPOSITORY = "conformance/push";
const MANIFESTS = `/v2/${REPOSITORY}/manifests`;

/** A descriptor of something that nobody pushes. */
const nowhere = (mediaType: string) => describe(content(100, mediaType));

/** What clients push. */
const KINDS: Readonly<Record<string, () => Pushable>> = {
  "an image": () => image(),
  "an image with a layer that is not compressed": () => image({ layers: [content(100, TYPE.plainLayer)] }),
  "an image of sha512": () => image({ algorithm: "sha512" }),
  "an image without layers": () => image({ layers: [] }),
  "an image with an empty blob as a layer": () => image({ layers: [content("", TYPE.plainLayer)] }),
  "an image whose manifest does not say its type": () => image({ members: { mediaType: undefined } }),
  "an image with the same layer twice": () => {
    const layer = content(100);
    return image({ layers: [layer, layer] });
  },
  "an image with layers that may not be distributed": () => {
    const layer = content(100);
    const foreign = { ...nowhere(TYPE.foreignLayer), urls: ["https://layers.example.org/1"] };
    return image({ layers: [layer], members: { layers: [foreign, describe(layer)] } });
  },
  "an image with fields of its own": () =>
    image({
      config: content('{"architecture":"amd64","os":"linux","org.example":{"x":[1,2]}}', TYPE.config),
      members: { "org.example.custom": { nested: [1, "x", null] }, "annotations": { "org.example.a": "ä" } },
    }),
  "an image with data in its descriptors": () => {
    const config = emptyJson();
    const layer = content("hello", "text/plain");
    return image({
      config,
      layers: [layer],
      members: {
        artifactType: "application/vnd.example.data",
        config: { ...describe(config), data: btoa("{}") },
        layers: [{ ...describe(layer), data: btoa("hello") }],
      },
    });
  },
  "an artifact": () => image({ config: emptyJson(), members: { artifactType: "application/vnd.example.thing" } }),
  "an artifact without content": () =>
    image({ config: emptyJson(), layers: [emptyJson()], members: { artifactType: "application/vnd.example.thing" } }),
  "an artifact whose config says its type": () =>
    image({ config: content("{}", "application/vnd.example.thing.config") }),
  "an index": () => index([image(), image()]),
  "an index of sha512": () => index([image({ algorithm: "sha512" })], { algorithm: "sha512" }),
  "an index of nothing": () => index([]),
  "an index of an index": () => index([index([image()]), image()]),
  "an index that is an artifact": () =>
    index([image()], {
      members: { artifactType: "application/vnd.example.list", annotations: { "org.example.a": "b" } },
    }),
  "an image of Docker's": () =>
    image({
      mediaType: TYPE.dockerManifest,
      config: content("{}", TYPE.dockerConfig),
      layers: [content(100, TYPE.dockerLayer)],
    }),
  "a list of Docker's": () =>
    index([image({ mediaType: TYPE.dockerManifest, config: content("{}", TYPE.dockerConfig) })], {
      mediaType: TYPE.dockerList,
    }),
};

for (const [kind, make] of Object.entries(KINDS)) {
  clause(`end-7: ${kind} MUST be 201, and MUST be kept as it came`, async (registry) => {
    const pushed = make();
    await push(registry, REPOSITORY, pushed, "v1");
    await assertManifest(registry, REPOSITORY, "v1", pushed.root);
    const byDigest = await push(registry, REPOSITORY, pushed);
    assert.equal(byDigest.headers.get("Docker-Content-Digest"), pushed.root.digest);
    for (const manifest of [...pushed.manifests, pushed.root]) {
      await assertManifest(registry, REPOSITORY, manifest.digest, manifest);
      await expect(200, registry.ask("HEAD", `${MANIFESTS}/${manifest.digest}`));
    }
    for (const blob of pushed.blobs) await assertBlob(registry, `/v2/${REPOSITORY}/blobs/${blob.digest}`, blob);
  });
}

for (const algorithm of ALGORITHMS) {
  clause(
    `end-7: a pushed manifest MUST have a Location to pull it from, and its digest (${algorithm})`,
    async (registry) => {
      const { root, ...rest } = image({ algorithm });
      const byDigest = await push(registry, REPOSITORY, { root, ...rest });
      assert.equal(byDigest.headers.get("Docker-Content-Digest"), root.digest);
      const byTag = await expect(201, putManifest(registry, REPOSITORY, "v1", root));
      assert.equal(byTag.headers.get("Docker-Content-Digest"), digestOf(root.bytes));
      for (const answer of [byDigest, byTag]) {
        assert.deepEqual((await expect(200, registry.ask("GET", locationOf(answer)))).bytes, root.bytes);
      }
    },
  );

  clause(
    `end-7: a manifest under a digest that it does not have MUST NOT be taken (${algorithm})`,
    async (registry) => {
      const pushed = image({ algorithm });
      for (const blob of pushed.blobs) await pushBlob(registry, REPOSITORY, blob);
      const { digest } = content(10, "", algorithm);
      const refused = await expect(400, putManifest(registry, REPOSITORY, digest, pushed.root));
      assert.deepEqual(refused.codes(), ["DIGEST_INVALID"]);
      for (const each of [digest, pushed.root.digest]) await expect(404, registry.ask("HEAD", `${MANIFESTS}/${each}`));
    },
  );

  clause(
    `end-7: tags in the query of a push by digest are set, and answered in OCI-Tag (${algorithm})`,
    async (registry) => {
      const pushed = image({ algorithm });
      await push(registry, REPOSITORY, pushed, "v0");
      const reference = `${pushed.root.digest}?tag=v1&tag=v2`;
      const answer = await expect(201, putManifest(registry, REPOSITORY, reference, pushed.root));
      assert.equal(answer.headers.get("OCI-Tag"), "v1, v2");
      for (const tag of ["v1", "v2"]) await assertManifest(registry, REPOSITORY, tag, pushed.root);
    },
  );
}

clause("end-7: the exact bytes MUST be kept, whatever their form", async (registry) => {
  const { root, ...rest } = image();
  const json = JSON.parse(new TextDecoder().decode(root.bytes));
  const text = `\n ${JSON.stringify(Object.fromEntries(Object.entries(json).reverse()), null, "\t")} \r\n`;
  const odd = { ...rest, root: content(text, TYPE.manifest) };
  await push(registry, REPOSITORY, odd, "v1");
  await assertManifest(registry, REPOSITORY, "v1", odd.root);
});

clause("end-7: parameters of the Content-Type SHOULD be ignored", async (registry) => {
  const pushed = image();
  await push(registry, REPOSITORY, pushed);
  const headers = { "Content-Type": `${TYPE.manifest}; charset=utf-8` };
  await expect(201, registry.ask("PUT", `${MANIFESTS}/v1`, { headers, body: pushed.root.bytes }));
  await assertManifest(registry, REPOSITORY, "v1", pushed.root);
});

clause("end-7: a Content-Type that is not the manifest's own is refused", async (registry) => {
  const pushed = image();
  await push(registry, REPOSITORY, pushed);
  for (const type of [TYPE.index, TYPE.dockerManifest, "application/json"]) {
    const asked = { headers: { "Content-Type": type }, body: pushed.root.bytes };
    assert.deepEqual((await expect(400, registry.ask("PUT", `${MANIFESTS}/v1`, asked))).codes(), ["MANIFEST_INVALID"]);
  }
});

clause("end-7: what is no manifest is refused with MANIFEST_INVALID", async (registry) => {
  for (const text of ["", "{", "[]", "null", '"x"', "{}", '{"schemaVersion":2}', '{"schemaVersion":1,"layers":[]}']) {
    const refused = await expect(400, putManifest(registry, REPOSITORY, "v1", content(text, TYPE.manifest)));
    assert.deepEqual(refused.codes(), ["MANIFEST_INVALID"], text);
  }
  await expect(404, registry.ask("GET", `${MANIFESTS}/v1`));
});

clause("end-7: a reference that is neither tag nor digest is refused", async (registry) => {
  const pushed = image();
  await push(registry, REPOSITORY, pushed);
  for (const reference of ["sha256:abc", "md5:" + "a".repeat(32), ".x", "x".repeat(129)]) {
    await expect(400, putManifest(registry, REPOSITORY, reference, pushed.root));
  }
});

clause(
  "end-7: a manifest that is refused for a blob that is missing MUST be MANIFEST_BLOB_UNKNOWN",
  async (registry) => {
    for (const which of [0, 1]) {
      const pushed = image();
      const missing = pushed.blobs[which];
      await pushBlob(registry, REPOSITORY, pushed.blobs[1 - which]);
      for (const reference of ["v1", pushed.root.digest]) {
        const refused = await expect([400, 404], putManifest(registry, REPOSITORY, reference, pushed.root));
        assert.deepEqual(refused.codes(), ["MANIFEST_BLOB_UNKNOWN"]);
        assert.match(JSON.stringify(refused.json().errors[0].detail), new RegExp(missing.digest));
        await expect(404, registry.ask("GET", `${MANIFESTS}/${reference}`));
      }
    }
  },
);

clause(
  "end-7: an index that is refused for a manifest that is missing MUST be MANIFEST_BLOB_UNKNOWN",
  async (registry) => {
    const [first, second] = [image(), image()];
    await push(registry, REPOSITORY, first);
    const refused = await expect([400, 404], putManifest(registry, REPOSITORY, "v1", index([first, second]).root));
    assert.deepEqual(refused.codes(), ["MANIFEST_BLOB_UNKNOWN"]);
    assert.match(JSON.stringify(refused.json()), new RegExp(second.root.digest));
    assert.doesNotMatch(JSON.stringify(refused.json()), new RegExp(first.root.digest));
  },
);

clause("end-7: a manifest of 4 MB SHOULD be taken, and one over the limit SHOULD be 413", async (registry) => {
  const sized = (length: number) => {
    const { root } = image({ members: { annotations: { "org.example.long": "" } } });
    return image({ members: { annotations: { "org.example.long": "x".repeat(length - root.bytes.length) } } });
  };
  const large = sized(4 * 1000 * 1000);
  await push(registry, REPOSITORY, large, "v1");
  await assertManifest(registry, REPOSITORY, "v1", large.root);
  const largest = sized(4 * 1024 * 1024);
  await push(registry, REPOSITORY, largest, "v2");
  const tooLarge = sized(4 * 1024 * 1024 + 1);
  await expect(413, putManifest(registry, REPOSITORY, "v3", tooLarge.root));
});

clause("end-7: a tag is given to what was pushed last", async (registry) => {
  const [first, second] = [image(), image()];
  await push(registry, REPOSITORY, first, "v1");
  await push(registry, REPOSITORY, second, "v1");
  await assertManifest(registry, REPOSITORY, "v1", second.root);
  await assertManifest(registry, REPOSITORY, first.root.digest, first.root);
});

const WITH_SUBJECT: Readonly<Record<string, (members: Record<string, unknown>) => Pushable>> = {
  "an image": (members) => image({ members }),
  "an index": (members) => index([], { members }),
};

for (const [kind, make] of Object.entries(WITH_SUBJECT)) {
  clause(`end-7: ${kind} MUST be taken before its subject is there, and MUST have OCI-Subject`, async (registry) => {
    const subject = image();
    const pushed = make({ subject: describe(subject.root), artifactType: "application/vnd.example.note" });
    const before = await push(registry, REPOSITORY, pushed);
    assert.equal(before.headers.get("OCI-Subject"), subject.root.digest);
    await push(registry, REPOSITORY, subject, "v1");
    const after = await push(registry, REPOSITORY, pushed, "note");
    assert.equal(after.headers.get("OCI-Subject"), subject.root.digest);
    await assertManifest(registry, REPOSITORY, pushed.root.digest, pushed.root);
  });
}

clause("end-7: what has no subject has no OCI-Subject", async (registry) => {
  const answer = await push(registry, REPOSITORY, image(), "v1");
  assert.equal(answer.headers.get("OCI-Subject"), null);
});
