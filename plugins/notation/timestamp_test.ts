import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import {
  AUTHORITY,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  makeAuthority,
  makeCertificate,
  ocsp,
  Purpose,
  Usage,
} from "./_certificates_testing.ts";
import { AUTHENTIC_TIME, EXPIRY, FORMATS, judgeOne, makePolicy, makeSigner, SCHEME, SIGNING_TIME } from "./_testing.ts";
import { makeTimeAuthority, makeToken, type TimeAuthority, type TokenParts } from "./_timestamps_testing.ts";

const WITH_TIME = { trustStores: ["ca:example", "tsa:time"] };
const AFTER = new Date("2027-03-01T00:00:00Z");

/** Judges a signature with a timestamp when its certificates have expired. */
function judge(authority: TimeAuthority, parts: TokenParts = {}, trusted = authority, format: "JWS" | "COSE" = "JWS") {
  const trust = {
    notationPolicy: makePolicy(WITH_TIME),
    notationTimestampCertificates: [trusted.root.pem],
  };
  const timestamp = (signature: Uint8Array) => makeToken(authority, signature, parts);
  return judgeOne(makeSigner(), { format, timestamp }, trust, AFTER);
}

for (const format of FORMATS) {
  Deno.test(`a timestamp in ${format} vouches for certificates that have expired since`, () => {
    const authority = makeTimeAuthority();
    const { isGood, reason, ...found } = judge(authority, {}, authority, format);
    assert.ok(isGood, reason);
    assert.deepEqual(found, { ...found, timestamp: "2026-05-01T00:00:00Z" });
  });
}

/** What a timestamp must not be like. */
const REFUSED: Readonly<Record<string, { parts: TokenParts; reason: RegExp }>> = {
  "made when the certificates had expired": {
    parts: { time: "20270101000000Z" },
    reason: /the certificate "CN=.*" expired on 2026-12-31/,
  },
  "that may have been made when the certificates had expired": {
    parts: { time: "20261231235950Z", accuracy: 30 },
    reason: /the certificate "CN=(root|signer), .*" expired on 2026-12-31/,
  },
  "made before the certificates were": { parts: { time: "20251231235959Z" }, reason: /is valid from 2026-01-01/ },
  "that is exact to a second by its policy, and may be late": {
    parts: { time: "20261231235959Z", policy: "0.4.0.2023.1.1" },
    reason: /expired on 2026-12-31/,
  },
  "whose time was changed": { parts: { changed: { time: "20260502000000Z" } }, reason: /its content was changed/ },
  "whose time does not exist": { parts: { time: "20261301000000Z" }, reason: /its time does not exist/ },
  "whose time is a local one": { parts: { time: "20260501000000" }, reason: /its time cannot be read/ },
  "of another version": { parts: { version: 2 }, reason: /it is not of version 1/ },
  "without signers": { parts: { signers: 0 }, reason: /it has 0 signers/ },
  "with two signers": { parts: { signers: 2 }, reason: /it has 2 signers/ },
  "that has other content": { parts: { contentType: "1.2.840.113549.1.7.1" }, reason: /it is no timestamp/ },
  "without its certificate": { parts: { certificates: [] }, reason: /the certificate of its authority is not in it/ },
  "signed by another key": { parts: { signer: makeCertificate() }, reason: /its signature is wrong/ },
};

for (const [what, { parts, reason }] of Object.entries(REFUSED)) {
  Deno.test(`a timestamp ${what} is refused`, () => {
    const found = judge(makeTimeAuthority(), parts);
    assert.equal(found.isGood, false);
    assert.match(found.reason, reason);
  });
}

Deno.test("a timestamp that names two certificates is refused", () => {
  assert.match(judge(makeTimeAuthority(), { identified: makeCertificate() }).reason, /it names two certificates/);
});

Deno.test("a timestamp by an authority that is not trusted is refused, even one of the same name", () => {
  const found = judge(makeTimeAuthority(), {}, makeTimeAuthority());
  assert.match(found.reason, /its timestamp is not good: its authority is not trusted/);
});

Deno.test("a timestamp by a certificate that is not for timestamps alone is refused", () => {
  const usage = keyUsage([Usage.digitalSignature]);
  const others = [
    [usage],
    [usage, extendedKeyUsage([Purpose.timeStamping])],
    [usage, extendedKeyUsage([Purpose.timeStamping, Purpose.codeSigning], true)],
    [usage, extendedKeyUsage([Purpose.codeSigning], true)],
  ];
  for (const extensions of others) {
    assert.match(judge(makeTimeAuthority({ extensions })).reason, /is not for timestamps alone/);
  }
});

Deno.test("a timestamp below an authority that is for something else is refused", () => {
  const root = makeAuthority("time root");
  const extensions = [...AUTHORITY, extendedKeyUsage([Purpose.serverAuth])];
  const middle = makeAuthority("middle", { issuer: root, extensions });
  const { leaf } = makeTimeAuthority({ issuer: middle });
  const found = judge({ root: middle, leaf }, { certificates: [leaf, middle, root] }, { root, leaf });
  assert.match(found.reason, /is not for those that make timestamps/);
});

Deno.test("a timestamp whose certificate had expired when it was made is refused", () => {
  const authority = makeTimeAuthority({ notAfter: "2026-04-01T00:00:00Z" });
  assert.match(judge(authority).reason, /when it was made, the certificate "CN=time, C=US" expired on 2026-04-01/);
});

Deno.test("a timestamp over another signature is refused", () => {
  const authority = makeTimeAuthority();
  const trust = { notationPolicy: makePolicy(WITH_TIME), notationTimestampCertificates: [authority.root.pem] };
  const timestamp = () => makeToken(authority, Buffer.from("another"));
  assert.match(judgeOne(makeSigner(), { timestamp }, trust).reason, /it is for another signature/);
});

Deno.test("a timestamp that is cut off is refused", () => {
  const authority = makeTimeAuthority();
  const trust = { notationPolicy: makePolicy(WITH_TIME), notationTimestampCertificates: [authority.root.pem] };
  for (const size of [1, 20, 300]) {
    const timestamp = (signature: Uint8Array) => makeToken(authority, signature).subarray(0, size);
    assert.match(judgeOne(makeSigner(), { timestamp }, trust).reason, /its timestamp is not good: it cannot be read/);
  }
});

Deno.test("a token whose certificates all have the same name takes no longer than others", () => {
  const authority = makeTimeAuthority();
  const root = makeAuthority("other root");
  const many: typeof root[] = [];
  for (let each = 0; each < 14; each++) many.push(makeAuthority("time root", { issuer: root, name: [["CN", "same"]] }));
  const issuer = many[0];
  const { leaf } = makeTimeAuthority({ issuer });
  const found = judge({ root: issuer, leaf }, { certificates: [leaf, ...many] }, authority);
  assert.match(found.reason, /its authority is not trusted|in too many ways/);
});

Deno.test("where the policy names timestamp authorities a timestamp has to be there, or only when certificates have expired", () => {
  const { root } = makeTimeAuthority();
  const policies = {
    always: makePolicy(WITH_TIME),
    afterCertExpiry: makePolicy({
      ...WITH_TIME,
      signatureVerification: { level: "strict", verifyTimestamp: "afterCertExpiry" },
    }),
  };
  const judge = (notationPolicy: string, now?: Date) =>
    judgeOne(makeSigner(), {}, { notationPolicy, notationTimestampCertificates: [root.pem] }, now);
  assert.match(judge(policies.always).reason, /it has no timestamp, and the trust policy wants one/);
  assert.ok(judge(policies.afterCertExpiry).isGood);
  assert.match(judge(policies.afterCertExpiry, AFTER).reason, /it has no timestamp/);
  assert.match(judge(policies.afterCertExpiry, new Date("2025-01-01T00:00:00Z")).reason, /is valid from/);
});

Deno.test("a signing authority vouches for the time itself", () => {
  const headers = {
    [SCHEME]: "notary.x509.signingAuthority",
    [SIGNING_TIME]: undefined,
    [AUTHENTIC_TIME]: "2026-05-01T00:00:00Z",
  };
  const notationPolicy = makePolicy({ trustStores: ["signingAuthority:example"] });
  const signer = makeSigner();
  for (const format of FORMATS) {
    const parts = { format, headers, critical: [SCHEME, AUTHENTIC_TIME] };
    assert.ok(judgeOne(signer, parts, { notationPolicy }, AFTER).isGood);
    assert.match(judgeOne(signer, parts).reason, /needs a trust store of the type signingAuthority/);
    assert.match(
      judgeOne(signer, { ...parts, critical: [SCHEME] }, { notationPolicy }).reason,
      /is not marked as critical/,
    );
    const late = { ...parts, headers: { ...headers, [AUTHENTIC_TIME]: "2027-05-01T00:00:00Z" } };
    assert.match(judgeOne(signer, late, { notationPolicy }, AFTER).reason, /expired on/);
    const ended = { ...late, headers: { ...headers, [EXPIRY]: "2026-05-02T00:00:00Z" } };
    const critical = [SCHEME, AUTHENTIC_TIME, EXPIRY];
    assert.match(judgeOne(signer, { ...ended, critical }, { notationPolicy }).reason, /the signature expired on/);
  }
});

Deno.test("a timestamp whose certificate could have been revoked is as good as the policy says of revocation", () => {
  const extensions = [
    basicConstraints(false),
    keyUsage([Usage.digitalSignature]),
    extendedKeyUsage([Purpose.timeStamping], true),
    ocsp(),
  ];
  const authority = makeTimeAuthority({ extensions });
  assert.match(judge(authority).reason, /whether the certificate "CN=time, C=US" was revoked is not known/);
});
