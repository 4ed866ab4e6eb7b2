import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import {
  BUNDLE_TYPE,
  bundled,
  type BundleJson,
  digestOf,
  ecdsa,
  ed25519,
  envelopeBundle,
  fates,
  IMAGE,
  judge,
  messageBundle,
  referrer,
  simpleSigning,
  statementFor,
  tagged,
} from "./_testing.ts";

const OURS = ecdsa();
const OTHERS = ecdsa();
const TRUST = { publicKeys: [OURS.publicKey] };
const ANOTHER = digestOf(Buffer.from("another image"));
const HEX = IMAGE.digest.slice("sha256:".length);

/** What a test changes in a bundle, or puts into it. */
interface Parts {
  [name: string]: unknown;
}

function withMaterial(bundle: BundleJson, change: Parts): BundleJson {
  return { ...bundle, verificationMaterial: { ...bundle.verificationMaterial as Parts, ...change } };
}

function withEnvelope(bundle: BundleJson, change: Parts): BundleJson {
  return { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope as Parts, ...change } };
}

function withMessage(bundle: BundleJson, change: Parts): BundleJson {
  return { ...bundle, messageSignature: { ...bundle.messageSignature as Parts, ...change } };
}

const good = () => envelopeBundle([OURS]);
const signedStatement = (change: Parts) => envelopeBundle([OURS], statementFor(IMAGE.digest, change));

const GOOD: Record<string, () => BundleJson> = {
  "with an envelope": good,
  "of the longer media type": () => ({ ...good(), mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3" }),
  "with an older statement": () => signedStatement({ _type: "https://in-toto.io/Statement/v0.1" }),
  "with the image as the second subject": () =>
    signedStatement({ subject: [{ digest: { sha256: "00" } }, { name: "x", digest: { sha256: HEX, sha512: "00" } }] }),
  "with members of the statement that are not known": () => signedStatement({ note: 1 }),
  "with a keyid, which says nothing": () => {
    const [{ sig }] = good().dsseEnvelope.signatures as { sig: string }[];
    return withEnvelope(good(), { signatures: [{ sig, keyid: "another" }] });
  },
  "with a message signature": () => messageBundle(OURS),
  "with a message signature without digest": () => withMessage(messageBundle(OURS), { messageDigest: undefined }),
};

for (const [what, bundle] of Object.entries(GOOD)) {
  Deno.test(`a bundle ${what} is good`, async () => {
    const answer = await judge([bundled(bundle())], TRUST);
    assert.equal(answer.verdict, "verified");
    assert.equal((answer.evidence[0] as { format: string }).format, "sigstore bundle");
  });
}

const BAD: Record<string, { bundle: () => BundleJson | Uint8Array; reason: RegExp }> = {
  "by another key": { bundle: () => envelopeBundle([OTHERS]), reason: /^not signed by any of the public keys$/ },
  "with a message by another key": { bundle: () => messageBundle(OTHERS), reason: /^not signed by any/ },
  "of another image": {
    bundle: () => envelopeBundle([OURS], statementFor(ANOTHER)),
    reason: new RegExp(`^signed by the key .*, but is for another image \\("${ANOTHER}"\\)$`),
  },
  "with a message that is another image": {
    bundle: () => messageBundle(OURS, Buffer.from("another image")),
    reason: /^it is for another image$/,
  },
  "with a message that is another image and hides it": {
    bundle: () => withMessage(messageBundle(OURS, Buffer.from("another image")), { messageDigest: undefined }),
    reason: /^not signed by any/,
  },
  "with a message by a hash that is not known": {
    bundle: () => withMessage(messageBundle(OURS), { messageDigest: { algorithm: "MD5", digest: "AAAA" } }),
    reason: /the digest of the message is by "MD5"/,
  },
  "with further parts of the message": {
    bundle: () => withMessage(messageBundle(OURS), { critical: true }),
    reason: /the message signature has a member "critical"/,
  },
  "with a message signature that is empty": {
    bundle: () => withMessage(messageBundle(OURS), { signature: "" }),
    reason: /the message signature is missing/,
  },
  "whose payload was changed afterwards": {
    bundle: () =>
      withEnvelope(good(), {
        payload: Buffer.from(JSON.stringify(statementFor(IMAGE.digest, { predicate: { a: 1 } }))).toString("base64"),
      }),
    reason: /^not signed/,
  },
  "whose payload was signed as it is, without the envelope's type": {
    bundle: () => {
      const payload = Buffer.from(JSON.stringify(statementFor()));
      return withEnvelope(good(), { signatures: [{ sig: Buffer.from(OURS.sign(payload)).toString("base64") }] });
    },
    reason: /^not signed/,
  },
  "with a payload of another type": {
    bundle: () => envelopeBundle([OURS], statementFor(), "application/json"),
    reason: /payload of the type "application\/json", not application\/vnd.in-toto\+json/,
  },
  "with a statement of another kind": {
    bundle: () => signedStatement({ _type: "https://example.org/Statement" }),
    reason: /no in-toto statement/,
  },
  "with JSON of another kind": { bundle: () => envelopeBundle([OURS], { a: 1 }), reason: /no in-toto statement/ },
  "with what cosign 2 signs": {
    bundle: () => envelopeBundle([OURS], simpleSigning(OURS).bytes),
    reason: /no in-toto statement/,
  },
  "with no JSON": { bundle: () => envelopeBundle([OURS], Buffer.from("x")), reason: /the statement is not JSON/ },
  "without a subject": { bundle: () => signedStatement({ subject: [] }), reason: /no subject/ },
  "with a subject that is no object": { bundle: () => signedStatement({ subject: [HEX] }), reason: /without digest/ },
  "with a subject without digest": { bundle: () => signedStatement({ subject: [{ name: "x" }] }), reason: /without/ },
  "with the digest by another algorithm": {
    bundle: () => signedStatement({ subject: [{ digest: { sha512: HEX } }] }),
    reason: /is for another image/,
  },
  "with a digest that is no text": {
    bundle: () => signedStatement({ subject: [{ digest: { sha256: [HEX] } }] }),
    reason: /without digest/,
  },
  "with a subject twice in one object": {
    bundle: () => {
      const subject = (hex: string) => `"subject":[{"digest":{"sha256":"${hex}"}}]`;
      const json = JSON.stringify(statementFor()).replace(subject(HEX), `${subject("00")},${subject(HEX)}`);
      return envelopeBundle([OURS], Buffer.from(json));
    },
    reason: /the statement has "subject" twice/,
  },
  "without predicateType": { bundle: () => signedStatement({ predicateType: null }), reason: /no predicateType/ },
  "of another version": {
    bundle: () => ({ ...good(), mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2" }),
    reason: /version=0.2", and version 0.3 is read/,
  },
  "of no version": { bundle: () => ({ ...good(), mediaType: undefined }), reason: /version 0.3 is read/ },
  "with further parts": {
    bundle: () => ({ ...good(), criticalExtension: {} }),
    reason: /the bundle has a member "criticalExtension", which is not known/,
  },
  "with further material": {
    bundle: () => withMaterial(good(), { revoked: true }),
    reason: /"verificationMaterial" has a member "revoked"/,
  },
  "with further parts of the envelope": {
    bundle: () => withEnvelope(good(), { protected: "" }),
    reason: /the envelope has a member "protected"/,
  },
  "with further parts of the signature": {
    bundle: () => withEnvelope(good(), { signatures: [{ sig: "AAAA", alg: "none" }] }),
    reason: /a signature of the envelope has a member "alg"/,
  },
  "without material": { bundle: () => ({ ...good(), verificationMaterial: undefined }), reason: /no verificationMat/ },
  "with neither key nor certificate": {
    bundle: () => ({ ...good(), verificationMaterial: {} }),
    reason: /either a public key or a certificate/,
  },
  "with key and certificate": {
    bundle: () => withMaterial(good(), { certificate: { rawBytes: "AAAA" } }),
    reason: /either a public key or a certificate/,
  },
  "with a certificate": {
    bundle: () => ({ ...envelopeBundle([OTHERS]), verificationMaterial: { certificate: { rawBytes: "AAAA" } } }),
    reason: /^made with a certificate: give --certificate-identity$/,
  },
  "with a certificate and several signatures": {
    bundle: () => ({
      ...envelopeBundle([OTHERS, OTHERS]),
      verificationMaterial: { certificate: { rawBytes: "AAAA" } },
    }),
    reason: /a certificate and several signatures/,
  },
  "with envelope and message": {
    bundle: () => ({ ...messageBundle(OURS), ...good() }),
    reason: /either an envelope or a message signature/,
  },
  "with neither of the two": {
    bundle: () => ({ ...good(), dsseEnvelope: undefined }),
    reason: /either an envelope or a message signature/,
  },
  "without signatures": {
    bundle: () => withEnvelope(good(), { signatures: [] }),
    reason: /the envelope has no signatures/,
  },
  "with a signature that is a text": {
    bundle: () => withEnvelope(good(), { signatures: ["AAAA"] }),
    reason: /a signature of the envelope is no object/,
  },
  "in base64 with garbage": {
    bundle: () => withEnvelope(good(), { signatures: [{ sig: "AA AA" }] }),
    reason: /a signature of the envelope is not base64/,
  },
  "with a payload in base64 with garbage": {
    bundle: () => withEnvelope(good(), { payload: `${good().dsseEnvelope.payload}\n` }),
    reason: /the payload of the envelope is not base64/,
  },
  "that is a list": { bundle: () => Buffer.from("[]"), reason: /the bundle is no JSON object/ },
  "that is no JSON": { bundle: () => Buffer.from("{"), reason: /the bundle is not JSON/ },
  "that has a part twice": {
    bundle: () => Buffer.from(JSON.stringify(good()).replace('"dsseEnvelope"', '"dsseEnvelope":{},"dsseEnvelope"')),
    reason: /the bundle has "dsseEnvelope" twice/,
  },
};

for (const [what, { bundle, reason }] of Object.entries(BAD)) {
  Deno.test(`a bundle ${what} is not good`, async () => {
    const answer = await judge([bundled(bundle())], TRUST);
    assert.equal(answer.verdict, "rejected");
    assert.match(answer.reason, reason);
    assert.ok(fates(answer).every((fate) => fate === answer.reason || answer.reason.includes(fate)));
  });
}

Deno.test("one good signature of an envelope suffices, wherever it stands", async () => {
  const sets = [[OURS, OTHERS, OTHERS], [OTHERS, OURS, OTHERS], [OTHERS, OTHERS, OURS]];
  for (const signers of sets) {
    const answer = await judge([bundled(envelopeBundle(signers))], TRUST);
    assert.equal(answer.verdict, "verified");
    assert.deepEqual(fates(answer).map((fate) => fate === "good"), signers.map((signer) => signer === OURS));
  }
  const bundle = envelopeBundle([OURS]);
  bundle.dsseEnvelope.signatures.unshift({ sig: "!" }, 1);
  const broken = fates(await judge([bundled(bundle)], TRUST));
  assert.deepEqual(broken.map((fate) => fate === "good"), [false, false, true]);
});

Deno.test("one good signature of one of several formats suffices, wherever it stands", async () => {
  const bad = [
    tagged(simpleSigning(OTHERS)),
    bundled(envelopeBundle([OTHERS])),
    bundled(Buffer.from("{")),
    bundled(messageBundle(OTHERS)),
  ];
  for (const good of [tagged(simpleSigning(OURS)), bundled(envelopeBundle([OURS])), bundled(messageBundle(OURS))]) {
    for (let place = 0; place <= bad.length; place++) {
      const answer = await judge(bad.toSpliced(place, 0, good), TRUST);
      assert.equal(answer.verdict, "verified");
      assert.equal(fates(answer).indexOf("good"), place);
    }
  }
});

Deno.test("an attestation signs no image, whoever made it: it is told, and there is no signature", async () => {
  const attestation = bundled(signedStatement({ predicateType: "https://slsa.dev/provenance/v1" }));
  const alone = await judge([attestation], TRUST);
  assert.equal(alone.verdict, "none");
  assert.deepEqual(fates(alone), ['it is an attestation ("https://slsa.dev/provenance/v1"), which signs no image']);

  const withBad = await judge([attestation, bundled(envelopeBundle([OTHERS]))], TRUST);
  assert.equal(withBad.verdict, "rejected");
  const withGood = await judge([attestation, bundled(good())], TRUST);
  assert.equal(withGood.verdict, "verified");
});

Deno.test("annotations and a name that are asked for are those of the subject that is the image", async () => {
  const subject = [
    { name: "registry.example.org/team/other", digest: { sha256: ANOTHER.slice(7) }, annotations: { team: "b" } },
    { name: "an/alias", digest: { sha256: HEX }, annotations: { team: "c" } },
    { name: IMAGE.repository, digest: { sha256: HEX }, annotations: { team: "a" } },
  ];
  const artifacts = [bundled(signedStatement({ subject }))];
  const asked = async (more: object) => fates(await judge(artifacts, { ...TRUST, ...more }))[0].replace(/.*, but /, "");
  assert.equal(await asked({ annotations: { team: "a" }, checkName: true }), "good");
  assert.equal(await asked({ annotations: { team: "b" } }), 'has another value of the annotation "team"');
  assert.equal(await asked({ annotations: { who: "a" } }), 'has no annotation "who"');

  const renamed = await judge(artifacts, { ...TRUST, checkName: true }, { reference: "registry.example.org/x:v1" });
  assert.match(renamed.reason, /is for the name "an\/alias"$/);
  const nameless = await judge([bundled(good()), bundled(messageBundle(OURS))], { ...TRUST, checkName: true });
  assert.match(nameless.reason, /none of 2 signatures is good: .*says no name of the image$/);
});

Deno.test("a message signature needs the image's manifest", async () => {
  const answer = await judge([bundled(messageBundle(OURS))], TRUST, { manifest: undefined });
  assert.equal(answer.reason, "it is over the image's manifest, which is not at hand");
});

Deno.test("a message is signed by Ed25519 too", async () => {
  for (const signer of [ed25519(), ed25519(true)]) {
    const answer = await judge([bundled(messageBundle(signer))], { publicKeys: [signer.publicKey] });
    assert.equal(answer.verdict, "verified");
  }
});

Deno.test("a referrer of a bundle's type, of whatever version, that has none is told as what it is", async () => {
  const bytes = Buffer.from(JSON.stringify(good()));
  const older = "application/vnd.dev.sigstore.bundle+json;version=0.1";
  const empty = await judge([referrer(BUNDLE_TYPE, { mediaType: "text/plain", bytes })], TRUST);
  assert.equal(empty.reason, "the manifest has no layer that is a signature");
  const old = await judge([referrer(older, { mediaType: older, bytes })], TRUST);
  assert.equal(old.verdict, "verified");
  const other = await judge([referrer(`${BUNDLE_TYPE}x`, { mediaType: BUNDLE_TYPE, bytes })], TRUST);
  assert.equal(other.verdict, "none");
});

Deno.test("a bundle that somebody has given the tag of signatures stays a bundle", async () => {
  const tag = `${IMAGE.digest.replace(":", "-")}.sig`;
  const answer = await judge([{ ...bundled(good()), tag }], TRUST);
  assert.equal(answer.verdict, "verified");
  assert.equal((answer.evidence[0] as { format: string }).format, "sigstore bundle");
});
