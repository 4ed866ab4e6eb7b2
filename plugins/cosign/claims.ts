import { Buffer } from "node:buffer";
import type { VerifyRequest } from "../../lib/plugin/contract.ts";
import { quoted } from "../signing/format_error.ts";
import type { Claim, JsonDetails } from "./signature.ts";

/** How much of what a signer put in is in the evidence of one signature, in bytes of JSON: an answer has a limit. */
const MAX_EVIDENCE = 2048;

/** How many of the digests that were signed are shown. */
const SHOWN_DIGESTS = 3;

/** What of the things that were signed is the image, or why none is. */
export type Match = { claim: Claim; mismatch?: undefined } | { claim?: undefined; mismatch: string };

/**
 * Compares what was signed with the image and what is asked of it.
 *
 * @returns `mismatch` stands behind "the signature"
 */
export function matchClaims(claims: readonly Claim[], request: VerifyRequest): Match {
  const { digest } = request.subject;
  const about = claims.filter(({ digests }) => digests.includes(digest));
  const matches = about.map((claim): Match => {
    const mismatch = findMismatchIn(claim, request);
    return mismatch === undefined ? { claim } : { mismatch };
  });
  const mismatch = `is for another image (${shown(claims.flatMap(({ digests }) => digests))})`;
  return matches.find(({ claim }) => claim) ?? matches[0] ?? { mismatch };
}

function findMismatchIn({ name, annotations }: Claim, { reference, trust }: VerifyRequest): string | undefined {
  if (trust.checkName) {
    if (name === undefined) return "says no name of the image";
    if (!isNameOf(reference, name)) return `is for the name ${quoted(name)}`;
  }
  for (const [key, wanted] of Object.entries(trust.annotations ?? {})) {
    if (!Object.hasOwn(annotations, key)) return `has no annotation ${quoted(key)}`;
    if (annotations[key] !== wanted) return `has another value of the annotation ${quoted(key)}`;
  }
  return undefined;
}

/** What a good signature says beside the digest, for the evidence: the name and the annotations that are texts, unless that is much. */
export function detailsOf({ name, annotations }: Claim): JsonDetails {
  const texts = Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const details: JsonDetails = {
    ...(name !== undefined && { name }),
    ...(texts.length > 0 && { annotations: Object.fromEntries(texts) }),
  };
  return Buffer.byteLength(JSON.stringify(details)) > MAX_EVIDENCE ? {} : details;
}

function shown(digests: readonly string[]): string {
  const some = digests.slice(0, SHOWN_DIGESTS).map(quoted).join(", ");
  return digests.length > SHOWN_DIGESTS ? `${some} and ${digests.length - SHOWN_DIGESTS} more` : some;
}

/** Whether a name that was signed is that of an image. A tag in it has to be the same; cosign signs names without one. */
function isNameOf(reference: string, signed: string): boolean {
  const image = withoutDigest(reference);
  // cosign's name for Docker Hub.
  const name = withoutDigest(signed).replace(/^index\.docker\.io\//, "docker.io/");
  return name === image || name === withoutTag(image);
}

function withoutDigest(name: string): string {
  const at = name.indexOf("@");
  return at === -1 ? name : name.slice(0, at);
}

function withoutTag(name: string): string {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
