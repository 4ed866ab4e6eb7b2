import { strict as assert } from "node:assert";
import { makeAuthority, makeCertificate, sha256 } from "./_certificates_testing.ts";
import {
  EXPIRY,
  FORMATS,
  IMAGE,
  judgeAll,
  judgeOne,
  makeArtifact,
  makeEnvelope,
  makePolicy,
  makeSigner,
} from "./_testing.ts";
import { verify } from "./verify.ts";

const KEYS = { PS256: 2048, PS384: 3072, PS512: 4096, ES256: "P-256", ES384: "P-384", ES512: "P-521" } as const;

for (const format of FORMATS) {
  for (const [algorithm, key] of Object.entries(KEYS)) {
    Deno.test(`a signature by ${algorithm} in ${format} is good`, () => {
      const { isGood, reason, ...found } = judgeOne(makeSigner({ key }), { format });
      assert.ok(isGood, reason);
      assert.deepEqual(found, { ...found, format: `notation ${format}`, algorithm });
    });
  }

  Deno.test(`a signature in ${format} by a chain of three is good, and so is one by a certificate that signed itself`, () => {
    const root = makeAuthority("root");
    const middle = makeAuthority("middle", { issuer: root });
    const leaf = makeCertificate({ issuer: middle });
    assert.ok(judgeOne({ leaf, chain: [leaf, middle, root], root }, { format }).isGood);
    assert.ok(judgeOne({ leaf, chain: [leaf, middle, root], root: middle }, { format }).isGood);
    const own = makeCertificate();
    assert.ok(judgeOne({ leaf: own, chain: [own], root: own }, { format }).isGood);
  });
}

Deno.test("certificates may be signed by RSASSA-PSS, with a salt as long as the hash", () => {
  const root = makeAuthority("root", { key: 2048, pssSalt: 32 });
  for (const [hash, pssSalt] of [["sha256", 32], ["sha384", 48], ["sha512", 64]] as const) {
    const leaf = makeCertificate({ issuer: root, hash, pssSalt });
    assert.ok(judgeOne({ leaf, root, chain: [leaf, root] }).isGood);
  }
  for (const [hash, pssSalt] of [["sha256", 20], ["sha384", 32], ["sha1", 20]] as const) {
    const leaf = makeCertificate({ issuer: root, hash, pssSalt });
    assert.match(judgeOne({ leaf, root, chain: [leaf, root] }).reason, /was not issued by the next one/);
  }
});

Deno.test("one good signature among bad ones is enough, wherever it stands, and each one's fate is told", () => {
  const signer = makeSigner();
  const good = { envelope: makeEnvelope(signer) };
  const foreign = { envelope: makeEnvelope(makeSigner()) };
  const broken = { envelope: new TextEncoder().encode("{}") };
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  for (const order of [[good, foreign, broken], [foreign, good, broken], [foreign, broken, good]]) {
    const { verdict, evidence } = judgeAll(order, trust);
    assert.equal(verdict, "verified");
    assert.deepEqual(evidence.map((each) => (each as { isGood: boolean }).isGood), order.map((each) => each === good));
  }
  const { verdict, reason } = judgeAll([foreign, broken, foreign], trust);
  assert.equal(verdict, "rejected");
  assert.match(
    reason,
    /^none of 3 signatures is good: none of its certificates is in the trust store ca:example; [^;]*$/,
  );
});

Deno.test("a thousand signatures of strangers do not hide a good one", () => {
  const signer = makeSigner();
  const foreign = { envelope: makeEnvelope(makeSigner()) };
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  const all = [...Array.from({ length: 999 }, () => foreign), { envelope: makeEnvelope(signer) }];
  const { verdict, evidence } = judgeAll(all, trust);
  assert.deepEqual({ verdict, count: evidence.length }, { verdict: "verified", count: 1000 });
});

Deno.test("without a trust policy, and without signatures of notation's, there is nothing to judge", () => {
  const { root } = makeSigner();
  assert.equal(judgeAll([], { notationCertificates: [root.pem] }).verdict, "none");
  assert.equal(judgeAll([], { notationPolicy: makePolicy(), notationCertificates: [root.pem] }).verdict, "none");
});

Deno.test("what a signature is for is the image's digest, size and type", () => {
  const signer = makeSigner();
  const { subject } = IMAGE;
  const others = [
    [{ ...subject, digest: `sha256:${sha256(new Uint8Array())}` }, /it is for another image, "sha256:/],
    [{ ...subject, size: subject.size + 1 }, /whose manifest has/],
    [
      { ...subject, mediaType: "application/vnd.oci.image.index.v1+json" },
      /of the type "application\/vnd.oci.image.index/,
    ],
  ] as const;
  for (const format of FORMATS) {
    for (const [targetArtifact, reason] of others) {
      const found = judgeOne(signer, { format, payload: { targetArtifact } });
      assert.equal(found.isGood, false);
      assert.match(found.reason, reason);
    }
  }
});

Deno.test("annotations that are wanted have to be in the signature, with their values", () => {
  const signer = makeSigner();
  const payload = { targetArtifact: { ...IMAGE.subject, annotations: { build: "7", "__proto__": "x" } } };
  assert.ok(judgeOne(signer, { payload }, { annotations: { build: "7" } }).isGood);
  assert.match(
    judgeOne(signer, { payload }, { annotations: { build: "8" } }).reason,
    /the annotation "build" is "7" in it/,
  );
  assert.match(judgeOne(signer, {}, { annotations: { build: "7" } }).reason, /the annotation "build" is not in it/);
  assert.match(
    judgeOne(signer, {}, { annotations: { toString: "x" } }).reason,
    /the annotation "toString" is not in it/,
  );
});

Deno.test("notation's signatures say no name, so none is good where the name is asked for", () => {
  assert.match(judgeOne(makeSigner(), {}, { checkName: true }).reason, /the name of the image is asked for/);
});

Deno.test("a signature is good until its expiry", () => {
  const signer = makeSigner();
  for (const format of FORMATS) {
    const parts = { format, headers: { [EXPIRY]: "2026-06-01T12:00:00Z" } };
    assert.ok(judgeOne(signer, parts, {}, new Date("2026-06-01T11:59:59Z")).isGood);
    assert.match(judgeOne(signer, parts).reason, /the signature expired on 2026-06-01T12:00:00Z/);
  }
});

Deno.test("certificates have to be valid at the time of verification, all of them", () => {
  const root = makeAuthority("root", { notAfter: "2026-06-01T00:00:00Z" });
  const leaf = makeCertificate({ issuer: root });
  assert.match(
    judgeOne({ leaf, root, chain: [leaf, root] }).reason,
    /the certificate "CN=root, .*" expired on 2026-06-01/,
  );
  const signer = makeSigner();
  assert.match(judgeOne(signer, {}, {}, new Date("2027-01-01T00:00:00Z")).reason, /CN=(root|signer), .* expired on/);
  assert.match(
    judgeOne(signer, {}, {}, new Date("2025-12-31T00:00:00Z")).reason,
    /is valid from 2026-01-01T00:00:00Z on/,
  );
});

Deno.test("an artifact that has no envelope, several, or one that is not read is told of", () => {
  const signer = makeSigner();
  const artifact = makeArtifact(makeEnvelope(signer));
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  const [layer] = artifact.layers;
  const cases = [
    [[], /it has 0 layers/],
    [[layer, layer], /it has 2 layers/],
    [[{ descriptor: layer.descriptor }], /it is too large for a signature/],
    [[{ ...layer, descriptor: { ...layer.descriptor, mediaType: "constructor" } }], /of no known type: "constructor"/],
    [[{ ...layer, descriptor: { ...layer.descriptor, mediaType: "application/cose" } }], /is not CBOR/],
  ] as const;
  for (const [layers, reason] of cases) {
    const answer = verify({ ...IMAGE, artifacts: [{ ...artifact, layers }], trust });
    assert.equal(answer.verdict, "rejected");
    assert.match(answer.reason, reason);
  }
});
