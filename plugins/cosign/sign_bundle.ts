import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Artifact, SignRequest } from "../../lib/plugin/contract.ts";
import type { PrivateKey } from "../signing/private_key.ts";
import { preAuthenticationEncoding, SIGN_PREDICATE, STATEMENT_TYPE } from "./dsse.ts";
import { signBytes } from "./sign_bytes.ts";

const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT_VERSION = "https://in-toto.io/Statement/v1";

/**
 * A signature as cosign 3 writes it: a Sigstore bundle v0.3 with a DSSE envelope, in which an in-toto statement names the image.
 *
 * @throws {Error} if the time is none
 */
export function bundleOf({ subject, annotations, time }: SignRequest, key: PrivateKey): Artifact {
  const payload = new TextEncoder().encode(statementOf(subject.digest, annotations));
  const signature = signBytes(key, preAuthenticationEncoding(STATEMENT_TYPE, payload));
  const bundle = {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: hintOf(key) } },
    dsseEnvelope: { payload: base64(payload), payloadType: STATEMENT_TYPE, signatures: [{ sig: base64(signature) }] },
  };
  return {
    artifactType: BUNDLE_TYPE,
    layers: [{ mediaType: BUNDLE_TYPE, data: base64(new TextEncoder().encode(JSON.stringify(bundle))) }],
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": SIGN_PREDICATE,
      "org.opencontainers.image.created": timestampOf(time),
    },
  };
}

/** in-toto Statement v1. The annotations are those of the subject, where cosign has them. */
function statementOf(digest: string, annotations: SignRequest["annotations"]): string {
  const colon = digest.indexOf(":");
  const subject = { digest: { [digest.slice(0, colon)]: digest.slice(colon + 1) }, annotations: sorted(annotations) };
  return JSON.stringify({ _type: STATEMENT_VERSION, subject: [subject], predicateType: SIGN_PREDICATE, predicate: {} });
}

/** By what a verifier may find the key: the base64 of its SHA-256. */
function hintOf(key: PrivateKey): string {
  return createHash("sha256").update(key.public.export({ format: "der", type: "spki" })).digest("base64");
}

/** RFC 3339, to the second. */
function timestampOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (!(seconds >= 0) || !(date.getTime() < Date.UTC(10_000, 0))) {
    throw new Error(`${seconds} is no time of a signature`);
  }
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** An object whose members stand in the order of their names, so that how they were given makes no difference. */
export function sorted(object: { readonly [name: string]: string }): { [name: string]: string } {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => one < other ? -1 : 1));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
