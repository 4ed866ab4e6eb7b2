import { strict as assert } from "node:assert";
import {
  attachmentTag,
  describe,
  type Image,
  makeGadget,
  peerTest,
  pushImage,
  readManifest,
  type Registry,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import {
  cosignSucceeds,
  type Format,
  FORMATS,
  KEY_KINDS,
  makeKeys,
  openssl,
  PASSWORD,
  signByCosign,
  verifyByCosign,
} from "./cosign_keys.ts";

/** With the referrers API, and without: there the fallback tag lists what refers to an image. */
const REGISTRIES = { "satchel serve": startServedRegistry, "distribution v3": startRegistry } as const;
const ALL_FORMATS = Object.keys(FORMATS) as Format[];

/** An image in a registry, with a name that has its digest. */
async function pushed(registry: Registry, repository: string): Promise<Image & { name: string }> {
  const gadget = makeGadget();
  await pushImage(registry, repository, "v1", gadget);
  return { ...gadget, name: `${registry.host}/${repository}@${gadget.root.digest}` };
}

/** Lets satchel sign in the registry; `key` is a file of the scratch folder. */
async function signBySatchel(scratch: Scratch, key: string, image: string, format: Format, ...more: string[]) {
  const flags = ["--remote", "--insecure-registries", image.split("/")[0], "--format", format, "-o", "json"];
  const printed = await satchelSucceeds(["image", "sign", image, "--key", scratch.at(key), ...flags, ...more], {
    env: { COSIGN_PASSWORD: PASSWORD, SOURCE_DATE_EPOCH: "1700000000" },
  });
  return JSON.parse(printed).signatures[0].digest as string;
}

/** Lets satchel verify in the registry, which must succeed. */
async function verifyBySatchel(scratch: Scratch, key: string, image: string): Promise<void> {
  const flags = ["--remote", "--insecure-registries", image.split("/")[0], "--public-keys", scratch.at(key)];
  await satchelSucceeds(["image", "verify", image, ...flags]);
}

async function assertVerified(scratch: Scratch, key: string, image: string, format: Format, ...more: string[]) {
  const outcome = await verifyByCosign(scratch, key, image, format, ...more);
  assert.equal(outcome.code, 0, `${image} in ${format}: ${describe(outcome)}`);
}

async function assertRejected(scratch: Scratch, key: string, image: string, format: Format, ...more: string[]) {
  const { code, stderr } = await verifyByCosign(scratch, key, image, format, ...more);
  assert.notEqual(code, 0, `${image} in ${format}`);
  assert.match(stderr, /no matching|no signatures found/);
}

for (const [registryName, start] of Object.entries(REGISTRIES)) {
  for (const format of ALL_FORMATS) {
    peerTest(["cosign", "registry"], `cosign accepts a ${format} with annotations in ${registryName}`, async () => {
      await using scratch = await scratchFolder();
      await using registry = await start();
      await cosignSucceeds(scratch, "generate-key-pair");
      await cosignSucceeds(scratch, "generate-key-pair", "--output-key-prefix", "other");
      const { name } = await pushed(registry, "team/app");
      await signBySatchel(scratch, "cosign.key", name, format, "--annotation", "a<b=c&d", "--annotation", "who=jürgen");
      await assertVerified(scratch, "cosign.pub", name, format);
      await assertVerified(scratch, "cosign.pub", name, format, "-a", "a<b=c&d", "-a", "who=jürgen");
      await assertRejected(scratch, "cosign.pub", name, format, "-a", "who=somebody");
      await assertRejected(scratch, "other.pub", name, format);
    });

    peerTest(
      ["cosign", "registry"],
      `signatures by two keys stand beside each other as ${format} in ${registryName}`,
      async () => {
        await using scratch = await scratchFolder();
        await using registry = await start();
        for (const key of ["one", "two", "three"]) {
          await cosignSucceeds(scratch, "generate-key-pair", "--output-key-prefix", key);
        }
        const { name } = await pushed(registry, "team/app");
        await signBySatchel(scratch, "one.key", name, format);
        await signByCosign(scratch, "two.key", name, format);
        await signBySatchel(scratch, "three.key", name, format);
        const keys = ["one.pub", "two.pub", "three.pub"];
        const accepted = [];
        for (const key of keys) {
          await verifyBySatchel(scratch, key, name);
          if ((await verifyByCosign(scratch, key, name, format)).code === 0) accepted.push(key);
        }
        // Of several referrers of OCI 1.1 cosign looks at the last one that the registry lists.
        if (format === "oci-1.1") assert.equal(accepted.length, 1);
        else assert.deepEqual(accepted, keys);
      },
    );
  }
}

for (const kind of KEY_KINDS) {
  peerTest(
    ["cosign", "openssl"],
    `cosign accepts what a key ${kind} signs that it imported, in all formats`,
    async () => {
      await using scratch = await scratchFolder();
      await using registry = await startServedRegistry();
      await makeKeys(scratch, kind);
      const { name } = await pushed(registry, "team/app");
      for (const format of ALL_FORMATS) {
        await signBySatchel(scratch, `${kind}.key`, name, format);
        await assertVerified(scratch, `${kind}.pub`, name, format);
      }
    },
  );
}

peerTest(["cosign", "openssl"], "an RSA key signs the same bytes by satchel as by cosign", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  await makeKeys(scratch, "rsa-2048");
  for (const format of ALL_FORMATS) {
    const gadget = await pushed(registry, `team/${format}`);
    await signByCosign(scratch, "rsa-2048.key", gadget.name, format, "-a", "b=2", "-a", "a=<1>");
    const byCosign = await layersOf(registry, `team/${format}`, gadget);
    await signBySatchel(scratch, "rsa-2048.key", gadget.name, format, "--annotation", "a=<1>", "--annotation", "b=2");
    const byBoth = await layersOf(registry, `team/${format}`, gadget);
    assert.equal(byCosign.length, 1);
    assert.deepEqual([...new Set(byBoth)], byCosign, format);
    // By a tag it is the same signature, which is not added again.
    assert.equal(byBoth.length, format === "legacy" ? 1 : 2, format);
  }
});

/** The layers of the signatures of an image. */
async function layersOf(registry: Registry, repository: string, { root }: Image): Promise<string[]> {
  const tagged = await readManifest(registry, repository, attachmentTag(root.digest, ".sig"));
  const listed = await (await registry.fetch(`/v2/${repository}/referrers/${root.digest}`)).json();
  const manifests = [tagged];
  for (const { digest } of listed.manifests) manifests.push(await readManifest(registry, repository, digest));
  type Layer = { digest: string; annotations?: Record<string, string> };
  return manifests.flatMap((manifest) => (manifest?.json.layers ?? []) as Layer[])
    .map(({ digest, annotations }) => `${digest} ${JSON.stringify(annotations)}`);
}

peerTest(["cosign", "openssl"], "keys of OpenSSL sign in each form that it writes", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  await makeKeys(scratch, "ecdsa-p256");
  await makeKeys(scratch, "rsa-2048");
  await openssl(scratch, "ec", "-in", "ecdsa-p256.pem", "-out", "sec1.pem");
  await openssl(scratch, "rsa", "-in", "rsa-2048.pem", "-traditional", "-out", "pkcs1.pem");
  const password = ["-passout", `pass:${PASSWORD}`];
  await openssl(scratch, "pkcs8", "-topk8", "-in", "ecdsa-p256.pem", "-out", "encrypted.pem", ...password);
  await openssl(scratch, "pkcs8", "-topk8", "-scrypt", "-in", "rsa-2048.pem", "-out", "scrypt.pem", ...password);
  for (const kind of ["ecdsa-p256", "rsa-2048"]) {
    for (const key of kind === "rsa-2048" ? ["rsa-2048", "pkcs1", "scrypt"] : ["ecdsa-p256", "sec1", "encrypted"]) {
      const { name } = await pushed(registry, "team/app");
      await signBySatchel(scratch, `${key}.pem`, name, "bundle");
      await assertVerified(scratch, `${kind}.pub`, name, "bundle");
    }
  }
});

peerTest("cosign", "signing again adds nothing, by a key on a curve too", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  await cosignSucceeds(scratch, "generate-key-pair");
  const gadget = await pushed(registry, "team/app");
  for (const format of ALL_FORMATS) {
    const first = await signBySatchel(scratch, "cosign.key", gadget.name, format);
    assert.equal(await signBySatchel(scratch, "cosign.key", gadget.name, format), first, format);
  }
  assert.equal((await layersOf(registry, "team/app", gadget)).length, ALL_FORMATS.length);
});

for (const [registryName, start] of Object.entries(REGISTRIES)) {
  peerTest(
    ["cosign", "registry"],
    `cosign accepts in ${registryName} what was signed in the store and pushed`,
    async () => {
      await using scratch = await scratchFolder();
      await using registry = await start();
      const { name, root } = await pushed(registry, "team/app");
      const insecure = ["--insecure-registries", registry.host];
      const store = scratch.at("store");
      await satchelSucceeds(["image", "pull", name, ...insecure], { store });
      await satchelSucceeds(["image", "tag", name, `${registry.host}/copies/app:v1`], { store });
      for (const format of ALL_FORMATS) {
        await cosignSucceeds(scratch, "generate-key-pair", "--output-key-prefix", format);
        const args = ["image", "sign", `${registry.host}/copies/app:v1`, "--key", scratch.at(`${format}.key`)];
        await satchelSucceeds([...args, "--format", format], { store, env: { COSIGN_PASSWORD: PASSWORD } });
      }
      await satchelSucceeds(["store", "check"], { store });
      await satchelSucceeds(["image", "push", `${registry.host}/copies/app:v1`, ...insecure], { store });
      for (const format of ALL_FORMATS) {
        await assertVerified(scratch, `${format}.pub`, `${registry.host}/copies/app@${root.digest}`, format);
      }
    },
  );
}
