import fc from "fast-check";
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { type Format, FORMATS, judgeAll, makeEnvelope, makePolicy, makeSigner } from "./_testing.ts";
import { makeTimeAuthority, makeToken } from "./_timestamps_testing.ts";
import { FormatError } from "../signing/format_error.ts";
import { readCertificate } from "./certificate.ts";
import { readCose } from "./cose.ts";
import { readJws } from "./jws.ts";
import { parseName } from "./distinguished_name.ts";
import { readPolicy } from "./policy.ts";
import { readPayload } from "./payload.ts";
import { verifyTimestamp } from "./timestamp.ts";

/** Bytes with some of them changed, left out or put in. */
function changed(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat(bytes.length - 1),
    length: fc.nat(8),
    by: fc.uint8Array({ maxLength: 8 }),
  });
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) =>
    changes.reduce(
      (result, { at, length, by }) =>
        Buffer.concat([result.subarray(0, at), by, result.subarray(Math.min(result.length, at + length))]),
      Buffer.from(bytes),
    )
  );
}

/** Runs something on many inputs; it may throw no other error than that the input is not as it should be. */
function throwsFormatErrorsAlone<T>(inputs: fc.Arbitrary<T>, read: (input: T) => unknown, numRuns = 500): void {
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        read(input);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { numRuns },
  );
}

const signer = makeSigner();
const authority = makeTimeAuthority();
const trust = {
  notationPolicy: makePolicy({ trustStores: ["ca:example", "tsa:time"] }),
  notationCertificates: [signer.root.pem],
  notationTimestampCertificates: [authority.root.pem],
};
const timestamp = (signature: Uint8Array) => makeToken(authority, signature);
const ENVELOPES: Record<Format, Buffer> = {
  JWS: makeEnvelope(signer, { timestamp }),
  COSE: makeEnvelope(signer, { timestamp, format: "COSE" }),
};
const READERS = { JWS: readJws, COSE: readCose };

for (const format of FORMATS) {
  Deno.test(`an envelope in ${format} that was changed anywhere is refused or says the same`, () => {
    const judge = (envelope: Uint8Array) => {
      const { verdict, evidence: [evidence] } = judgeAll([{ envelope, format }], trust);
      // That of the manifest, which is another one.
      return { verdict, evidence: { ...evidence as Record<string, unknown>, digest: "" } };
    };
    const good = judge(ENVELOPES[format]);
    assert.equal(good.verdict, "verified");
    fc.assert(
      fc.property(changed(ENVELOPES[format]), (envelope) => {
        const found = judge(envelope);
        if (found.verdict !== "rejected") assert.deepEqual(found, good);
      }),
      { numRuns: 300 },
    );
  });

  Deno.test(`whatever stands in place of an envelope in ${format} is read or told of`, () => {
    throwsFormatErrorsAlone(fc.uint8Array({ maxLength: 300 }), READERS[format]);
    throwsFormatErrorsAlone(fc.json().map((text) => Buffer.from(text)), READERS[format]);
    throwsFormatErrorsAlone(changed(ENVELOPES[format]), READERS[format]);
  });
}

Deno.test("the parts of JWS may be anything", () => {
  const value = fc.oneof(fc.string(), fc.jsonValue(), fc.json().map((text) => Buffer.from(text).toString("base64url")));
  const envelope = fc.record({ payload: value, protected: value, header: value, signature: value });
  throwsFormatErrorsAlone(envelope.map((each) => Buffer.from(JSON.stringify(each))), readJws);
  const headers = fc.dictionary(fc.constantFrom("alg", "crit", "cty", "io.cncf.notary.signingScheme"), fc.jsonValue());
  const made = headers.map((each) => {
    const json = JSON.parse(ENVELOPES.JWS.toString());
    const known = JSON.parse(Buffer.from(json.protected, "base64url").toString());
    return Buffer.from(
      JSON.stringify({ ...json, protected: Buffer.from(JSON.stringify({ ...known, ...each })).toString("base64url") }),
    );
  });
  throwsFormatErrorsAlone(made, readJws);
});

Deno.test("a nest without an end is told of", () => {
  for (const byte of [0x81, 0xa1, 0xc1, 0xd2]) {
    assert.throws(() => readCose(Buffer.alloc(1_000_000, byte)), FormatError);
  }
  const nested = Buffer.concat([Buffer.from([0xd2, 0x84]), Buffer.alloc(900_000, 0x81)]);
  assert.throws(() => readCose(nested), FormatError);
  assert.throws(() => readCertificate(Buffer.alloc(60_000, 0x30)), FormatError);
});

Deno.test("certificates, timestamps, payloads, policies and names may be anything", () => {
  const stamped = Buffer.from("stamped");
  throwsFormatErrorsAlone(changed(signer.leaf.der), readCertificate);
  throwsFormatErrorsAlone(fc.uint8Array({ maxLength: 200 }), readCertificate);
  throwsFormatErrorsAlone(changed(makeToken(authority, stamped)), (token) => verifyTimestamp(token, stamped, []));
  throwsFormatErrorsAlone(fc.json().map((text) => Buffer.from(text)), readPayload);
  throwsFormatErrorsAlone(fc.json(), readPolicy);
  throwsFormatErrorsAlone(changed(Buffer.from(makePolicy())).map((bytes) => Buffer.from(bytes).toString()), readPolicy);
  throwsFormatErrorsAlone(fc.string({ unit: "binary" }), parseName);
  throwsFormatErrorsAlone(
    changed(Buffer.from("C=US,ST=WA,O=a\\2cb")).map((bytes) => Buffer.from(bytes).toString()),
    parseName,
  );
});

Deno.test("a timestamp that was changed anywhere is refused or says the same", () => {
  const stamped = Buffer.from("stamped");
  const trusted = [readCertificate(authority.root.der)];
  const good = verifyTimestamp(makeToken(authority, stamped), stamped, trusted);
  fc.assert(
    fc.property(changed(makeToken(authority, stamped)), (token) => {
      try {
        assert.deepEqual(verifyTimestamp(token, stamped, trusted).time, good.time);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});
