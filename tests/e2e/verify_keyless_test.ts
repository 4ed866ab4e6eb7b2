import { strict as assert } from "node:assert";
import {
  peerTest,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  SIGNATURE_FORMATS,
  type SignatureFormat,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import {
  identityToken,
  makeKeyPair,
  pemOf,
  PERSON,
  PROVIDER,
  serveSigstore,
  type SigstoreServices,
} from "../harness/sigstore/mod.ts";
import { cosignSucceeds } from "./cosign_keys.ts";
import { pushGadget, verify, verifyRemote } from "./verify_cosign.ts";

const REGISTRIES = {
  "a registry with fallback tags": { peers: ["cosign", "registry"], start: () => startRegistry() },
  "a registry with the referrers API": { peers: ["cosign"], start: startServedRegistry },
} as const;

const FORMAT_NAMES = { tag: "cosign tag", referrer: "cosign referrer", bundle: "sigstore bundle" } as const;

/** What the older formats need to be told of where to sign. */
const OLDER = ["--new-bundle-format=false", "--use-signing-config=false"];

/** Lets cosign sign as somebody, without a key that others know. */
async function signAs(
  email: string,
  name: string,
  format: SignatureFormat,
  { scratch, services: { url, signingConfig }, rekor }: { scratch: Scratch; services: SigstoreServices; rekor?: 1 | 2 },
): Promise<void> {
  await Deno.writeTextFile(scratch.at("signing-config.json"), signingConfig(rekor));
  const services = ["--fulcio-url", url, "--rekor-url", url, "--timestamp-server-url", `${url}/api/v1/timestamp`];
  const flags = {
    tag: [...OLDER, ...services],
    referrer: [...OLDER, "--registry-referrers-mode=oci-1-1", ...services],
    bundle: ["--signing-config", "signing-config.json", "--trusted-root", "root.json"],
  };
  const identity = ["--identity-token", identityToken(email)];
  await cosignSucceeds(scratch, "sign", "--yes", "--allow-http-registry", ...identity, ...flags[format], name);
}

/** Starts a Sigstore, whose trusted root is `root.json` in the folder. */
async function startSigstore(scratch: Scratch): Promise<SigstoreServices> {
  const services = serveSigstore();
  await Deno.writeTextFile(scratch.at("root.json"), JSON.stringify(services.sigstore.trustedRoot()));
  return services;
}

function trusting(scratch: Scratch, email: string, provider = PROVIDER, root = "root.json"): string[] {
  const identity = ["--certificate-identity", email, "--certificate-oidc-issuer", provider];
  return [...identity, "--trusted-root", scratch.at(root)];
}

for (const [what, { peers, start }] of Object.entries(REGISTRIES)) {
  peerTest(
    peers,
    `what cosign signs by a certificate is verified by who it is for, in each format, in ${what}`,
    async () => {
      await using scratch = await scratchFolder();
      await using services = await startSigstore(scratch);
      await using registry = await start();
      for (const format of SIGNATURE_FORMATS) {
        const { name } = await pushGadget(registry, format);
        await signAs(PERSON.email, name, format, { scratch, services });
        const image = `${format}:v1`;
        const { code, stderr, signatures } = await verifyRemote(
          registry,
          image,
          [],
          ...trusting(scratch, PERSON.email),
        );
        assert.equal(code, 0, `${format}: ${stderr}`);
        const found = signatures.map(({ isGood, format, identity, issuer }) => ({ isGood, format, identity, issuer }));
        const expected = { isGood: true, format: FORMAT_NAMES[format], identity: PERSON.email, issuer: PROVIDER };
        assert.deepEqual(found, [expected]);

        for (
          const strangers of [trusting(scratch, "else@example.org"), trusting(scratch, PERSON.email, "https://else")]
        ) {
          const rejected = await verifyRemote(registry, image, [], ...strangers);
          assert.equal(rejected.code, 5, rejected.stderr);
          assert.match(
            rejected.stderr,
            /its certificate is for "someone@example\.org", as .* says, who is not trusted/,
          );
        }
        const byKey = await verifyRemote(registry, image, [pemOf(makeKeyPair().spki, "PUBLIC KEY")]);
        assert.equal(byKey.code, 5);
        assert.match(byKey.stderr, /give --certificate-identity/);
      }
    },
  );
}

peerTest(["cosign"], "a store verifies signatures by certificates when nobody can be asked any more", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const image = await (async () => {
    await using services = await startSigstore(scratch);
    await using registry = await startServedRegistry();
    const { name } = await pushGadget(registry, "team/app");
    for (const format of SIGNATURE_FORMATS) await signAs(`${format}@example.org`, name, format, { scratch, services });
    const image = `${registry.host}/team/app:v1`;
    await satchelSucceeds(["image", "pull", image, "--insecure-registries", registry.host], { store });
    return image;
  })();
  for (const format of SIGNATURE_FORMATS) {
    const { code, stderr, signatures } = await verify(
      [image, ...trusting(scratch, `${format}@example.org`)],
      [],
      store,
    );
    assert.equal(code, 0, stderr);
    assert.ok(signatures.some(({ isGood, identity }) => isGood && identity === `${format}@example.org`));
    assert.ok(signatures.some(({ isGood }) => !isGood), "the others are told too");
  }
});

peerTest(["cosign"], "what cosign logs with Rekor 2, where a timestamp tells the time, is verified", async () => {
  await using scratch = await scratchFolder();
  await using services = await startSigstore(scratch);
  await using registry = await startServedRegistry();
  const { name } = await pushGadget(registry, "team/app");
  await signAs(PERSON.email, name, "bundle", { scratch, services, rekor: 2 });
  const trust = trusting(scratch, PERSON.email);
  const { code, stderr, signatures } = await verifyRemote(registry, "team/app:v1", [], ...trust);
  assert.equal(code, 0, stderr);
  assert.equal(signatures[0].log?.id, services.sigstore.rekor2.id.toString("hex"));
});

peerTest(
  ["cosign"],
  "a trusted root that cosign writes is taken, and that of another Sigstore is not enough",
  async () => {
    await using scratch = await scratchFolder();
    await using services = await startSigstore(scratch);
    await using registry = await startServedRegistry();
    const { name } = await pushGadget(registry, "team/app");
    await signAs(PERSON.email, name, "bundle", { scratch, services });
    const { authorities, timestamps, log, certificateLog } = services.sigstore;
    const pems = (ders: readonly Uint8Array[]) => ders.map((der) => pemOf(der)).join("");
    await Deno.writeTextFile(scratch.at("ca.pem"), pems(authorities));
    await Deno.writeTextFile(scratch.at("tsa.pem"), pems(timestamps.certificates));
    await Deno.writeTextFile(scratch.at("log.pub"), pemOf(log.key.spki, "PUBLIC KEY"));
    await Deno.writeTextFile(scratch.at("ct.pub"), pemOf(certificateLog.key.spki, "PUBLIC KEY"));
    const since = "start-time=2020-01-01T00:00:00Z";
    await cosignSucceeds(
      scratch,
      ...["trusted-root", "create", "--out", "written.json"],
      ...["--fulcio", `url=https://fulcio.example.org,certificate-chain=ca.pem`],
      ...["--tsa", `url=https://tsa.example.org,certificate-chain=tsa.pem`],
      ...["--rekor", `url=${services.url},public-key=log.pub,${since}`],
      ...["--ctfe", `url=https://ctfe.example.org,public-key=ct.pub,${since}`],
    );
    const written = trusting(scratch, PERSON.email, PROVIDER, "written.json");
    const { code, stderr } = await verifyRemote(registry, "team/app:v1", [], ...written);
    assert.equal(code, 0, stderr);

    await using _other = await startSigstore(scratch);
    const rejected = await verifyRemote(registry, "team/app:v1", [], ...trusting(scratch, PERSON.email));
    assert.equal(rejected.code, 5);
    assert.match(rejected.stderr, /nothing that is trusted says when it was made/);
  },
);

peerTest(
  ["cosign", "openssl"],
  "a key with a certificate of the company's own, and a timestamp in the place of a log, is verified by whom it is for",
  async () => {
    await using scratch = await scratchFolder();
    await using services = await startSigstore(scratch);
    await using registry = await startServedRegistry();
    const { name } = await pushGadget(registry, "team/app");
    const key = makeKeyPair();
    const { sigstore } = services;
    const certificate = sigstore.certify(key, {
      issuer: null,
      isLogged: false,
      notBefore: new Date(Date.now() - 1000),
    });
    await Deno.writeTextFile(scratch.at("own.pem"), String(key.privateKey.export({ format: "pem", type: "pkcs8" })));
    await Deno.writeTextFile(scratch.at("certificate.pem"), pemOf(certificate));
    await Deno.writeTextFile(scratch.at("chain.pem"), sigstore.authorities.map((der) => pemOf(der)).join(""));
    await cosignSucceeds(scratch, "import-key-pair", "--key", "own.pem", "--output-key-prefix", "own");
    await cosignSucceeds(
      scratch,
      ...["sign", "--yes", "--allow-http-registry", ...OLDER, "--tlog-upload=false", "--key", "own.key"],
      ...["--certificate", "certificate.pem", "--certificate-chain", "chain.pem"],
      ...["--timestamp-server-url", `${services.url}/api/v1/timestamp`, name],
    );
    const withoutLogs = { ...sigstore.trustedRoot(), tlogs: [], ctlogs: [] };
    await Deno.writeTextFile(scratch.at("own.json"), JSON.stringify(withoutLogs));
    const identity = ["--certificate-identity", PERSON.email, "--certificate-oidc-issuer-regexp", ".*"];
    const verifyBy = (root: string) =>
      verifyRemote(registry, "team/app:v1", [], ...identity, "--trusted-root", scratch.at(root));
    const { code, stderr } = await verifyBy("own.json");
    assert.equal(code, 0, stderr);
    const wantsLog = await verifyBy("root.json");
    assert.equal(wantsLog.code, 5);
  },
);
