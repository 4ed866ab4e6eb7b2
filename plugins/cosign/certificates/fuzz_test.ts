import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { makeSigstore } from "../../../tests/harness/sigstore/mod.ts";
import { FormatError } from "../../signing/format_error.ts";
import { bundled, judge } from "../_testing.ts";
import { annotated, certifiedBundle, trusting } from "./_testing.ts";
import { readSigner } from "./signer.ts";

const sigstore = makeSigstore();
const trust = trusting(sigstore);

/** Places in JSON, each as the names that lead there. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => placesIn(member, [...path, name]))];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((holder, name) => (holder as Record<string, unknown>)[name], value);
}

/** JSON with another value at a place; without one it is taken away. */
function replaced(value: unknown, [name, ...rest]: readonly string[], by: { value: unknown } | undefined): unknown {
  if (name === undefined) return by?.value;
  const copy: Record<string, unknown> = Array.isArray(value) ? [...value] as never : { ...(value as object) };
  if (rest.length === 0 && !by) delete copy[name];
  else copy[name] = replaced(copy[name], rest, by);
  return copy;
}

/** Members that say something which no check needs, and which may be left out. */
const OPTIONAL = [
  "verificationMaterial/timestampVerificationData",
  "verificationMaterial/timestampVerificationData/rfc3161Timestamps",
];

Deno.test("a bundle with anything else at any place gets a verdict, and no good one", async () => {
  const bundle = certifiedBundle({ sigstore, proofs: ["entry"] });
  const places = placesIn(bundle);
  const run = async (path: string[], by: { value: unknown } | undefined) => {
    const json = replaced(bundle, path, by);
    const bytes = Buffer.from(JSON.stringify(json) ?? "");
    const { verdict } = await judge([bundled(bytes)], trust);
    // A number may stand as text or as a number.
    const isSame = by && textOf(by.value) === textOf(valueAt(bundle, path));
    if (isSame || OPTIONAL.includes(path.join("/"))) return;
    assert.notEqual(verdict, "verified", `${path.join("/")} ${JSON.stringify(by)}`);
  };
  for (const path of places) await run(path, undefined);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue(), (path, value) => run(path, { value })),
    { numRuns: 100 },
  );
});

Deno.test("a bundle with another bit anywhere in its proofs gets a verdict, and no good one", async () => {
  const bundle = certifiedBundle({ sigstore, proofs: ["entry", "timestamp"] });
  const [entry] = bundle.verificationMaterial.tlogEntries;
  const [stamp] = bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
  const { certificate } = bundle.verificationMaterial;
  const holders: [Record<string, string>, string][] = [
    [certificate, "rawBytes"],
    [entry as unknown as Record<string, string>, "canonicalizedBody"],
    [entry.inclusionPromise!, "signedEntryTimestamp"],
    [stamp, "signedTimestamp"],
    [bundle.dsseEnvelope as unknown as Record<string, string>, "payload"],
    [bundle.dsseEnvelope!.signatures[0], "sig"],
  ];
  const flips = fc.tuple(fc.constantFrom(...holders), fc.nat(), fc.nat(7));
  await fc.assert(
    fc.asyncProperty(flips, async ([[holder, name], at, bit]) => {
      const text = holder[name];
      const bytes = Buffer.from(text, "base64");
      bytes[at % bytes.length] ^= 1 << bit;
      holder[name] = bytes.toString("base64");
      try {
        const { verdict } = await judge([bundled({ ...bundle })], trust);
        // What a timestamp has beside its signed part may be anything.
        if (holder !== stamp) assert.notEqual(verdict, "verified", `${name}, byte ${at % bytes.length}, bit ${bit}`);
      } finally {
        holder[name] = text;
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("annotations with anything in them get a verdict, and no good one", async () => {
  const names = ["certificate", "chain", "bundle", "rfc3161timestamp"].map((each) => `dev.sigstore.cosign/${each}`);
  const text = fc.oneof(fc.string(), fc.json());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), text, async (name, value) => {
      const artifact = annotated(sigstore, (given) => ({ ...given, [name]: value }));
      const { verdict } = await judge([artifact], trust);
      // The chain is passed over, and an empty annotation is none.
      if (!name.endsWith("chain") && value !== "") assert.notEqual(verdict, "verified");
    }),
    { numRuns: 60 },
  );
});

Deno.test("bytes that are no certificate are told as such", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assert.throws(() => readSigner(bytes), FormatError);
  }));
});
