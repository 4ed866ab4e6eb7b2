import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Commit, MemoryRepository } from "../content/mod.ts";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import type { Artifact } from "../plugin/contract.ts";
import { attachArtifact, collectArtifacts } from "./mod.ts";

const EMPTY_CONFIG = "application/vnd.oci.empty.v1+json";
const PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json";

interface Place {
  repository: MemoryRepository;
  subject: Descriptor;
}

function place(repository = new MemoryRepository()): Place {
  const config = repository.add(EMPTY_CONFIG, "{}");
  const subject = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] }, "v1");
  return { repository, subject };
}

function tagOf({ subject }: Place): string {
  return `${subject.digest.replace(":", "-")}.sig`;
}

/** A signature as cosign ties it to an image by a tag: the same payload each time, and an annotation of its own. */
function signature(at: Place, text: string): Artifact {
  return {
    artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
    layers: [{ mediaType: PAYLOAD, data: btoa("payload"), annotations: { signature: text } }],
    tag: tagOf(at),
  };
}

const NOTE: Artifact = {
  artifactType: "text/plain",
  layers: [{ mediaType: "text/plain", data: btoa("hello") }],
  annotations: { title: "note" },
};

function attach({ repository, subject }: Place, artifact: Artifact) {
  return attachArtifact({ source: repository, target: repository, subject }, artifact);
}

function manifestOf({ repository }: Place, { digest }: Descriptor) {
  return JSON.parse(new TextDecoder().decode(repository.contents.get(digest)!.bytes));
}

function signaturesOf(at: Place): string[] {
  const tagged = { digest: at.repository.names.get(tagOf(at))! } as Descriptor;
  return manifestOf(at, tagged).layers.map((layer: Descriptor) => layer.annotations!.signature);
}

Deno.test("what is attached without a tag refers to the image, and is found with its content", async () => {
  const at = place();
  const made = await attach(at, NOTE);
  const { mediaType, digest, size } = at.subject;
  const { artifactType, annotations, subject, config } = manifestOf(at, made);
  assert.deepEqual(
    [artifactType, annotations, subject, config.mediaType],
    ["text/plain", NOTE.annotations, { mediaType, digest, size }, EMPTY_CONFIG],
  );
  const [found] = await collectArtifacts(at.repository, at.subject);
  assert.equal(found.descriptor.digest, made.digest);
  assert.equal(Buffer.from(found.layers[0].data!, "base64").toString(), "hello");
});

Deno.test("attaching the same again makes the same manifest", async () => {
  const at = place();
  assert.deepEqual(await attach(at, NOTE), await attach(at, NOTE));
});

Deno.test("what is attached by a tag has a config that lists its layers, as cosign's has", async () => {
  const at = place();
  await attach(at, signature(at, "one"));
  const made = await attach(at, signature(at, "two"));
  const { config, layers } = manifestOf(at, made);
  const { rootfs, history } = manifestOf(at, config);
  assert.deepEqual(rootfs.diff_ids, layers.map(({ digest }: Descriptor) => digest));
  assert.equal(history.length, 2);
});

Deno.test("signatures by one tag add up, and one that is there already is not added again", async () => {
  const at = place();
  await attach(at, signature(at, "one"));
  const two = await attach(at, signature(at, "two"));
  assert.deepEqual(await attach(at, signature(at, "one")), two);
  assert.deepEqual(signaturesOf(at), ["one", "two"]);
});

Deno.test("a manifest that another tool wrote by the tag keeps what it has", async () => {
  const at = place();
  const config = at.repository.add("application/json", "[]");
  const layer = { ...at.repository.add(PAYLOAD, "payload"), annotations: { signature: "theirs" } };
  at.repository.addManifest(
    { mediaType: MediaType.ociManifest, config, layers: [layer], annotations: { by: "them" }, extra: [1] },
    tagOf(at),
  );
  const made = manifestOf(at, await attach(at, signature(at, "ours")));
  assert.deepEqual([made.annotations, made.extra, made.config], [{ by: "them" }, [1], config]);
  assert.deepEqual(signaturesOf(at), ["theirs", "ours"]);
});

Deno.test("signatures that others attach in the same moment stay", async () => {
  /** Somebody else gets in between each time, as often as there are signatures left. */
  class Busy extends MemoryRepository {
    readonly others = ["b", "c"];
    override async commit(commit: Commit): Promise<void> {
      const other = this.others.pop();
      if (other) await attach({ ...at }, signature(at, other));
      return await super.commit(commit);
    }
  }
  const at: Place = place(new Busy());
  await attach(at, signature(at, "a"));
  assert.deepEqual(signaturesOf(at).sort(), ["a", "b", "c"]);
});

Deno.test("where others keep on setting the tag, attaching ends with an error", async () => {
  class Restless extends MemoryRepository {
    override commit({ names: [{ tag }] }: Commit): Promise<void> {
      const config = this.add(EMPTY_CONFIG, "{}");
      this.addManifest({ mediaType: MediaType.ociManifest, config, layers: [], n: this.contents.size }, tag);
      return super.commit({ manifests: [], blobs: [], names: [{ tag, replaces: null }] } as unknown as Commit);
    }
  }
  const at = place(new Restless());
  await assert.rejects(attach(at, signature(at, "a")), { code: "content-lost" });
});

Deno.test("a tag whose manifest is gone is set anew", async () => {
  const at = place();
  await attach(at, signature(at, "lost"));
  const digest = at.repository.names.get(tagOf(at))!;
  const resolve = at.repository.resolve.bind(at.repository);
  const lost = { descriptor: (await resolve(tagOf(at))).descriptor };
  at.repository.contents.delete(digest);
  at.repository.resolve = (reference) => reference === tagOf(at) ? Promise.resolve(lost) : resolve(reference);
  await attach(at, signature(at, "new"));
  assert.deepEqual(signaturesOf(at), ["new"]);
});

Deno.test("what is no image manifest is not added to", async () => {
  const at = place();
  at.repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [] }, tagOf(at));
  await assert.rejects(attach(at, signature(at, "a")), { code: "invalid", message: /is no image manifest/ });
});

Deno.test("a tag that is none is refused", async () => {
  const at = place();
  await assert.rejects(attach(at, { ...NOTE, tag: "../v1" }), { code: "invalid", message: /is no tag/ });
});
