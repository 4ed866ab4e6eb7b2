import assert from "node:assert/strict";
import {
  assertHolds,
  attachmentTag,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  type Outcome,
  pushImage,
  readManifest,
  type Registry,
  satchel,
  type Scratch,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";

/** Two registries, a scratch folder, and a gadget with a signature and an SBOM on the first of them. */
export interface Ends extends AsyncDisposable {
  scratch: Scratch;
  near: Registry;
  far: Registry;
  gadget: Image;
  signature: Image;
  sbom: Image;
  /** Where the gadget is: `127.0.0.1:<port>/team/app:v1`. */
  name: string;
  store: string;
  /** Runs `satchel image copy` with the store and both registries. */
  copy(...args: string[]): Promise<Outcome>;
}

/** Starts two registries and puts a gadget on the first one. */
export async function startEnds(): Promise<Ends> {
  const scratch = await scratchFolder();
  const [near, far] = await Promise.all([startRegistry(), startRegistry()]);
  const gadget = makeGadget();
  const signature = makeCosignSignature(gadget.root);
  const sbom = makeReferrer(gadget.root, { artifactType: "application/example.sbom", payload: "a list" });
  await pushImage(near, "team/app", "v1", gadget);
  await pushImage(near, "team/app", attachmentTag(gadget.root.digest, ".sig"), signature);
  await pushImage(near, "team/app", undefined, sbom);
  await pushFallback(near, gadget, sbom);
  const store = scratch.at("store");
  const insecure = ["--insecure-registries", `${near.host},${far.host}`];
  return {
    scratch,
    near,
    far,
    gadget,
    signature,
    sbom,
    name: `${near.host}/team/app:v1`,
    store,
    copy: (...args) => satchel(["image", "copy", ...args, ...insecure], { store, cwd: scratch.path }),
    async [Symbol.asyncDispose]() {
      await Promise.all([near[Symbol.asyncDispose](), far[Symbol.asyncDispose]()]);
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** This registry has no referrers API, so the list of them is an index under a tag. */
async function pushFallback(registry: Registry, { root }: Image, sbom: Image): Promise<void> {
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{
      mediaType: sbom.root.mediaType,
      digest: sbom.root.digest,
      size: sbom.root.bytes.length,
      artifactType: "application/example.sbom",
    }],
  };
  const response = await registry.fetch(`/v2/team/app/manifests/${attachmentTag(root.digest)}`, {
    method: "PUT",
    headers: { "content-type": index.mediaType },
    body: JSON.stringify(index),
  });
  await response.body?.cancel();
  if (response.status !== 201) throw new Error(`The list of referrers was not taken: ${response.status}`);
}

/** The repositories that a registry has. */
export async function catalog(registry: Registry): Promise<string[]> {
  const response = await registry.fetch("/v2/_catalog");
  return (await response.json()).repositories;
}

/** Checks that a registry has the gadget whole, and what refers to it. */
export async function assertHoldsAll(
  { gadget, signature, sbom }: Pick<Ends, "gadget" | "signature" | "sbom">,
  registry: Registry,
  repository: string,
  tag: string,
): Promise<void> {
  await assertHolds(registry, repository, tag, gadget);
  await assertHolds(registry, repository, attachmentTag(gadget.root.digest, ".sig"), signature);
  const list = await readManifest(registry, repository, attachmentTag(gadget.root.digest));
  assert.deepEqual((list?.json.manifests as { digest: string }[]).map(({ digest }) => digest), [sbom.root.digest]);
  await assertHolds(registry, repository, sbom.root.digest, sbom);
}
