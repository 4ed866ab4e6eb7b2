import { Buffer } from "node:buffer";
import { FormatError } from "../../signing/format_error.ts";
import { isObject, parseStrictObject } from "../../signing/strict_json.ts";
import type { LogEntry } from "./proofs.ts";

/** Where the entries of a kind have the certificate, by `kind` and `apiVersion`: PEM in base64 in Rekor 1, DER in base64 in Rekor 2. */
const PLACES: Readonly<Record<string, { path: readonly (string | number)[]; isPem: boolean }>> = {
  "hashedrekord 0.0.1": { path: ["signature", "publicKey", "content"], isPem: true },
  "dsse 0.0.1": { path: ["signatures", 0, "verifier"], isPem: true },
  "intoto 0.0.2": { path: ["content", "envelope", "signatures", 0, "publicKey"], isPem: true },
  "hashedrekord 0.0.2": {
    path: ["hashedRekordV002", "signature", "verifier", "x509Certificate", "rawBytes"],
    isPem: false,
  },
  "dsse 0.0.2": {
    path: ["dsseV002", "signatures", 0, "verifier", "x509Certificate", "rawBytes"],
    isPem: false,
  },
};

/**
 * Checks that an entry of a log is about a signature by this certificate: a log keeps signatures by any key, so the same bytes may be in it
 * as somebody else's. That the entry has this signature is checked by `@sigstore/verify`, which passes over who made it.
 *
 * @throws {FormatError} if it is not
 */
export function checkEntryCertificate({ kindVersion, canonicalizedBody }: LogEntry, certificate: Uint8Array): void {
  const place = `${kindVersion.kind} ${kindVersion.version}`;
  const { path, isPem } = Object.hasOwn(PLACES, place)
    ? PLACES[place]
    : fail("its entry in the log is of no known kind");
  let value: unknown = parseStrictObject(canonicalizedBody, "the content of its entry in the log").spec;
  for (const name of path) {
    value = Array.isArray(value) && typeof name === "number" ? value[name] : isObject(value) ? value[name] : undefined;
  }
  if (typeof value !== "string") fail("its entry in the log has no certificate");
  const bytes = Buffer.from(value, "base64");
  const der = isPem ? Buffer.from(bytes.toString("latin1").replace(/-----[A-Z ]+-----|\s/g, ""), "base64") : bytes;
  if (!der.equals(certificate)) fail("its entry in the log is about another certificate");
}

function fail(message: string): never {
  throw new FormatError(message);
}
