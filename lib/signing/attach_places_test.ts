import assert from "node:assert/strict";
import { contentOf, type Source, type Target } from "../content/mod.ts";
import { type Descriptor, digestOf, MediaType, parseReference } from "../oci/mod.ts";
import type { Artifact } from "../plugin/contract.ts";
import { fakeRegistry } from "../registry/_fake_registry.ts";
import { repositoryAt } from "../registry/_server.ts";
import { scratch } from "../store/_testing.ts";
import { attachArtifact, collectArtifacts } from "./mod.ts";

const CONFIG = new TextEncoder().encode("{}");
const IMAGE = parseReference("registry.example/team/app:v1");

/** How many sign at the same time. */
const SIGNERS = 6;

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Puts an image into a repository. */
async function pushImage(target: Target): Promise<Descriptor> {
  const config = descriptorOf(MediaType.empty, CONFIG);
  const json = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [] };
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const image = descriptorOf(MediaType.ociManifest, bytes);
  await target.prepare();
  await target.push(config, contentOf(CONFIG));
  await target.push(image, contentOf(bytes));
  await target.commit({
    manifests: [{ descriptor: image }],
    blobs: [config],
    names: [{ tag: "v1", descriptor: image, bytes }],
  });
  return image;
}

function signature(number: number, tag: string | undefined): Artifact {
  return {
    artifactType: "application/vnd.example.signature",
    layers: [{ mediaType: "text/plain", data: btoa("payload"), annotations: { signature: `${number}` } }],
    annotations: { number: `${number}` },
    ...(tag !== undefined && { tag }),
  };
}

/** Everybody signs at once, each with an own view of one place; what each of them has attached has to be there at the end. */
async function signAtOnce(open: () => Source & Target, kind: "tag" | "referrer"): Promise<void> {
  const subject = await pushImage(open());
  const tag = kind === "tag" ? `${subject.digest.replace(":", "-")}.sig` : undefined;
  await Promise.all(Array.from({ length: SIGNERS }, async (_, number) => {
    const place = open();
    await attachArtifact({ source: place, target: place, subject }, signature(number, tag));
  }));
  const found = await collectArtifacts(open(), subject);
  assert.deepEqual(found.map((each) => each.tag), tag === undefined ? Array(SIGNERS).fill(undefined) : [tag]);
  assert.equal(found.flatMap(({ layers }) => layers).length, SIGNERS);
}

for (const kind of ["tag", "referrer"] as const) {
  Deno.test(`in a store nothing is lost of what several attach at once: ${kind}`, async () => {
    using folder = scratch();
    await signAtOnce(() => folder.open().repository(IMAGE), kind);
  });

  for (const etags of [true, false]) {
    const registry = etags ? "a registry with ETags" : "a registry without ETags";

    Deno.test(`in ${registry} nothing is lost of what several attach at once: ${kind}`, async () => {
      await using server = await fakeRegistry({ etags });
      await signAtOnce(() => repositoryAt(server), kind);
    });
  }
}

Deno.test("a name of a store that somebody else has set meanwhile stays as it is", async () => {
  using folder = scratch();
  const store = folder.open().repository(IMAGE);
  const image = await pushImage(store);
  const bytes = new TextEncoder().encode("{}");
  const other = { manifests: [], blobs: [], names: [{ tag: "v1", descriptor: image, bytes, replaces: null }] };
  await assert.rejects(store.commit(other), { code: "content-lost", message: /was set by somebody else/ });
  await store.commit({ ...other, names: [{ ...other.names[0], tag: "v2" }] });
  await store.commit({ ...other, names: [{ ...other.names[0], replaces: image.digest }] });
});
