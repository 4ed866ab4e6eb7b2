import { strict as assert } from "node:assert";
import {
  type CertificateTraits,
  CODE_SIGNER,
  extendedKeyUsage,
  type Holder,
  makeAuthority,
  makeCertificate,
  Purpose,
} from "../../plugins/notation/_certificates_testing.ts";
import { makePolicy } from "../../plugins/notation/_testing.ts";
import {
  describe,
  makeGadget,
  type NotationKey,
  notationSign,
  type NotationTrust,
  type NotationVerified,
  notationVerify,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  type SatchelOptions,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";

const REGISTRIES = {
  "a registry with fallback tags": { peers: ["registry", "notation-go"], start: () => startRegistry() },
  "a registry with the referrers API": { peers: ["notation-go"], start: startServedRegistry },
} as const;

const DAY = 24 * 60 * 60 * 1000;

/** Certificates that are valid now, whenever that is. */
const VALID = { notBefore: daysFromNow(-30), notAfter: daysFromNow(30) };

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * DAY).toISOString().replace(/\.\d+/, "");
}

/** An image in a registry, with those who may sign it. */
interface Scene extends AsyncDisposable {
  scratch: Scratch;
  registry: Registry;
  /** `host/repository:tag` and `host/repository@digest`. */
  name: string;
  byDigest: string;
  digest: string;
  root: Holder;
  options: SatchelOptions;
}

async function openScene(start: () => Promise<Registry> = startServedRegistry): Promise<Scene> {
  const scratch = await scratchFolder();
  const registry = await start();
  const gadget = makeGadget();
  await pushImage(registry, "team/app", "v1", gadget);
  const { digest } = gadget.root;
  return {
    scratch,
    registry,
    name: `${registry.host}/team/app:v1`,
    byDigest: `${registry.host}/team/app@${digest}`,
    digest,
    root: makeAuthority("root", VALID),
    options: { store: scratch.at("store") },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

function signerBelow(root: Holder, traits: CertificateTraits = {}): NotationKey {
  const leaf = makeCertificate({ issuer: root, ...VALID, ...traits });
  return { key: keyText(leaf), chain: leaf.pem + root.pem };
}

function keyText({ key }: Holder): string {
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}

/** Pulls the image with its signatures and verifies it without the registry, or in the registry. */
async function verify(
  { scratch, name, registry, options }: Scene,
  trust: { certificates: string; policy?: string },
  flags: readonly string[] = [],
  place: "store" | "registry" = "store",
) {
  await Deno.writeTextFile(scratch.at("certificates.pem"), trust.certificates);
  await Deno.writeTextFile(scratch.at("policy.json"), trust.policy ?? makePolicy());
  const insecure = ["--insecure-registries", registry.host];
  if (place === "store") await satchelSucceeds(["image", "pull", name, ...insecure], options);
  const trusted = [
    ...["--notation-certificates", scratch.at("certificates.pem")],
    ...["--notation-policy-document", scratch.at("policy.json")],
  ];
  const where = place === "store" ? ["--offline"] : ["--remote", ...insecure];
  return await satchel(["image", "verify", name, ...trusted, ...where, ...flags], options);
}

function evidenceOf(stdout: string): Record<string, unknown>[] {
  const { verdicts } = JSON.parse(stdout);
  return verdicts.find(({ plugin }: { plugin: string }) => plugin === "notation").evidence;
}

for (const [kind, { peers, start }] of Object.entries(REGISTRIES)) {
  for (const format of ["jws", "cose"]) {
    peerTest(peers, `what notation signs in ${format}, in ${kind}, is verified there and in the store`, async () => {
      await using scene = await openScene(start);
      const { root, byDigest, scratch } = scene;
      await notationSign(scratch, signerBelow(root), byDigest, ["--format", format, "--metadata", "build=7"]);
      for (const place of ["registry", "store"] as const) {
        const { code, stdout, stderr } = await verify(scene, { certificates: root.pem }, ["-o", "json"], place);
        assert.equal(code, 0, stderr);
        const [evidence] = evidenceOf(stdout);
        assert.equal(evidence.format, `notation ${format.toUpperCase()}`);
        assert.equal(evidence.agent, "notation-go/1.3.2");
        assert.deepEqual(evidence.annotations, { build: "7" });
      }
    });
  }

  for (const key of ["P-256", "P-384", "P-521", 2048, 3072] as const) {
    peerTest(peers, `what satchel signs by a key of ${key}, in ${kind}, notation verifies`, async () => {
      await using scene = await openScene(start);
      const { root, scratch, name, byDigest, digest, registry, options } = scene;
      const signer = signerBelow(root, { key });
      await Deno.writeTextFile(scratch.at("key.pem"), signer.key, { mode: 0o600 });
      await Deno.writeTextFile(scratch.at("chain.pem"), signer.chain);
      const by = ["--notation-key", scratch.at("key.pem"), "--notation-cert-chain", scratch.at("chain.pem")];
      const insecure = ["--insecure-registries", registry.host];
      await satchelSucceeds(
        ["image", "sign", name, "--remote", ...by, ...insecure, "--annotation", "build=7"],
        options,
      );
      const trust: NotationTrust = { policy: makePolicy(), stores: { "ca/example": root.pem } };
      const outcome = await notationVerify(scratch, trust, byDigest, ["--metadata", "build=7"]);
      assert.equal(outcome.code, 0, describe(outcome));
      const found: NotationVerified = JSON.parse(outcome.stdout);
      assert.deepEqual(found, { digest, level: "strict", scheme: "notary.x509", metadata: { build: "7" }, logged: [] });
      const { code, stderr } = await verify(scene, { certificates: root.pem });
      assert.equal(code, 0, stderr);
    });
  }
}

peerTest(
  "notation-go",
  "what is signed in the store, at a given time, goes along with a push, and notation verifies it",
  async () => {
    await using scene = await openScene();
    const { root, scratch, name, byDigest, registry, options } = scene;
    const signer = signerBelow(root);
    await Deno.writeTextFile(scratch.at("key.pem"), signer.key, { mode: 0o600 });
    await Deno.writeTextFile(scratch.at("chain.pem"), signer.chain);
    const insecure = ["--insecure-registries", registry.host];
    await satchelSucceeds(["image", "pull", name, ...insecure], options);
    const by = ["--notation-key", scratch.at("key.pem"), "--notation-cert-chain", scratch.at("chain.pem")];
    const env = { SOURCE_DATE_EPOCH: String(Math.floor(Date.now() / 1000) - 60) };
    const sign = () => satchelSucceeds(["image", "sign", name, ...by, "-o", "json"], { ...options, env });
    assert.equal(await sign(), await sign(), "signing again adds nothing");
    await satchelSucceeds(["image", "push", name, ...insecure], options);
    const trust = { policy: makePolicy(), stores: { "ca/example": root.pem } };
    const outcome = await notationVerify(scratch, trust, byDigest);
    assert.equal(outcome.code, 0, describe(outcome));
  },
);

peerTest("notation-go", "a signature of another image, attached to this one, is refused", async () => {
  await using scene = await openScene();
  const { root, scratch, byDigest, registry, digest } = scene;
  await notationSign(scratch, signerBelow(root), byDigest);
  const other = makeGadget();
  await pushImage(registry, "team/app", "v2", other);
  const referrers = await (await registry.fetch(`/v2/team/app/referrers/${digest}`)).json();
  const path = `/v2/team/app/manifests/${referrers.manifests[0].digest}`;
  const headers = { accept: "application/vnd.oci.image.manifest.v1+json" };
  const manifest = await (await registry.fetch(path, { headers })).json();
  manifest.subject = { ...manifest.subject, digest: other.root.digest, size: other.root.bytes.length };
  const moved = await registry.fetch("/v2/team/app/manifests/moved", {
    method: "PUT",
    headers: { "content-type": manifest.mediaType },
    body: JSON.stringify(manifest),
  });
  assert.equal(moved.status, 201, await moved.text());
  const found = await verify({ ...scene, name: `${registry.host}/team/app:v2` }, { certificates: root.pem });
  assert.equal(found.code, 5);
  assert.match(found.stderr, /it is for another image, "sha256:/);
});

peerTest(
  "notation-go",
  "which trust store a signing scheme needs is judged as notation judges it",
  async () => {
    await using scene = await openScene();
    const { root, byDigest, scratch } = scene;
    const scheme = ["--scheme", "notary.x509.signingAuthority", "--format", "cose", "--expiry", "1h"];
    await notationSign(scratch, signerBelow(root), byDigest, scheme);
    const policy = makePolicy({ trustStores: ["signingAuthority:example"] });
    for (const [each, expected] of [[policy, 0], [makePolicy(), 5]] as const) {
      const { code } = await verify(scene, { certificates: root.pem, policy: each });
      assert.equal(code, expected);
      const stores = { "signingAuthority/example": root.pem, "ca/example": root.pem };
      const notation = await notationVerify(scratch, { policy: each, stores }, byDigest);
      assert.equal(notation.code === 0, expected === 0, describe(notation));
    }
  },
);

/** What notation itself would sign, and neither it nor satchel takes for good. */
const REFUSED: Readonly<
  Record<string, { traits?: CertificateTraits; flags?: readonly string[]; reason: RegExp }>
> = {
  "that has expired": {
    flags: ["--time", String(Math.floor(Date.now() / 1000) - 7200), "--expiry", "1h"],
    reason: /the signature expired on/,
  },
  "by a certificate that has expired": {
    traits: { notAfter: daysFromNow(-1) },
    flags: ["--time", String(Math.floor(Date.now() / 1000) - 2 * 86400)],
    reason: /the certificate "CN=signer, .*" expired on/,
  },
  "by a certificate that is not valid yet": {
    traits: { notBefore: daysFromNow(1) },
    flags: ["--time", String(Math.floor(Date.now() / 1000) + 2 * 86400)],
    reason: /the certificate "CN=signer, .*" is valid from/,
  },
};

for (const [what, { traits, flags, reason }] of Object.entries(REFUSED)) {
  peerTest("notation-go", `a signature ${what} is refused, as by notation`, async () => {
    await using scene = await openScene();
    const { root, byDigest, scratch } = scene;
    await notationSign(scratch, signerBelow(root, traits), byDigest, flags);
    const { code, stderr } = await verify(scene, { certificates: root.pem });
    assert.equal(code, 5);
    assert.match(stderr, reason);
    const notation = await notationVerify(
      scratch,
      { policy: makePolicy(), stores: { "ca/example": root.pem } },
      byDigest,
    );
    assert.notEqual(notation.code, 0);
  });
}

peerTest("notation-go", "a signature with a critical header that nobody knows is refused", async () => {
  await using scene = await openScene();
  const { root, byDigest, scratch } = scene;
  for (const format of ["jws", "cose"]) {
    await notationSign(scratch, signerBelow(root), byDigest, ["--critical", "example.unknown", "--format", format]);
  }
  const { code, stderr } = await verify(scene, { certificates: root.pem });
  assert.equal(code, 5);
  assert.equal(stderr.match(/the header "example.unknown" is critical, and not known/g)?.length, 2);
});

peerTest("notation-go", "one good signature among bad ones is enough, and each one's fate is told", async () => {
  await using scene = await openScene();
  const { root, byDigest, scratch } = scene;
  const other = makeAuthority("other root", VALID);
  await notationSign(scratch, signerBelow(other), byDigest);
  await notationSign(scratch, signerBelow(root), byDigest);
  await notationSign(scratch, signerBelow(other), byDigest, ["--format", "cose"]);
  const { code, stdout } = await verify(scene, { certificates: root.pem }, ["-o", "json"]);
  assert.equal(code, 0);
  assert.deepEqual(evidenceOf(stdout).map(({ isGood }) => isGood).sort(), [false, false, true]);
  const refused = await verify(scene, { certificates: makeAuthority("third root", VALID).pem });
  assert.equal(refused.code, 5);
  assert.equal(refused.stderr.match(/none of its certificates is in the trust store ca:example/g)?.length, 3);
});

/** A timestamp authority of openssl's: its root, and a configuration. */
async function makeTimestampAuthority(scratch: Scratch): Promise<{ root: Holder; flags: string[] }> {
  const root = makeAuthority("time root", VALID);
  const extensions = [...CODE_SIGNER.slice(0, 2), extendedKeyUsage([Purpose.timeStamping], true)];
  const leaf = makeCertificate({ issuer: root, extensions, ...VALID });
  const files = { "tsa.pem": leaf.pem, "tsa-root.pem": root.pem, "tsa.key": keyText(leaf) };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(scratch.at(name), text);
  const config = {
    serial: scratch.at("tsa.serial"),
    crypto_device: "builtin",
    signer_cert: scratch.at("tsa.pem"),
    certs: scratch.at("tsa-root.pem"),
    signer_key: scratch.at("tsa.key"),
    signer_digest: "sha256",
    default_policy: "1.2.3.4.1",
    digests: "sha256, sha384, sha512",
    accuracy: "secs:1, millisecs:500, microsecs:100",
    ess_cert_id_chain: "no",
    ess_cert_id_alg: "sha256",
  };
  const lines = Object.entries(config).map(([name, value]) => `${name} = ${value}`);
  await Deno.writeTextFile(scratch.at("tsa.cnf"), `[tsa]\ndefault_tsa = tsa1\n[tsa1]\n${lines.join("\n")}\n`);
  await Deno.writeTextFile(scratch.at("tsa.serial"), "01\n");
  return { root, flags: ["--tsa-config", scratch.at("tsa.cnf"), "--tsa-root", scratch.at("tsa-root.pem")] };
}

for (const format of ["jws", "cose"]) {
  peerTest(["notation-go", "openssl"], `a timestamp over a signature in ${format} is verified`, async () => {
    await using scene = await openScene();
    const { root, byDigest, scratch } = scene;
    const time = await makeTimestampAuthority(scratch);
    await notationSign(scratch, signerBelow(root), byDigest, ["--format", format, ...time.flags]);
    const trust = { certificates: root.pem, policy: makePolicy({ trustStores: ["ca:example", "tsa:time"] }) };
    const flags = ["--notation-timestamp-certificates", scratch.at("tsa-root.pem"), "-o", "json"];
    const { code, stdout, stderr } = await verify(scene, trust, flags);
    assert.equal(code, 0, stderr);
    assert.match(String(evidenceOf(stdout)[0].timestamp), /^\d{4}-/);
    const untrusted = await verify(scene, trust);
    assert.equal(untrusted.code, 5);
    assert.match(untrusted.stderr, /no certificate of a timestamp authority is trusted/);
  });
}
