import { strict as assert } from "node:assert";
import {
  assertHolds,
  type Cosign,
  cosignWithKeys,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  type Registry,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  SIGNATURE_FORMATS,
  type SignatureFormat,
  startReferrersRegistry,
  startRegistry,
} from "../harness/mod.ts";

const KINDS = {
  "a registry with fallback tags": { peer: "registry", start: () => startRegistry() },
  "a registry with the referrers API": { peer: "referrers-registry", start: () => startReferrersRegistry() },
} as const;

/** What `archive inspect` calls cosign's formats. */
const INSPECTED: Record<SignatureFormat, string> = {
  tag: "cosign-tag",
  referrer: "cosign-referrer",
  bundle: "sigstore-bundle",
};

/** What refers to a manifest, by type and digest, and what refers to that. */
interface Referrers {
  [typeAndDigest: string]: Referrers;
}

/** What refers to `host/repository@digest`, as oras finds it. */
async function discover(image: string): Promise<Referrers> {
  const printed = await oras(["discover", "--plain-http", "--format", "json", image]);
  type Node = { digest: string; artifactType?: string; referrers?: Node[] };
  const tree = ({ referrers = [] }: Node): Referrers =>
    Object.fromEntries(referrers.map((node) => [`${node.artifactType} ${node.digest}`, tree(node)]).sort());
  return tree(JSON.parse(printed));
}

/** Lets oras attach a file to `host/repository@digest`; returns the digest of what it attached. */
async function attach(scratch: Scratch, image: string, type: string): Promise<string> {
  await Deno.writeTextFile(scratch.at("payload"), crypto.randomUUID());
  const flags = ["--plain-http", "--format", "json", "--artifact-type", type];
  return JSON.parse(await oras(["attach", ...flags, image, "payload"], { cwd: scratch.path })).digest;
}

/** Puts a gadget there, signed, with an SBOM, and with a referrer of that; returns it and its name by digest. */
async function publish(scratch: Scratch, registry: Registry, cosign: Cosign, format: SignatureFormat) {
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "v1", gadget);
  const repository = `${registry.host}/demo/gadget`;
  const image = `${repository}@${gadget.root.digest}`;
  await cosign.sign(image, format);
  const sbom = await attach(scratch, image, "application/spdx+json");
  await attach(scratch, `${repository}@${sbom}`, "application/example.review");
  return { gadget, image };
}

/** Carries an image from one registry to another by an archive, by way of two stores that know nothing of each other. */
async function carry(scratch: Scratch, from: Registry, to: Registry): Promise<string> {
  const [near, far] = [{ store: scratch.at("near") }, { store: scratch.at("far") }];
  const [source, target] = [`${from.host}/demo/gadget:v1`, `${to.host}/copies/gadget:v1`];
  const archive = scratch.at("x.tar");
  await satchelSucceeds(["image", "pull", source, "--insecure-registries", from.host], near);
  await satchelSucceeds(["image", "export", source, archive], near);
  await satchelSucceeds(["archive", "verify", archive], far);
  await satchelSucceeds(["image", "import", archive, "--tag", `${source}=${target}`], far);
  await satchelSucceeds(["image", "push", target, "--insecure-registries", to.host], far);
  await satchelSucceeds(["store", "check"], far);
  return archive;
}

for (const format of SIGNATURE_FORMATS) {
  for (const [fromKind, from] of Object.entries(KINDS)) {
    for (const [toKind, to] of Object.entries(KINDS)) {
      peerTest(
        [from.peer, to.peer, "cosign", "oras"],
        `an image with cosign's ${format} signature goes by archive from ${fromKind} to ${toKind}: it verifies there, and all else is there`,
        async () => {
          await using scratch = await scratchFolder();
          await using here = await from.start();
          await using there = await to.start();
          const cosign = await cosignWithKeys(scratch);
          const { gadget, image } = await publish(scratch, here, cosign, format);
          const archive = await carry(scratch, here, there);

          const copied = `${there.host}/copies/gadget@${gadget.root.digest}`;
          await assertHolds(there, "copies/gadget", "v1", gadget);
          assert.deepEqual(await cosign.verify(copied, format), await cosign.verify(image, format));
          const referrers = await discover(copied);
          assert.deepEqual(Object.keys(referrers).length, format === "tag" ? 1 : 2);
          assert.deepEqual(digestsOf(referrers), digestsOf(await discover(image)));

          const { images: [inspected] } = JSON.parse(
            await satchelSucceeds(["archive", "inspect", archive, "-o", "json"]),
          );
          assert.deepEqual(inspected.signatures, { [INSPECTED[format]]: 1 });
          assert.equal(inspected.referrers["application/spdx+json"], 1);
          assert.equal(inspected.referrers["application/example.review"], 1);
        },
      );
    }
  }
}

/** The digests alone: the referrers registry lists some types by another rule than the specification's. */
function digestsOf(referrers: Referrers): Referrers {
  return Object.fromEntries(
    Object.entries(referrers).map(([key, below]) => [key.split(" ").at(-1)!, digestsOf(below)]).sort(),
  );
}
