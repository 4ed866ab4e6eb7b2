import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import {
  attachmentTag,
  cosignWithKeys,
  makeGadget,
  peerTest,
  pushImage,
  readManifest,
  satchelSucceeds,
  scratchFolder,
  SIGNATURE_FORMATS,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import {
  blobOf,
  BUNDLE,
  descriptorOf,
  type Found,
  MANIFEST,
  pushGadget,
  pushManifest,
  pushReferrer,
  verify,
  verifyRemote,
} from "./verify_cosign.ts";

const REGISTRIES = {
  "a registry with fallback tags": { peers: ["cosign", "registry"], start: () => startRegistry() },
  "a registry with the referrers API": { peers: ["cosign"], start: startServedRegistry },
} as const;

const FORMAT_NAMES = { tag: "cosign tag", referrer: "cosign referrer", bundle: "sigstore bundle" } as const;

const pkcs8 = (key: ReturnType<typeof ecKey>) => String(key.export({ format: "pem", type: "pkcs8" }));
const ecKey = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;

/** Kinds of keys: what cosign makes itself, and what it can import; by the algorithm that it signs with then. */
const KEYS: Record<string, () => string | undefined> = {
  "ECDSA SHA-256": () => undefined,
  "ECDSA SHA-384": () => pkcs8(ecKey("P-384")),
  "ECDSA SHA-512": () => pkcs8(ecKey("P-521")),
  "RSA PKCS#1 v1.5 SHA-256": () => pkcs8(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
  "Ed25519ph": () => pkcs8(generateKeyPairSync("ed25519").privateKey),
};

for (const [what, { peers, start }] of Object.entries(REGISTRIES)) {
  peerTest(peers, `what cosign signs with keys of each kind is verified in each format, in ${what}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const stranger = await cosignWithKeys(scratch, { folder: "stranger" });
    for (const [index, [algorithm, privateKey]] of Object.entries(KEYS).entries()) {
      const cosign = await cosignWithKeys(scratch, { folder: `key-${index}`, privateKey: privateKey() });
      for (const format of SIGNATURE_FORMATS) {
        const repository = `${format}/key-${index}`;
        const { name } = await pushGadget(registry, repository);
        await cosign.sign(name, format);
        const { code, signatures, stderr } = await verifyRemote(registry, `${repository}:v1`, [stranger, cosign]);
        assert.equal(code, 0, `${algorithm} ${format}: ${stderr}`);
        const found = signatures.map(({ isGood, format, algorithm }) => ({ isGood, format, algorithm }));
        assert.deepEqual(found, [{ isGood: true, format: FORMAT_NAMES[format], algorithm }]);

        const rejected = await verifyRemote(registry, `${repository}:v1`, [stranger]);
        assert.equal(rejected.code, 5);
        assert.match(rejected.stderr, /not signed by any of the public keys/);
      }
    }
  });

  peerTest(
    peers,
    `signatures of several keys in several formats are each told, and one suffices, in ${what}`,
    async () => {
      await using scratch = await scratchFolder();
      await using registry = await start();
      const [first, second, stranger] = await Promise.all(
        ["first", "second", "stranger"].map((folder) => cosignWithKeys(scratch, { folder })),
      );
      const { name } = await pushGadget(registry, "team/app");
      for (const format of SIGNATURE_FORMATS) for (const cosign of [first, second]) await cosign.sign(name, format);

      for (const cosign of [first, second]) {
        const { code, signatures } = await verifyRemote(registry, "team/app:v1", [cosign]);
        assert.equal(code, 0);
        for (const format of Object.values(FORMAT_NAMES)) {
          const fates = signatures.filter((each) => each.format === format).map(({ isGood }) => isGood);
          assert.ok(fates.includes(true) && fates.includes(false), `${format}: ${fates}`);
        }
      }
      assert.equal((await verifyRemote(registry, "team/app:v1", [stranger])).code, 5);

      // What the store has of them is judged alike, with no registry there.
      const store = scratch.at("store");
      await satchelSucceeds(["image", "pull", "--insecure-registries", registry.host, `${registry.host}/team/app:v1`], {
        store,
      });
      const remote = await verifyRemote(registry, "team/app:v1", [second]);
      const stored = await verify(["--offline", `${registry.host}/team/app:v1`], [second], store);
      assert.equal(stored.code, 0);
      const byDigest = (signatures: Found[]) => signatures.map((each) => JSON.stringify(each)).sort();
      assert.deepEqual(byDigest(stored.signatures), byDigest(remote.signatures));
    },
  );

  peerTest(
    peers,
    `annotations, attestations and signatures of the manifest by cosign are known, in ${what}`,
    async () => {
      await using scratch = await scratchFolder();
      await using registry = await start();
      const cosign = await cosignWithKeys(scratch);

      for (const format of SIGNATURE_FORMATS) {
        const { name } = await pushGadget(registry, `claims/${format}`);
        await cosign.sign(name, format, { team: "a", build: "7" });
        const asked = async (...flags: string[]) =>
          (await verifyRemote(registry, `claims/${format}:v1`, [cosign], ...flags)).code;
        assert.equal(await asked("--annotation", "team=a", "--annotation", "build=7"), 0);
        assert.equal(await asked("--annotation", "team=b"), 5);
        assert.equal(await asked("--annotation", "team=a", "--annotation", "other=a"), 5);
        // A bundle of cosign's has no name.
        assert.equal(await asked("--check-name"), format === "bundle" ? 5 : 0);
      }

      const attested = await pushGadget(registry, "attested");
      await cosign.attest(attested.name, "https://example.org/report/v1");
      const { code, signatures } = await verifyRemote(registry, "attested:v1", [cosign]);
      assert.equal(code, 5);
      assert.match(signatures[0].reason, /it is an attestation \("https:\/\/example.org\/report\/v1"\)/);

      const { image } = await pushGadget(registry, "message");
      await Deno.writeFile(scratch.at("manifest.json"), image.root.bytes);
      const bundle = await cosign.signBlob(scratch.at("manifest.json"));
      const layer = blobOf(BUNDLE, bundle);
      const empty = blobOf("application/vnd.oci.empty.v1+json", "{}");
      await pushReferrer(registry, "message", image.root, [layer, empty], {
        schemaVersion: 2,
        mediaType: MANIFEST,
        artifactType: BUNDLE,
        config: descriptorOf(empty),
        layers: [descriptorOf(layer)],
      });
      assert.equal((await verifyRemote(registry, "message:v1", [cosign])).code, 0);
    },
  );

  peerTest(peers, `a signature of another image, as this one's, is refused in ${what}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const cosign = await cosignWithKeys(scratch);
    const signed = await pushGadget(registry, "victim");
    const other = makeGadget({ seed: "another" });
    await pushImage(registry, "victim", "other", other);
    for (const format of SIGNATURE_FORMATS) await cosign.sign(signed.name, format);
    assert.equal((await verifyRemote(registry, "victim:v1", [cosign])).code, 0);
    assert.match((await verifyRemote(registry, "victim:other", [cosign])).stderr, /it has no signature/);

    const tag = await readManifest(registry, "victim", attachmentTag(signed.image.root.digest, ".sig"));
    await pushManifest(registry, "victim", attachmentTag(other.root.digest, ".sig"), blobOf(MANIFEST, tag!.json));
    const { signatures } = await verifyRemote(registry, "victim:v1", [cosign]);
    for (const { digest } of signatures.filter(({ format }) => format !== "cosign tag")) {
      const { json } = (await readManifest(registry, "victim", digest))!;
      await pushReferrer(registry, "victim", other.root, [], json);
    }
    const refused = await verifyRemote(registry, "victim:other", [cosign]);
    assert.equal(refused.code, 5);
    assert.deepEqual(new Set(refused.signatures.map(({ format }) => format)), new Set(Object.values(FORMAT_NAMES)));
    for (const { isGood, reason } of refused.signatures) {
      assert.ok(!isGood);
      assert.match(reason, /^signed by the key [0-9a-f]+, but is for another image/);
    }
  });
}
