import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MemoryRepository } from "../content/mod.ts";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import { collectArtifacts } from "./mod.ts";

const EMPTY_CONFIG = "application/vnd.oci.empty.v1+json";

interface Place {
  repository: MemoryRepository;
  subject: Descriptor;
}

function place(): Place {
  const repository = new MemoryRepository();
  const config = repository.add(EMPTY_CONFIG, "{}");
  const subject = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] }, "v1");
  return { repository, subject };
}

function refer({ repository, subject }: Place, layers: Descriptor[], tag?: string, members: object = {}): Descriptor {
  const config = repository.add(EMPTY_CONFIG, "{}");
  return repository.addManifest({
    mediaType: MediaType.ociManifest,
    artifactType: "application/x.signature",
    config,
    layers,
    ...(tag === undefined && { subject }),
    ...members,
  }, tag);
}

/** What is found, and what is told of what could not be read. */
async function collect({ repository, subject }: Place) {
  const warnings: string[] = [];
  const found = await collectArtifacts(repository, subject, { onWarning: (message) => warnings.push(message) });
  return { found, warnings };
}

Deno.test("what refers to an image comes with its layers, without its config", async () => {
  const at = place();
  const tag = `${at.subject.digest.replace(":", "-")}.sig`;
  const layer = at.repository.add("text/plain", "signed");
  refer(at, [layer]);
  refer(at, [layer], tag);
  const { found } = await collect(at);
  assert.deepEqual(found.map((each) => each.tag), [undefined, tag]);
  for (const { layers } of found) {
    assert.deepEqual(layers, [{ descriptor: layer, data: Buffer.from("signed").toString("base64") }]);
  }
});

Deno.test("what is tied by its subject and by a tag is one", async () => {
  const at = place();
  const tag = `${at.subject.digest.replace(":", "-")}.sig`;
  const { digest } = refer(at, []);
  at.repository.names.set(tag, digest);
  const { found } = await collect(at);
  assert.deepEqual(found.map((each) => [each.descriptor.digest, each.tag]), [[digest, tag]]);
});

Deno.test("a layer that is larger than a signature can be comes without its content", async () => {
  const at = place();
  const large = at.repository.add("text/plain", new Uint8Array(1024 * 1024 + 1));
  refer(at, [large, at.repository.add("text/plain", "small")]);
  const { found: [{ layers }] } = await collect(at);
  assert.deepEqual(layers.map(({ data }) => data !== undefined), [false, true]);
});

Deno.test("what is damaged or missing is told, and spoils nothing else", async () => {
  const at = place();
  const damaged = at.repository.add("text/plain", "damaged");
  at.repository.contents.get(damaged.digest)!.bytes = new TextEncoder().encode("changed");
  const missing = at.repository.add("text/plain", "missing");
  at.repository.contents.delete(missing.digest);
  const good = refer(at, [at.repository.add("text/plain", "good")]);
  for (const layer of [damaged, missing]) refer(at, [layer]);
  const { found, warnings } = await collect(at);
  assert.deepEqual(found.map(({ descriptor }) => descriptor.digest), [good.digest]);
  assert.equal(warnings.length, 2);
  assert.ok(warnings.every((warning) => warning.startsWith("What refers to the image could not be read: ")));
});

Deno.test("a thousand that refer to one image are read, and one more is refused", async () => {
  const at = place();
  for (let number = 0; number < 1000; number++) refer(at, [], undefined, { annotations: { number: `${number}` } });
  assert.equal((await collect(at)).found.length, 1000);
  refer(at, [], undefined, { annotations: { number: "1000" } });
  await assert.rejects(collect(at), { code: "invalid", message: /more than 1000 manifests refer to sha256:/ });
});

Deno.test("what they have all together is bounded, whatever the sizes are said to be", async () => {
  const at = place();
  const layers = Array.from({ length: 65 }, (_, number) => {
    const bytes = new Uint8Array(1024 * 1024);
    bytes[0] = number;
    return at.repository.add("text/plain", bytes);
  });
  refer(at, layers);
  await assert.rejects(collect(at), { code: "invalid", message: /has more than 64 MiB/ });
});

Deno.test("a layer that is there many times is fetched once, and counts each time", async () => {
  const at = place();
  const layer = at.repository.add("text/plain", "payload");
  refer(at, Array.from({ length: 500 }, () => layer));
  let fetches = 0;
  const fetch = at.repository.fetch.bind(at.repository);
  at.repository.fetch = (content, options) => {
    if (content.digest === layer.digest) fetches++;
    return fetch(content, options);
  };
  const { found: [{ layers }] } = await collect(at);
  assert.deepEqual([layers.length, fetches], [500, 1]);
  assert.ok(layers.every(({ data }) => data === Buffer.from("payload").toString("base64")));
});

Deno.test("how much is fetched is bounded, however small it is", async () => {
  const at = place();
  const layers = Array.from({ length: 4000 }, (_, number) => at.repository.add("text/plain", `${number}`));
  refer(at, layers.slice(1));
  assert.equal((await collect(at)).found.length, 1);
  refer(at, layers.slice(0, 1));
  await assert.rejects(collect(at), { code: "invalid", message: /has more than 4000 manifests and layers/ });
});
