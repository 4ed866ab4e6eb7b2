import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import type { SignRequest } from "../../lib/plugin/contract.ts";
import { AUTHORITY, makeAuthority, makeCertificate, NOW, sha256 } from "./_certificates_testing.ts";
import { IMAGE, judgeAll, makePolicy, makeSigner, type Signer } from "./_testing.ts";
import { sign } from "./sign.ts";

const TIME = NOW.getTime() / 1000;

function requestOf({ leaf, chain }: Signer, more: Partial<SignRequest> = {}): SignRequest {
  return {
    ...IMAGE,
    key: leaf.key.export({ format: "pem", type: "pkcs8" }).toString(),
    certificateChain: chain.map(({ pem }) => pem).join(""),
    annotations: {},
    time: TIME,
    format: "jws",
    ...more,
  };
}

function envelopeOf(request: SignRequest): Buffer {
  const [{ layers: [{ data }] }] = sign(request, "1.2.3").artifacts;
  return Buffer.from(data, "base64");
}

for (const key of ["P-256", "P-384", "P-521", 2048, 3072, 4096] as const) {
  Deno.test(`what is signed by a key of ${key} is good, with its annotations`, () => {
    const signer = makeSigner({ key });
    const envelope = envelopeOf(requestOf(signer, { annotations: { build: "7" } }));
    const trust = {
      notationPolicy: makePolicy(),
      notationCertificates: [signer.root.pem],
      annotations: { build: "7" },
    };
    const { verdict, evidence: [evidence] } = judgeAll([{ envelope }], trust);
    assert.equal(verdict, "verified");
    assert.deepEqual(evidence, {
      ...evidence as Record<string, string>,
      signingTime: "2026-06-01T12:00:00Z",
      agent: "satchel/1.2.3",
      annotations: { build: "7" },
    });
  });
}

Deno.test("the same key, image and time give the same signature, by ECDSA", () => {
  const request = requestOf(makeSigner());
  assert.deepEqual(sign(request, "1"), sign(request, "1"));
  assert.notDeepEqual(sign(request, "1"), sign({ ...request, time: TIME + 1 }, "1"));
});

Deno.test("a signature is stored as notation stores its own", () => {
  const signer = makeSigner();
  const { artifacts: [artifact] } = sign(requestOf(signer), "1");
  const { artifactType, config, annotations, layers: [{ mediaType }] } = artifact;
  assert.deepEqual({ artifactType, config, annotations, mediaType }, {
    artifactType: "application/vnd.cncf.notary.signature",
    config: { mediaType: "application/vnd.cncf.notary.signature", data: Buffer.from("{}").toString("base64") },
    annotations: {
      "io.cncf.notary.x509chain.thumbprint#S256": JSON.stringify(signer.chain.map(({ der }) => sha256(der))),
      "org.opencontainers.image.created": "2026-06-01T12:00:00Z",
    },
    mediaType: "application/jose+json",
  });
});

Deno.test("no signature is made that would not be good", () => {
  const signer = makeSigner();
  const other = makeSigner();
  const root = makeAuthority("root");
  const leaf = makeCertificate({ issuer: root, extensions: AUTHORITY });
  const cases: [SignRequest, RegExp][] = [
    [requestOf(signer, { key: requestOf(other).key }), /the key is not that of the first certificate/],
    [requestOf({ ...signer, chain: [signer.leaf] }), /is the last one and no root/],
    [requestOf({ ...signer, chain: [signer.root, signer.leaf] }), /is the last one and no root/],
    [requestOf({ leaf, root, chain: [leaf, root] }), /is that of an authority/],
    [requestOf(makeSigner({ key: 1024 })), /1024 bits/],
    [requestOf(signer, { time: Date.parse("2027-01-01T00:00:00Z") / 1000 }), /on 2027-01-01T00:00:00Z, .* expired on/],
    [requestOf(signer, { certificateChain: undefined }), /the certificates of the key are missing/],
    [requestOf(signer, { certificateChain: "x" }), /there is no certificate in PEM/],
    [requestOf(signer, { key: undefined }), /there is no key to sign with/],
    [requestOf(signer, { format: "bundle" }), /are not made in the format bundle/],
    [requestOf(signer, { annotations: { "io.cncf.notary.x": "y" } }), /is reserved for Notary Project/],
  ];
  for (const [request, reason] of cases) assert.throws(() => sign(request, "1"), reason);
});

Deno.test("what is said of a key that is none has nothing of it", () => {
  const secret = "MIGHAgEAMBMGByqGSM49";
  const key = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
  try {
    sign(requestOf(makeSigner(), { key }), "1");
    assert.fail("it was taken");
  } catch (error) {
    assert.ok(error instanceof Error && !error.message.includes(secret) && !String(error.stack).includes(secret));
  }
});
