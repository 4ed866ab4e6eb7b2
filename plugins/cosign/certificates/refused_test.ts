import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import {
  CODE_SIGNING,
  der,
  KEY_ENCIPHERMENT,
  makeKeyPair,
  makeSigstore,
  SIGNING_TIME,
} from "../../../tests/harness/sigstore/mod.ts";
import { judge } from "../_testing.ts";
import {
  annotated,
  type CertifiedBundle,
  certifiedBundle,
  ENTRY_KINDS,
  fate,
  fateOf,
  type SignOptions,
  trusting,
} from "./_testing.ts";

const sigstore = makeSigstore();
const another = makeSigstore();
const UNKNOWN = { oid: "1.2.3.4", value: der.sequence() };

/** A minute and an hour away from when things are signed, in milliseconds. */
const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Certificates and proofs that were never good, each with what is said of it. */
const MADE_BADLY: Readonly<Record<string, [Omit<SignOptions, "sigstore">, RegExp]>> = {
  "by a certificate that had expired": [
    { certificate: { notBefore: new Date(SIGNING_TIME.getTime() - HOUR) } },
    /^said to be made 2026-05-06T07:08:09.000Z, and its certificate is valid from 2026-05-06T06:08:09.000Z to /,
  ],
  "by a certificate that was not valid yet": [
    { certificate: { notBefore: new Date(SIGNING_TIME.getTime() + MINUTE) } },
    /^said to be made 2026-05-06T07:08:09.000Z, and its certificate is valid from 2026-05-06T07:09:09.000Z to /,
  ],
  "by a certificate that is for nothing": [{ certificate: { usages: [] } }, /not for code signing/],
  "by a certificate for servers": [{ certificate: { usages: ["1.3.6.1.5.5.7.3.1"] } }, /not for code signing/],
  "by a certificate whose key is not for signatures": [
    { certificate: { keyUsage: KEY_ENCIPHERMENT } },
    /not for signatures/,
  ],
  "by a certificate with an extension that is critical and unknown": [
    { certificate: { extensions: [{ ...UNKNOWN, isCritical: true }] } },
    /the critical extension 1\.2\.3\.4, which is not known/,
  ],
  "by a certificate that has an extension twice": [
    { certificate: { extensions: [UNKNOWN, UNKNOWN] } },
    /an extension twice/,
  ],
  "by a certificate that is that of an authority": [
    { certificate: { extensions: [{ oid: "2.5.29.19", value: der.sequence(der.boolean(true)) }] } },
    /that of an authority/,
  ],
  "by a certificate that no log of certificates has": [{ certificate: { isLogged: false } }, /expected 1 SCTs, got 0/],
  "for somebody else": [{ certificate: { name: { email: "else@example.org" } } }, /"else@example.org".* not trusted$/],
  "for somebody whose name only starts alike": [
    { certificate: { name: { email: "someone@example.org.example.com" } } },
    /not trusted$/,
  ],
  "for somebody whose name is longer by a byte that no text has": [
    { certificate: { name: { email: "someone@example.org\0" } } },
    /not trusted$/,
  ],
  "for whom somebody else vouches": [
    { certificate: { issuer: "https://accounts.example.com" } },
    /^its certificate is for .*, as "https:\/\/accounts.example.com" says, who is not trusted$/,
  ],
  "for whom nobody vouches": [{ certificate: { issuer: null } }, /as nobody says, who is not trusted$/],
  "without anything that proves it": [{ proofs: [] }, /^nothing that is trusted says when it was made/],
  ...Object.fromEntries(
    ENTRY_KINDS.map((kind) => [
      `with an entry (${kind}) that has something else as what was signed`,
      [
        { kind, loggedContent: Buffer.from("something else"), proofs: ["entry", "timestamp"] },
        /^its entry in the transparency log is about another signature/,
      ],
    ]),
  ),
  ...Object.fromEntries(
    ENTRY_KINDS.map((kind) => [
      `with an entry (${kind}) that has another certificate`,
      [
        { kind, loggedCertificate: sigstore.certify(makeKeyPair()), proofs: ["entry", "timestamp"] },
        /entry in the log is about another certificate/,
      ],
    ]),
  ),
  "with an entry of Rekor 2 alone, which tells no time": [
    { kind: "dsse 0.0.2" },
    /^nothing that is trusted says when it was made/,
  ],
  "before its log was there": [
    { at: new Date("2019-01-01T00:00:00Z"), certificate: { notBefore: new Date("2019-01-01T00:00:00Z") } },
    /^its certificate is of no authority that is trusted/,
  ],
};

for (const [name, [options, reason]] of Object.entries(MADE_BADLY)) {
  Deno.test(`a signature ${name} is refused`, async () => {
    assert.match(await fateOf(certifiedBundle({ sigstore, ...options }), trusting(sigstore)), reason);
  });
}

/** What somebody may change afterwards. */
const CHANGED: Readonly<Record<string, [(bundle: CertifiedBundle) => unknown, RegExp]>> = {
  "the signature of the promise": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionPromise }] } }) =>
      inclusionPromise!.signedEntryTimestamp = makeKeyPair().sign(Buffer.from("")).toString("base64"),
    /^the promise of the transparency log is not good/,
  ],
  "the time that is promised": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) =>
      entry.integratedTime = String(Number(entry.integratedTime) + 1),
    /^the promise of the transparency log is not good/,
  ],
  "the index that is promised": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) => entry.logIndex = "7",
    /^the promise of the transparency log is not good/,
  ],
  "a hash of the proof": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof }] } }) =>
      inclusionProof!.hashes[0] = Buffer.alloc(32).toString("base64"),
    /^the proof that it is in the transparency log is not good/,
  ],
  "the number of hashes of the proof": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof }] } }) => inclusionProof!.hashes.pop(),
    /^the proof that it is in the transparency log is not good/,
  ],
  "the place in the proof": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof }] } }) => inclusionProof!.logIndex = "1",
    /^the proof that it is in the transparency log is not good/,
  ],
  "the root of the proof": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof }] } }) =>
      inclusionProof!.rootHash = Buffer.alloc(32).toString("base64"),
    /about another state of the log/,
  ],
  "the root of the proof and of the checkpoint": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof: proof }] } }) => {
      const root = Buffer.alloc(32).toString("base64");
      proof!.checkpoint.envelope = proof!.checkpoint.envelope.replace(proof!.rootHash, root);
      proof!.rootHash = root;
    },
    /^the proof that it is in the transparency log is not good \("invalid checkpoint signature"\)/,
  ],
  "the checkpoint for that of another log": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) => {
      const [{ inclusionProof }] = certifiedBundle({ sigstore: another }).verificationMaterial.tlogEntries;
      entry.inclusionProof = inclusionProof;
    },
    /^the proof that it is in the transparency log is not good/,
  ],
  "the proof, which is taken away": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) => delete entry.inclusionProof,
    /without the proof/,
  ],
  "the promise, which is taken away": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) => delete entry.inclusionPromise,
    /^nothing that is trusted says when it was made/,
  ],
  "the entry, which is taken away": [
    ({ verificationMaterial }) => verificationMaterial.tlogEntries = [],
    /^nothing that is trusted says when it was made/,
  ],
  "the entry for that of another signature": [
    ({ verificationMaterial }) =>
      verificationMaterial.tlogEntries = certifiedBundle({ sigstore }).verificationMaterial.tlogEntries,
    /^its entry in the transparency log is about another signature/,
  ],
  "the number of entries, by the same one again": [
    ({ verificationMaterial: { tlogEntries } }) => tlogEntries.push(tlogEntries[0]),
    /duplicate/,
  ],
  "the number of entries, by many": [
    ({ verificationMaterial }) => verificationMaterial.tlogEntries = Array(9).fill(verificationMaterial.tlogEntries[0]),
    /more than 8/,
  ],
  "the kind of the entry": [
    ({ verificationMaterial: { tlogEntries: [{ kindVersion }] } }) => kindVersion.kind = "hashedrekord",
    /^its entry in the transparency log is about another signature/,
  ],
  "an entry, by a member that nobody knows": [
    ({ verificationMaterial: { tlogEntries: [entry] } }) => Object.assign(entry, { critical: true }),
    /a member "critical", which is not known/,
  ],
  "the proof, by a member that nobody knows": [
    ({ verificationMaterial: { tlogEntries: [{ inclusionProof }] } }) =>
      Object.assign(inclusionProof!, { critical: 1 }),
    /a member "critical", which is not known/,
  ],
  "the certificate for one of the same person's": [
    ({ verificationMaterial }) =>
      verificationMaterial.certificate = certifiedBundle({ sigstore }).verificationMaterial.certificate,
    /^not signed by the key of its certificate$/,
  ],
  "the certificate, by bytes behind it": [
    ({ verificationMaterial: { certificate } }) =>
      certificate.rawBytes = Buffer.concat([Buffer.from(certificate.rawBytes, "base64"), Buffer.of(0)]).toString(
        "base64",
      ),
    /certificate cannot be read/,
  ],
  "the certificate, of which half is taken away": [
    ({ verificationMaterial: { certificate } }) =>
      certificate.rawBytes = Buffer.from(certificate.rawBytes, "base64").subarray(0, 200).toString("base64"),
    /certificate cannot be read/,
  ],
  "the certificate for text that is not base64": [
    ({ verificationMaterial: { certificate } }) => certificate.rawBytes = `${certificate.rawBytes}!`,
    /not base64/,
  ],
  "what has been signed": [
    ({ dsseEnvelope }) => {
      const payload = Buffer.from(dsseEnvelope!.payload, "base64").toString();
      dsseEnvelope!.payload = Buffer.from(payload.replace("{}", "{ }")).toString("base64");
    },
    /^not signed by the key of its certificate$/,
  ],
};

for (const [name, [change, reason]] of Object.entries(CHANGED)) {
  Deno.test(`a bundle is refused after somebody has changed ${name}`, async () => {
    const bundle = certifiedBundle({ sigstore });
    change(bundle);
    assert.match(await fateOf(bundle, trusting(sigstore)), reason);
  });
}

/** Times that prove nothing. */
const STAMPED: Readonly<Record<string, [(bundle: CertifiedBundle) => Uint8Array[], RegExp]>> = {
  "is of another signature": [
    () => [sigstore.timestamps.stamp(Buffer.from("another"), SIGNING_TIME)],
    /timestamp could not be verified/,
  ],
  "is by another authority": [
    (bundle) => [another.timestamps.stamp(signatureOf(bundle), SIGNING_TIME)],
    /timestamp could not be verified/,
  ],
  "is of a time when the certificate was not valid": [
    (bundle) => [sigstore.timestamps.stamp(signatureOf(bundle), new Date(SIGNING_TIME.getTime() + HOUR))],
    /^said to be made 2026-05-06T08:08:09.000Z, and its certificate is valid/,
  ],
  "is one of two, and the other is of a time when the certificate was not valid": [
    (bundle) =>
      [0, HOUR].map((later) =>
        sigstore.timestamps.stamp(signatureOf(bundle), new Date(SIGNING_TIME.getTime() + later))
      ),
    /^said to be made 2026-05-06T08:08:09.000Z, and its certificate is valid/,
  ],
  "is there twice": [
    (bundle) => Array(2).fill(sigstore.timestamps.stamp(signatureOf(bundle), SIGNING_TIME)),
    /duplicate timestamp/,
  ],
  "is cut off": [
    (bundle) => [sigstore.timestamps.stamp(signatureOf(bundle), SIGNING_TIME).subarray(0, 100)],
    /^its proofs cannot be read$/,
  ],
  "is an answer without a timestamp": [
    () => [der.sequence(der.sequence(der.integer(2)))],
    /^its proofs cannot be read$/,
  ],
};

for (const [name, [stamp, reason]] of Object.entries(STAMPED)) {
  Deno.test(`a bundle is refused whose timestamp ${name}`, async () => {
    const bundle = certifiedBundle({ sigstore });
    bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = stamp(bundle).map((bytes) => ({
      signedTimestamp: Buffer.from(bytes).toString("base64"),
    }));
    assert.match(await fateOf(bundle, trusting(sigstore)), reason);
  });
}

function signatureOf({ dsseEnvelope }: CertifiedBundle): Uint8Array {
  return Buffer.from(dsseEnvelope!.signatures[0].sig, "base64");
}

Deno.test("what somebody else's authorities, logs and timestamps vouch for is refused, whichever it is", async () => {
  const bundle = certifiedBundle({ sigstore, proofs: ["entry", "timestamp"] });
  const strange = another.trustedRoot();
  for (const name of ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"] as const) {
    const reason = await fateOf(bundle, trusting(sigstore, (root) => ({ ...root, [name]: strange[name] })));
    assert.notEqual(reason, "good", name);
  }
  assert.equal(await fateOf(bundle, trusting(sigstore)), "good");
});

Deno.test("annotations that are not whole or were changed are refused", async () => {
  const name = (each: string) => `dev.sigstore.cosign/${each}`;
  const changes: [string, (text: string) => string, RegExp][] = [
    ["bundle", () => "", /^nothing that is trusted says when it was made/],
    ["bundle", () => "{}", /"?the entry of the log is missing/],
    [
      "bundle",
      (text) => text.replace(/(?<="integratedTime":)\d+/, (time) => String(Number(time) + 1)),
      /promise of the transparency log/,
    ],
    ["bundle", (text) => text.replace('"Payload":{', '"Payload":{"critical":true,'), /a member "critical"/],
    ["bundle", (text) => text.replace(/"logID":"../, '"logID":"zz'), /name of a log/],
    ["certificate", (text) => text + text, /not one in PEM/],
    ["certificate", (text) => text.replaceAll("CERTIFICATE", "PUBLIC KEY"), /not one in PEM/],
    ["rfc3161timestamp", () => '{"SignedRFC3161Timestamp":"MAA="}', /proofs cannot be read/],
    ["rfc3161timestamp", () => "{", /not JSON/],
  ];
  for (const [annotation, change, reason] of changes) {
    const artifact = annotated(sigstore, (given) => ({
      ...given,
      [name(annotation)]: change(given[name(annotation)] ?? ""),
    }));
    assert.match(fate(await judge([artifact], trusting(sigstore))), reason);
  }
});

Deno.test("the authorities that come along with a signature are not trusted", async () => {
  assert.match(
    fate(await judge([annotated(another)], trusting(sigstore))),
    /^its certificate is of no authority|^the promise/,
  );
});

Deno.test("a certificate for a weak key is refused", async () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const certificate = sigstore.certify({ spki: publicKey.export({ format: "der", type: "spki" }) }, {
    usages: [CODE_SIGNING],
  });
  const bundle = certifiedBundle({ sigstore });
  bundle.verificationMaterial.certificate.rawBytes = certificate.toString("base64");
  assert.match(await fateOf(bundle, trusting(sigstore)), /RSA key of 1024 bits is too weak/);
});
