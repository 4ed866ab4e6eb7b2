import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { decode, encode, Tagged } from "cborg";
import {
  AUTHORITY,
  basicConstraints,
  type CertificateTraits,
  CODE_SIGNER,
  extendedKeyUsage,
  type Holder,
  keyUsage,
  makeAuthority,
  makeCertificate,
  Purpose,
  Usage,
} from "./_certificates_testing.ts";
import {
  AUTHENTIC_TIME,
  EXPIRY,
  FORMATS,
  IMAGE,
  judgeAll,
  judgeOne,
  makeEnvelope,
  makePolicy,
  makeSigner,
  type Parts,
  SCHEME,
  type Signer,
  SIGNING_TIME,
} from "./_testing.ts";

const [, digitalSignature, codeSigning] = CODE_SIGNER;
const [isAuthority, signsCertificates] = AUTHORITY;

/** What the certificate of who signs must not be like. */
const SIGNERS: Readonly<Record<string, { traits: CertificateTraits; reason: RegExp }>> = {
  "is for servers alone": {
    traits: { extensions: [digitalSignature, extendedKeyUsage([Purpose.serverAuth])] },
    reason: /is not for signing code/,
  },
  "is for clients and code": {
    traits: { extensions: [digitalSignature, extendedKeyUsage([Purpose.codeSigning, Purpose.clientAuth])] },
    reason: /is also for something else than signing code/,
  },
  "is for any purpose": {
    traits: { extensions: [digitalSignature, extendedKeyUsage([Purpose.any])] },
    reason: /is not for signing code/,
  },
  "is for no digital signatures": {
    traits: { extensions: [keyUsage([Usage.keyEncipherment]), codeSigning] },
    reason: /is not for digital signatures/,
  },
  "is for signing certificates too": {
    traits: { extensions: [keyUsage([Usage.digitalSignature, Usage.keyCertSign]), codeSigning] },
    reason: /is also for something else than signatures \(key usage keyCertSign\)/,
  },
  "has no key usage": { traits: { extensions: [codeSigning] }, reason: /is not for digital signatures/ },
  "has a key usage that is not critical": {
    traits: { extensions: [keyUsage([Usage.digitalSignature], false), codeSigning] },
    reason: /does not mark its key usage as critical/,
  },
  "is that of an authority": {
    traits: { extensions: [isAuthority, digitalSignature, codeSigning] },
    reason: /is that of an authority/,
  },
  "has an RSA key of 1024 bits": { traits: { key: 1024 }, reason: /a key of RSA has 1024 bits/ },
  "has a key on another curve": { traits: { key: "secp256k1" }, reason: /a key is of a kind|cannot be read/ },
  "is signed over SHA-1": { traits: { hash: "sha1" }, reason: /was not issued by the next one/ },
  "is of version 1": { traits: { version: 1 }, reason: /not of version 3/ },
  "has an extension twice": {
    traits: { extensions: [...CODE_SIGNER, extendedKeyUsage([Purpose.codeSigning])] },
    reason: /has the extension 2\.5\.29\.37 twice/,
  },
  "has a date that does not exist": {
    traits: { notAfter: "2026-13-41T00:00:00Z" },
    reason: /a date that does not exist|cannot be read/,
  },
};

for (const [what, { traits, reason }] of Object.entries(SIGNERS)) {
  Deno.test(`a signature by a certificate that ${what} is refused`, () => {
    const signer = makeSigner(traits);
    for (const format of FORMATS) refuses(signer, { format }, reason);
  });
}

function refuses(signer: Signer, parts: Parts, reason: RegExp): void {
  const found = judgeOne(signer, parts);
  assert.equal(found.isGood, false);
  assert.match(found.reason, reason);
}

/** Chains of certificates that are none, from who signs to the root that is trusted. */
const CHAINS: Readonly<Record<string, { make(root: Holder): readonly Holder[]; reason: RegExp }>> = {
  "to an authority that is not trusted": {
    make: (root) => {
      const upper = makeAuthority("upper");
      return [makeCertificate({ issuer: root }), makeAuthority("root", { issuer: upper })];
    },
    reason: /none of its certificates is in the trust store ca:example/,
  },
  "in the wrong order": {
    make: (root) => {
      const middle = makeAuthority("middle", { issuer: root });
      return [makeCertificate({ issuer: middle }), root, middle];
    },
    reason: /is the last one and no root/,
  },
  "with one that has nothing to do with it": {
    make: (root) => [makeCertificate({ issuer: root }), makeAuthority("other", { issuer: root }), root],
    reason: /was not issued by the next one/,
  },
  "by somebody who is no authority": {
    make: (root) => {
      const middle = makeCertificate({ issuer: root });
      return [makeCertificate({ issuer: middle, name: [["CN", "other"]] }), middle, root];
    },
    reason: /is not that of an authority/,
  },
  "by an authority whose constraints are not critical": {
    make: (root) => {
      const extensions = [basicConstraints(true, undefined, false), signsCertificates];
      const middle = makeAuthority("middle", { issuer: root, extensions });
      return [makeCertificate({ issuer: middle }), middle, root];
    },
    reason: /is not that of an authority/,
  },
  "by an authority that may not sign certificates": {
    make: (root) => {
      const middle = makeAuthority("middle", { issuer: root, extensions: [isAuthority, digitalSignature] });
      return [makeCertificate({ issuer: middle }), middle, root];
    },
    reason: /is not for signing certificates/,
  },
  "longer than an authority allows": {
    make: (root) => {
      const upper = makeAuthority("upper", {
        issuer: root,
        extensions: [basicConstraints(true, 0), signsCertificates],
      });
      const lower = makeAuthority("lower", { issuer: upper });
      return [makeCertificate({ issuer: lower }), lower, upper, root];
    },
    reason: /may have 0 authorities below it, and has 1/,
  },
  "by an authority with a weak key": {
    make: (root) => {
      const middle = makeAuthority("middle", { issuer: root, key: 1024 });
      return [makeCertificate({ issuer: middle }), middle, root];
    },
    reason: /has a key that is too weak/,
  },
  "with the root twice": {
    make: (root) => [makeCertificate({ issuer: root }), root, root],
    reason: /is a root, and others come behind it/,
  },
  "by a root of the same name": {
    make: () => {
      const forged = makeAuthority("root");
      return [makeCertificate({ issuer: forged }), forged];
    },
    reason: /none of its certificates is in the trust store ca:example/,
  },
  "by a root of the same name, with the right one in its place": {
    make: (root) => [makeCertificate({ issuer: makeAuthority("root") }), root],
    reason: /was not issued by the next one/,
  },
  "of too many": {
    make: (root) => Array.from({ length: 17 }, () => root),
    reason: /more than 16 certificates/,
  },
  "of none": { make: () => [], reason: /it has no certificate/ },
};

for (const [what, { make, reason }] of Object.entries(CHAINS)) {
  Deno.test(`a signature with a chain ${what} is refused`, () => {
    const root = makeAuthority("root");
    const chain = make(root);
    const leaf = chain[0] ?? makeCertificate({ issuer: root });
    for (const format of FORMATS) refuses({ leaf, chain, root }, { format }, reason);
  });
}

Deno.test("a certificate that is cut off, or has something behind its end, is refused", () => {
  const signer = makeSigner();
  const { leaf: { der }, root } = signer;
  for (const format of FORMATS) {
    for (const size of [0, 1, 2, 50, der.length - 1]) {
      const chain = [der.subarray(0, size), root.der];
      refuses(signer, { format, chain }, /a certificate (cannot be read|is missing)|it has no certificate/);
    }
    refuses(
      signer,
      { format, chain: [Buffer.concat([der, Buffer.from([0])]), root.der] },
      /a certificate cannot be read/,
    );
  }
});

/** What an envelope must not have. */
const ENVELOPES: Readonly<Record<string, { parts: Parts; reason: RegExp }>> = {
  "whose payload was changed after it was signed": {
    parts: { changed: { payload: { targetArtifact: { ...IMAGE.subject, digest: `sha256:${"0".repeat(64)}` } } } },
    reason: /one of them was changed/,
  },
  "whose payload is JSON of another kind": {
    parts: { payload: { critical: { image: { "docker-manifest-digest": IMAGE.subject.digest } } } },
    reason: /the payload names no artifact/,
  },
  "whose payload is a list": { parts: { payload: [] }, reason: /the payload is no JSON object/ },
  "with an annotation that is no text": {
    parts: { payload: { targetArtifact: { ...IMAGE.subject, annotations: { build: 7 } } } },
    reason: /the payload has an annotation that is no text/,
  },
  "whose payload is no JSON": { parts: { payload: "targetArtifact" }, reason: /the payload is not JSON/ },
  "whose payload names two artifacts": {
    parts: { payload: `{"targetArtifact":{},"targetArtifact":${JSON.stringify(IMAGE.subject)}}` },
    reason: /the payload has "targetArtifact" twice/,
  },
  "whose payload is of another type": {
    parts: { contentType: "application/json" },
    reason: /its content is not application\/vnd\.cncf\.notary\.payload\.v1\+json, but "application\/json"/,
  },
  "whose payload is of no type": { parts: { contentType: undefined }, reason: /its content is not/ },
  "with a critical header that is not known": {
    parts: { headers: { "example.unknown": 1 }, critical: [SCHEME, "example.unknown"] },
    reason: /the header "example.unknown" is critical, and not known/,
  },
  "with a critical header that all objects have": {
    parts: { critical: [SCHEME, "constructor"] },
    reason: /the header "constructor" is critical, and not known/,
  },
  "with a critical header that is missing": {
    parts: { critical: [SCHEME, EXPIRY] },
    reason: /the header "io.cncf.notary.expiry" is critical, and missing/,
  },
  "without critical headers": { parts: { critical: undefined }, reason: /does not say which headers are critical/ },
  "whose scheme is not critical": {
    parts: { critical: [SIGNING_TIME] },
    reason: /the header io.cncf.notary.signingScheme is not marked as critical/,
  },
  "whose expiry is not critical": {
    parts: { headers: { [EXPIRY]: "2027-01-01T00:00:00Z" }, critical: [SCHEME] },
    reason: /the header io.cncf.notary.expiry is not marked as critical/,
  },
  "that expires before it was made": {
    parts: { headers: { [EXPIRY]: "2026-04-30T00:00:00Z" } },
    reason: /it expires before it was made/,
  },
  "of a scheme that is not known": { parts: { headers: { [SCHEME]: "notary.x510" } }, reason: /scheme is none/ },
  "without a scheme": {
    parts: { headers: { [SCHEME]: undefined }, critical: [SIGNING_TIME] },
    reason: /scheme is none/,
  },
  "without a time": { parts: { headers: { [SIGNING_TIME]: undefined } }, reason: /signingTime is missing/ },
  "with the time of another scheme": {
    parts: { headers: { [AUTHENTIC_TIME]: "2026-05-01T00:00:00Z" } },
    reason: /authenticSigningTime does not go with notary.x509/,
  },
  "that needs a plugin of notation's": {
    parts: { headers: { "io.cncf.notary.verificationPlugin": "example" } },
    reason: /has to be verified by notation's plugin "example"/,
  },
};

Deno.test("a signature in JWS at a time that does not exist is refused", () => {
  for (const time of ["2026-02-30T00:00:00Z", "2026-05-01", "2026-05-01T25:00:00Z", "May 2026", 5, null, {}]) {
    refuses(makeSigner(), { headers: { [SIGNING_TIME]: time } }, /io\.cncf\.notary\.signingTime is (no time|missing)/);
  }
  assert.ok(judgeOne(makeSigner(), { headers: { [SIGNING_TIME]: "2026-05-01T02:00:00.25+02:00" } }).isGood);
});

for (const [what, { parts, reason }] of Object.entries(ENVELOPES)) {
  Deno.test(`a signature ${what} is refused`, () => {
    const signer = makeSigner();
    for (const format of FORMATS) refuses(signer, { ...parts, format }, reason);
  });
}

/** Changes a good envelope as JSON. */
function changedJws(change: (json: Record<string, unknown>) => void, signer: Signer) {
  const json = JSON.parse(makeEnvelope(signer).toString());
  change(json);
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  return judgeAll([{ envelope: Buffer.from(JSON.stringify(json)) }], trust);
}

/** What JWS has that COSE has not. */
const JWS: Readonly<Record<string, { change(json: Record<string, unknown>): void; reason: RegExp }>> = {
  "with several signatures": { change: (json) => json.signatures = [], reason: /it has several signatures/ },
  "with padding": { change: (json) => json.payload += "=", reason: /the payload is not base64url/ },
  "with garbage in base64": { change: (json) => json.signature += "!", reason: /the signature is not base64url/ },
  "with a line feed in base64": {
    change: (json) => json.protected += "\n",
    reason: /protected header is not base64url/,
  },
  "without a signature": { change: (json) => delete json.signature, reason: /the signature is missing/ },
  "with an empty signature": { change: (json) => json.signature = "", reason: /the signature is missing/ },
  "without a header": { change: (json) => delete json.header, reason: /it has no certificate/ },
  "with garbage in a certificate": {
    change: (json) => json.header = { x5c: ["MII!"] },
    reason: /a certificate is not base64/,
  },
  "with a name in both headers": {
    change: (json) => json.header = { ...json.header as object, cty: "x" },
    reason: /the header "cty" is there twice/,
  },
};

for (const [what, { change, reason }] of Object.entries(JWS)) {
  Deno.test(`a signature in JWS ${what} is refused`, () => {
    const answer = changedJws(change, makeSigner());
    assert.equal(answer.verdict, "rejected");
    assert.match(answer.reason, reason);
  });
}

Deno.test("the algorithm is the one that goes with the key, whatever the envelope says", () => {
  for (
    const [alg, reason] of [["none", /none that is allowed/], ["HS256", /none that is allowed/], [
      "RS256",
      /none that is allowed/,
    ], ["ES384", /made by ES384, and the key of its certificate is for ES256/]] as const
  ) {
    refuses(makeSigner(), { headers: { alg } }, reason);
  }
});

Deno.test("members of a JWS that no specification has are passed over, as RFC 7515 wants it", () => {
  assert.equal(changedJws((json) => json.other = 1, makeSigner()).verdict, "verified");
});

Deno.test("an envelope in COSE that is not tagged, is not closed, or has something behind its end is refused", () => {
  const signer = makeSigner();
  const good = makeEnvelope(signer, { format: "COSE" });
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  const judge = (envelope: Buffer) => judgeAll([{ envelope, format: "COSE" }], trust);
  assert.equal(judge(good).verdict, "verified");
  assert.match(judge(good.subarray(1)).reason, /the envelope is no COSE_Sign1/);
  assert.match(
    judge(Buffer.concat([Buffer.from([0xd2, 0x9f]), good.subarray(2), Buffer.from([0xff])])).reason,
    /is not CBOR/,
  );
  assert.match(judge(Buffer.concat([good, Buffer.from([0])])).reason, /is not CBOR/);
  assert.match(judge(Buffer.concat([Buffer.from([0xd2]), good])).reason, /the envelope is no COSE_Sign1/);
  assert.match(judge(good.subarray(0, good.length - 1)).reason, /is not CBOR/);
});

Deno.test("a header of COSE that is signed and unsigned is refused, and so is a message of five parts", () => {
  const signer = makeSigner();
  const trust = { notationPolicy: makePolicy(), notationCertificates: [signer.root.pem] };
  const change = (fn: (message: unknown[]) => void) => {
    const { value } = decode(makeEnvelope(signer, { format: "COSE" }), { useMaps: true, tags: Tagged.preserve(18) });
    fn(value);
    return judgeAll([{ envelope: encode(new Tagged(18, value)), format: "COSE" }], trust);
  };
  assert.equal(change(() => {}).verdict, "verified");
  const twice = change(([, unsigned]) => (unsigned as Map<unknown, unknown>).set(SCHEME, "notary.x509"));
  assert.match(twice.reason, /the header "io.cncf.notary.signingScheme" is there twice/);
  assert.match(change((message) => message.push(1)).reason, /the envelope is no COSE_Sign1/);
});

Deno.test("a certificate has to name its issuer as that one is named, and one algorithm", () => {
  const root = makeAuthority("root");
  const leaf = makeCertificate({ issuer: { ...root, name: makeAuthority("other").name } });
  refuses({ leaf, root, chain: [leaf, root] }, {}, /was not issued by the next one/);
  const sha384 = Buffer.from("06082a8648ce3d040303", "hex");
  const change = (tbs: Buffer) =>
    Buffer.from(tbs.toString("hex").replace("06082a8648ce3d040302", sha384.toString("hex")), "hex");
  const twoNames = makeCertificate({ issuer: root, change });
  refuses({ leaf: twoNames, root, chain: [twoNames, root] }, {}, /names two algorithms for its signature/);
});

Deno.test("a header in whose place is what cannot become a text spoils no signature beside it", () => {
  const { root, ...signer } = makeSigner();
  const good = makeEnvelope({ ...signer, root });
  const json = JSON.parse(good.toString());
  const headers = JSON.parse(Buffer.from(json.protected, "base64url").toString());
  const withHeader = (name: string, value: unknown) => {
    const changed = Buffer.from(JSON.stringify({ ...headers, [name]: value })).toString("base64url");
    return Buffer.from(JSON.stringify({ ...json, protected: changed }));
  };
  const odd = { toString: 1, valueOf: 1 };
  const bad = ["alg", "cty", SCHEME, "io.cncf.notary.signingTime", "io.cncf.notary.verificationPlugin"]
    .flatMap((name) => [withHeader(name, odd), withHeader(name, [odd])]);
  const crit = withHeader("crit", [...headers.crit, odd]);
  const cose = (algorithm: unknown) =>
    encode(new Tagged(18, [encode(new Map([[1, algorithm]])), new Map(), Uint8Array.of(1), Uint8Array.of(1)]));
  let nest: unknown = 1;
  for (let depth = 0; depth < 3000; depth++) nest = [nest];
  const parts = ["payload", "protected", "signature", "header"]
    .flatMap((name) => [odd, [odd]].map((value) => Buffer.from(JSON.stringify({ ...json, [name]: value }))));
  const artifacts = [
    ...[...bad, crit, ...parts].map((envelope) => ({ envelope })),
    ...[new Map(), 2n ** 60n, [2n ** 60n], nest].map((each) => ({ envelope: cose(each), format: "COSE" as const })),
    { envelope: good },
  ];
  const { verdict, evidence } = judgeAll(artifacts, { notationPolicy: makePolicy(), notationCertificates: [root.pem] });
  assert.equal(verdict, "verified");
  const fates = evidence.map((each) => (each as { isGood: boolean }).isGood);
  assert.deepEqual(fates, artifacts.map(({ envelope }) => envelope === good));
});
