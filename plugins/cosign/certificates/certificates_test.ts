import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { makeSigstore, PERSON, PROVIDER, SIGNING_TIME } from "../../../tests/harness/sigstore/mod.ts";
import { bundled, digestOf, ecdsa, ed25519, IMAGE, judge, rsa, statementFor } from "../_testing.ts";
import { annotated, certifiedBundle, certifiedMessage, ENTRY_KINDS, fate, fateOf, trusting } from "./_testing.ts";

Deno.test("a bundle with a certificate is good if it is of somebody who is trusted, and the evidence says who and when", async () => {
  const sigstore = makeSigstore();
  const bundle = certifiedBundle({ sigstore });
  const answer = await judge([bundled({ ...bundle })], trusting(sigstore));
  assert.equal(answer.verdict, "verified", answer.reason);
  assert.equal(answer.reason, `signed by "${PERSON.email}", as "${PROVIDER}" says`);
  const [entry] = bundle.verificationMaterial.tlogEntries;
  const { identity, issuer, signedAt, log, algorithm, certificate } = answer.evidence[0] as Record<string, unknown>;
  assert.deepEqual({ identity, issuer, signedAt, log, algorithm, certificate }, {
    identity: PERSON.email,
    issuer: PROVIDER,
    signedAt: SIGNING_TIME.toISOString(),
    log: { id: Buffer.from(entry.logId.keyId, "base64").toString("hex"), index: Number(entry.logIndex) },
    algorithm: "ECDSA SHA-256",
    certificate: digestOf(Buffer.from(bundle.verificationMaterial.certificate.rawBytes, "base64")).slice(
      "sha256:".length,
    ),
  });
});

for (const kind of ENTRY_KINDS) {
  Deno.test(`an entry of the kind ${kind} is understood`, async () => {
    const sigstore = makeSigstore();
    const bundle = certifiedBundle({ sigstore, kind, proofs: ["entry", "timestamp"] });
    assert.equal(await fateOf(bundle, trusting(sigstore)), "good");
  });
}

Deno.test("keys of each kind may have a certificate", async () => {
  const sigstore = makeSigstore();
  const keys = [
    [ecdsa("P-384", "sha384"), "sha384"],
    [ecdsa("P-521", "sha512"), "sha512"],
    [rsa(), "sha256"],
    [ed25519(), "sha256"],
    [ed25519(true), "sha512"],
  ] as const;
  for (const [{ key, sign }, hash] of keys) {
    const signer = {
      spki: key.export({ format: "der", type: "spki" }),
      sign: (bytes: Uint8Array) => Buffer.from(sign(bytes)),
    };
    for (const kind of ["dsse", "hashedrekord"] as const) {
      assert.equal(await fateOf(certifiedBundle({ sigstore, key: signer, kind, hash }), trusting(sigstore)), "good");
    }
  }
});

Deno.test("a signature over the manifest of the image is good", async () => {
  const sigstore = makeSigstore();
  assert.equal(await fateOf(certifiedMessage({ sigstore }), trusting(sigstore)), "good");
});

Deno.test("with timestamps alone a signature is good where no log is trusted, and not where one is", async () => {
  const sigstore = makeSigstore();
  const bundle = certifiedBundle({ sigstore, proofs: ["timestamp"] });
  assert.equal(await fateOf(bundle, trusting(sigstore, (root) => ({ ...root, tlogs: [] }))), "good");
  assert.match(await fateOf(bundle, trusting(sigstore)), /^it is in no transparency log/);
});

Deno.test("cosign 2's annotations are judged alike: by the promise of the log, or by a timestamp", async () => {
  const sigstore = makeSigstore();
  assert.equal(fate(await judge([annotated(sigstore)], trusting(sigstore))), "good");
  const stamped = annotated(sigstore, ({ "dev.sigstore.cosign/bundle": _bundle, ...rest }, signature) => ({
    ...rest,
    "dev.sigstore.cosign/rfc3161timestamp": JSON.stringify({
      SignedRFC3161Timestamp: sigstore.timestamps.stamp(signature, SIGNING_TIME).toString("base64"),
    }),
  }));
  assert.equal(fate(await judge([stamped], trusting(sigstore, (root) => ({ ...root, tlogs: [] })))), "good");
  assert.match(fate(await judge([stamped], trusting(sigstore))), /^it is in no transparency log/);
});

Deno.test("where no log of certificates is trusted, none has to have the certificate", async () => {
  const sigstore = makeSigstore();
  const bundle = certifiedBundle({ sigstore, certificate: { isLogged: false } });
  assert.match(await fateOf(bundle, trusting(sigstore)), /expected 1 SCTs, got 0/);
  assert.equal(await fateOf(bundle, trusting(sigstore, (root) => ({ ...root, ctlogs: [] }))), "good");
});

Deno.test("what has been signed has to be this image", async () => {
  const sigstore = makeSigstore();
  const statement = statementFor(digestOf(Buffer.from("another image")));
  assert.match(await fateOf(certifiedBundle({ sigstore, statement }), trusting(sigstore)), /but.* for another image/);
});

Deno.test("a key that is trusted needs no certificate, and an identity does not count for a key", async () => {
  const sigstore = makeSigstore();
  const { identities } = trusting(sigstore);
  const answer = await judge([bundled({ ...certifiedBundle({ sigstore }) })], { identities });
  assert.match(answer.reason, /give --trusted-root/);
  assert.equal(answer.verdict, "rejected");
});

Deno.test("a good one among bad ones suffices", async () => {
  const sigstore = makeSigstore();
  const other = makeSigstore();
  const artifacts = [other, sigstore, other].map((each) => bundled({ ...certifiedBundle({ sigstore: each }) }));
  const answer = await judge([...artifacts, annotated(other)], trusting(sigstore));
  assert.equal(answer.verdict, "verified");
  assert.deepEqual(answer.evidence.map((each) => (each as { isGood: boolean }).isGood), [false, true, false, false]);
  assert.equal(IMAGE.digest.length, 71);
});
