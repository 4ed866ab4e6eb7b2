import { strict as assert } from "node:assert";
import { CODE_SIGNER, makeAuthority, makeCertificate, NOW, ocsp } from "./_certificates_testing.ts";
import { EXPIRY, IMAGE, judgeAll, judgeOne, makeEnvelope, makePolicy, makeSigner } from "./_testing.ts";
import { FormatError } from "../signing/format_error.ts";
import { readPolicy, statementFor } from "./policy.ts";

const SKIP = { signatureVerification: { level: "skip" }, trustStores: [], trustedIdentities: [] };

function level(name: string, override?: Record<string, string>) {
  return makePolicy({ signatureVerification: { level: name, ...(override && { override }) } });
}

/** A policy with several statements; each is like that of {@link makePolicy} but for what it says. */
function makePolicies(...statements: readonly Readonly<Record<string, unknown>>[]): string {
  const trustPolicies = statements.map((each) => JSON.parse(makePolicy(each)).trustPolicies[0]);
  return JSON.stringify({ version: "1.0", trustPolicies });
}

Deno.test("the statement that names the repository counts, whatever the tag and the digest, and else that for all", () => {
  const named = { name: "named", registryScopes: ["other.example.org/x", "registry.example.org/team/app"] };
  const statements = readPolicy(makePolicies({}, named));
  assert.equal(statementFor(statements, "registry.example.org/team/app")?.name, "named");
  for (const other of ["registry.example.org/team/app2", "registry.example.org/team", "*"]) {
    assert.equal(statementFor(statements, other)?.name, "images");
  }
  const signer = makeSigner();
  const trust = { notationPolicy: makePolicies({ ...named, ...SKIP }), notationCertificates: [signer.root.pem] };
  assert.equal(judgeAll([], trust).verdict, "verified");
});

Deno.test("a repository is the same by every name of its registry, so that none leads to the statement for all", () => {
  const strict = {
    name: "strict",
    registryScopes: ["Registry.example.org:443/team/app", "index.docker.io/library/app"],
  };
  const statements = readPolicy(makePolicies({ ...SKIP, registryScopes: ["*"] }, strict));
  const same = [
    "registry.example.org/team/app",
    "REGISTRY.example.org/team/app",
    "registry.example.org:443/team/app",
    "registry.example.org:0443/team/app",
    "docker.io/library/app",
    "Docker.io/app",
  ];
  for (const name of same) assert.equal(statementFor(statements, name)?.name, "strict", name);
  for (
    const other of ["registry.example.org:444/team/app", "registry.example.org:4430/team/app", "docker.io/team/app"]
  ) {
    assert.equal(statementFor(statements, other)?.name, "images", other);
  }
});

Deno.test("without a statement for the repository no signature is good", () => {
  const { root, ...signer } = makeSigner();
  const notationPolicy = makePolicy({ registryScopes: ["registry.example.org/team/other"] });
  const { verdict, evidence } = judgeAll([{ envelope: makeEnvelope({ ...signer, root }) }], {
    notationPolicy,
    notationCertificates: [root.pem],
  });
  assert.equal(verdict, "rejected");
  assert.match(JSON.stringify(evidence), /no statement for registry.example.org\/team\/app"/);
});

Deno.test("the level skip says that signatures are not looked at", () => {
  const { verdict, reason } = judgeAll([], { notationPolicy: makePolicy(SKIP) });
  assert.equal(verdict, "verified");
  assert.match(reason, /the statement "images" of the trust policy says that signatures are not looked at/);
});

Deno.test("levels tolerate what they do not enforce, and say so", () => {
  const signer = makeSigner();
  const expired = { headers: { [EXPIRY]: "2026-05-02T00:00:00Z" } };
  const foreign = { notationCertificates: [makeAuthority("other").pem] };
  const late = new Date("2027-01-01T00:00:00Z");
  const cases = [
    ["strict", expired, {}, NOW, false],
    ["permissive", expired, {}, NOW, true],
    ["audit", expired, {}, NOW, true],
    ["strict", {}, foreign, NOW, false],
    ["permissive", {}, foreign, NOW, false],
    ["audit", {}, foreign, NOW, true],
    ["strict", {}, {}, late, false],
    ["permissive", {}, {}, late, true],
  ] as const;
  for (const [name, parts, trust, now, expected] of cases) {
    const found = judgeOne(signer, parts, { notationPolicy: level(name), ...trust }, now);
    assert.equal(found.isGood, expected, `${name}: ${found.reason}`);
    if (expected) assert.match(found.reason, /good by the statement "images", which tolerates that/);
  }
});

Deno.test("no level tolerates a signature that is none, or one for another image", () => {
  const signer = makeSigner();
  const trust = { notationPolicy: level("audit") };
  const payload = { targetArtifact: { ...IMAGE.subject, size: 1 } };
  assert.equal(judgeOne(signer, { payload }, trust).isGood, false);
  assert.equal(judgeOne(signer, { changed: { payload: {} } }, trust).isGood, false);
});

Deno.test("an override changes what a level does", () => {
  const signer = makeSigner();
  const expired = { headers: { [EXPIRY]: "2026-05-02T00:00:00Z" } };
  assert.ok(judgeOne(signer, expired, { notationPolicy: level("strict", { expiry: "log" }) }).isGood);
  assert.ok(!judgeOne(signer, expired, { notationPolicy: level("audit", { expiry: "enforce" }) }).isGood);
});

Deno.test("whether a certificate was revoked is not known: that is refused unless the policy tolerates it", () => {
  const signer = makeSigner({ extensions: [...CODE_SIGNER, ocsp()] });
  const judge = (policy: string) => judgeOne(signer, {}, { notationPolicy: policy });
  assert.match(judge(level("strict")).reason, /whether the certificate "CN=signer, .*" was revoked is not known/);
  assert.match(judge(level("permissive")).reason, /tolerates that whether/);
  assert.match(judge(level("strict", { revocation: "skip" })).reason, /good by the statement "images"$/);
  const root = makeAuthority("root");
  const own = makeCertificate({ extensions: [...CODE_SIGNER, ocsp()] });
  assert.ok(judgeOne({ leaf: own, chain: [own], root: own }).isGood, "nobody could revoke a root");
  assert.ok(judgeOne({ ...makeSigner({ issuer: root }), root }).isGood === false);
});

Deno.test("a certificate has to be for one of the trusted identities", () => {
  const signer = makeSigner();
  const judge = (...trustedIdentities: string[]) =>
    judgeOne(signer, {}, { notationPolicy: makePolicy({ trustedIdentities }) });
  assert.ok(judge("x509.subject: C=US, ST=WA, O=Example").isGood);
  assert.ok(judge("x509.subject: C=US,S=WA,O=Example,CN=signer").isGood);
  assert.ok(judge("x509.subject: C=DE, ST=WA, O=Example", "x509.subject: C=US, ST=WA, O=Example").isGood);
  for (const other of ["C=US, ST=WA, O=Exampl", "C=US, ST=WA, O=Example, CN=root", "C=US, ST=WA, O=example"]) {
    assert.match(judge(`x509.subject: ${other}`).reason, /is none of the trusted identities/);
  }
});

Deno.test("without certificates nobody is trusted", () => {
  assert.match(judgeOne(makeSigner(), {}, { notationCertificates: [] }).reason, /is in the trust store ca:example/);
});

Deno.test("by certificates or a trust policy that cannot be read nothing is good", () => {
  const { leaf, root } = makeSigner();
  const policy = { notationPolicy: makePolicy() };
  const cases = [
    [{ ...policy, notationCertificates: [root.pem, leaf.pem] }, /"CN=signer, .*" is neither that of an authority nor/],
    [
      { ...policy, notationCertificates: ["-----BEGIN CERTIFICATE-----"] },
      /the certificates for notation: there is no/,
    ],
    [
      { ...policy, notationTimestampCertificates: ["x"] },
      /the certificates for timestamps: there is no certificate in PEM/,
    ],
    [{ notationPolicy: "{}", notationCertificates: [root.pem] }, /the trust policy is not of version 1\.0/],
  ] as const;
  for (const [trust, expected] of cases) {
    const { verdict, reason, evidence } = judgeAll([], trust);
    assert.deepEqual({ verdict, evidence }, { verdict: "rejected", evidence: [] });
    assert.match(reason, expected);
  }
});

const ANOTHER = { name: "another", registryScopes: ["r.example.org/x"] };

/** Trust policies that break a rule. */
const BROKEN: Readonly<Record<string, { text: string; reason: RegExp }>> = {
  "no JSON": { text: "y", reason: /the trust policy is not JSON/ },
  "a list": { text: "[]", reason: /the trust policy is no JSON object/ },
  "of another version": { text: '{"version":"1.1"}', reason: /not of version 1\.0/ },
  "without statements": { text: '{"version":"1.0","trustPolicies":[]}', reason: /has no statements/ },
  "with a name twice": { text: makePolicies({}, { ...ANOTHER, name: "images" }), reason: /have the name "images"/ },
  "with a scope twice": { text: makePolicies({}, { ...ANOTHER, registryScopes: ["*"] }), reason: /are for "\*"/ },
  "with a statement without a name": { text: makePolicy({ name: "" }), reason: /has no name/ },
  "with a scope by two names": {
    text: makePolicies({ registryScopes: ["r.example.org/x"] }, {
      ...ANOTHER,
      registryScopes: ["R.example.org:443/x"],
    }),
    reason: /are for "r.example.org\/x"/,
  },
  "without scopes": { text: makePolicy({ registryScopes: [] }), reason: /it has no registryScopes/ },
  "for all and one": {
    text: makePolicy({ registryScopes: ["*", "r.example.org/x"] }),
    reason: /`\*` does not go with other registryScopes/,
  },
  "for a pattern": { text: makePolicy({ registryScopes: ["r.example.org/*"] }), reason: /is no registry scope/ },
  "for a tag": { text: makePolicy({ registryScopes: ["r.example.org/x:v1"] }), reason: /is no registry scope/ },
  "for a registry": { text: makePolicy({ registryScopes: ["r.example.org"] }), reason: /is no registry scope/ },
  "of a level that is not known": {
    text: level("lax"),
    reason: /its level is none of strict, permissive, audit, skip/,
  },
  "of a level that all objects have": { text: level("constructor"), reason: /its level is none of/ },
  "with a word that is mistyped": {
    text: makePolicy({ signatureVerification: { level: "audit", overide: { authenticity: "enforce" } } }),
    reason: /a member "overide"/,
  },
  "that overrides integrity": {
    text: level("strict", { integrity: "log" }),
    reason: /"integrity" cannot be overridden/,
  },
  "that overrides what there is not": { text: level("strict", { x: "log" }), reason: /"x" cannot be overridden/ },
  "that skips authenticity": {
    text: level("strict", { authenticity: "skip" }),
    reason: /authenticity cannot be skipped/,
  },
  "that overrides by another word": { text: level("strict", { expiry: "x" }), reason: /none of enforce, log, skip/ },
  "that overrides skip": {
    text: makePolicy({ ...SKIP, signatureVerification: { level: "skip", override: { expiry: "log" } } }),
    reason: /the level skip cannot be overridden/,
  },
  "that skips and trusts": {
    text: makePolicy({ signatureVerification: { level: "skip" } }),
    reason: /it trusts somebody, and its level is skip/,
  },
  "without stores": { text: makePolicy({ trustStores: [] }), reason: /it has no trustStores/ },
  "with timestamps alone": { text: makePolicy({ trustStores: ["tsa:time"] }), reason: /it has no trustStores/ },
  "with a store of another type": { text: makePolicy({ trustStores: ["x:y"] }), reason: /"x:y" is no trust store/ },
  "with a store that leads elsewhere": { text: makePolicy({ trustStores: ["ca:../x"] }), reason: /is no trust store/ },
  "with two stores": {
    text: makePolicies({}, { ...ANOTHER, trustStores: ["ca:other"] }),
    reason: /several trust stores \(ca:example, ca:other\)/,
  },
  "without identities": { text: makePolicy({ trustedIdentities: [] }), reason: /it has no trustedIdentities/ },
  "with anybody and one": {
    text: makePolicy({ trustedIdentities: ["*", "x509.subject: C=US, ST=WA, O=x"] }),
    reason: /`\*` does not go with other trustedIdentities/,
  },
  "with an identity of another kind": {
    text: makePolicy({ trustedIdentities: ["email:a@example.org"] }),
    reason: /is no identity/,
  },
  "with identities of which one takes in the other": {
    text: makePolicy({ trustedIdentities: ["x509.subject: C=US, ST=WA, O=x", "x509.subject: C=US, ST=WA, O=x, CN=y"] }),
    reason: /takes in another one/,
  },
  "with an identity that lacks the organization": {
    text: makePolicy({ trustedIdentities: ["x509.subject: C=US, ST=WA"] }),
    reason: /lacks O: C, ST and O are the least/,
  },
};

for (const [what, { text, reason }] of Object.entries(BROKEN)) {
  Deno.test(`a trust policy ${what} is refused`, () => {
    assert.throws(() => readPolicy(text), (error) => error instanceof FormatError && reason.test(error.message));
  });
}
