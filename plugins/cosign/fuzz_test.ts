import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { AttachedArtifact, VerifyAnswer } from "../../lib/plugin/contract.ts";
import {
  BUNDLE_TYPE,
  bundled,
  ecdsa,
  envelopeBundle,
  judge,
  messageBundle,
  payloadFor,
  referrer,
  simpleSigning,
  statementFor,
  tagged,
} from "./_testing.ts";
import { readPublicKeys } from "./keys.ts";

const OURS = ecdsa();
const OTHERS = ecdsa();
const TRUST = { publicKeys: [OURS.publicKey] };
const SIGNATURE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** An answer that satchel takes, and that does not grow with what is in the signatures. */
function assertSound({ verdict, reason, evidence }: VerifyAnswer): void {
  assert.ok(["verified", "rejected", "none"].includes(verdict));
  assert.ok(reason.length > 0 && reason.length < 3000, reason);
  for (const each of evidence as { isGood: boolean; reason: string }[]) {
    assert.ok(each.reason.length > 0 && each.reason.length < 1000, each.reason);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(each.reason, /[\x00-\x1f]/);
  }
  assert.equal(verdict === "verified", (evidence as { isGood: boolean }[]).some(({ isGood }) => isGood));
}

const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const anyJson = fc.json({ maxDepth: 4 }).map((json) => Buffer.from(json));
const anyContent = fc.oneof(anyBytes, anyJson);

Deno.test("anything as payload, bundle or manifest gets a verdict, and is not verified", async () => {
  const artifact = fc.oneof(
    anyContent.map((bytes) => tagged({ mediaType: SIGNATURE_TYPE, bytes, annotations: {} })),
    anyContent.map((bytes) => tagged(simpleSigning(OTHERS, bytes))),
    anyContent.map((bytes) => bundled(bytes)),
    anyContent.map((bytes) => bundled(envelopeBundle([OTHERS], bytes))),
    anyContent.map((bytes): AttachedArtifact => ({
      ...referrer(BUNDLE_TYPE),
      manifest: bytes.toString("base64"),
    })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(artifact, { maxLength: 4 }), async (artifacts) => {
      const answer = await judge(artifacts, TRUST);
      assertSound(answer);
      assert.notEqual(answer.verdict, "verified");
    }),
    { numRuns: 300 },
  );
});

Deno.test("anything that our key has signed gets a verdict", async () => {
  const artifact = fc.oneof(
    anyContent.map((bytes) => tagged(simpleSigning(OURS, bytes))),
    anyContent.map((bytes) => bundled(envelopeBundle([OURS], bytes))),
    fc.jsonValue({ maxDepth: 3 }).map((optional) => tagged(simpleSigning(OURS, payloadFor(undefined, optional)))),
    fc.record({
      subject: fc.jsonValue({ maxDepth: 3 }),
      predicateType: fc.oneof(fc.constant("https://sigstore.dev/cosign/sign/v1"), fc.string()),
    }).map((changes) => bundled(envelopeBundle([OURS], statementFor(undefined, changes)))),
  );
  await fc.assert(
    fc.asyncProperty(artifact, async (each) => {
      assertSound(await judge([each], { ...TRUST, annotations: { toString: "x" }, checkName: true }));
    }),
    { numRuns: 300 },
  );
});

/** A place in JSON, and what is put there. */
const change = fc.record({
  place: fc.nat(),
  value: fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined), fc.string()),
});

/** All objects and lists of some JSON, from the outside. */
function containersOf(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(containersOf)];
}

Deno.test("a bundle with one value exchanged gets a verdict, and is good only if what is signed is the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), change, async (isMessage, { place, value }) => {
      const bundle = isMessage ? messageBundle(OURS) : envelopeBundle([OURS]);
      const places = containersOf(bundle).flatMap((each) => Object.keys(each).map((key) => ({ each, key })));
      const { each, key } = places[place % places.length];
      each[key] = value;
      const answer = await judge([bundled(bundle)], TRUST);
      assertSound(answer);
      if (answer.verdict === "verified") assert.ok(["publicKey", "hint", "messageDigest"].includes(key), key);
    }),
    { numRuns: 500 },
  );
});

Deno.test("what is signed, with a byte exchanged, put in or left out, is not good", async () => {
  const layer = simpleSigning(OURS);
  const signature = Buffer.from(layer.annotations!["dev.cosignproject.cosign/signature"], "base64");
  const spoil = fc.record({
    at: fc.nat(),
    by: fc.integer({ min: 1, max: 255 }),
    how: fc.constantFrom("xor", "put", "cut"),
  });
  const spoilt = (bytes: Uint8Array, { at, by, how }: { at: number; by: number; how: string }) => {
    const place = at % bytes.length;
    const before = bytes.subarray(0, place);
    const behind = bytes.subarray(place + 1);
    if (how === "cut") return Buffer.concat([before, behind]);
    if (how === "put") return Buffer.concat([before, Buffer.from([by]), bytes.subarray(place)]);
    return Buffer.concat([before, Buffer.from([bytes[place] ^ by]), behind]);
  };
  await fc.assert(
    fc.asyncProperty(fc.boolean(), spoil, async (ofPayload, how) => {
      const changed = ofPayload ? { ...layer, bytes: spoilt(layer.bytes, how) } : {
        ...layer,
        annotations: { "dev.cosignproject.cosign/signature": spoilt(signature, how).toString("base64") },
      };
      const answer = await judge([tagged(changed)], TRUST);
      assertSound(answer);
      assert.equal(answer.verdict, "rejected");
    }),
    { numRuns: 300 },
  );
});

Deno.test("any text as a key is read, or refused with one line", () => {
  const block = fc.tuple(fc.constantFrom("PUBLIC KEY", "RSA PUBLIC KEY", "X"), anyBytes).map(([label, bytes]) =>
    `-----BEGIN ${label}-----\n${bytes.toString("base64")}\n-----END ${label}-----\n`
  );
  const spoilt = fc.tuple(fc.nat(OURS.publicKey.length), fc.string()).map(([at, text]) =>
    OURS.publicKey.slice(0, at) + text + OURS.publicKey.slice(at)
  );
  fc.assert(fc.property(fc.oneof(fc.string(), block, spoilt, fc.constant("-".repeat(1 << 16))), (text) => {
    try {
      readPublicKeys([text]);
    } catch (error) {
      assert.match((error as Error).message, /^[^\n]{10,200}$/);
    }
  }));
});
