import type { VerifyRequest } from "../../lib/plugin/contract.ts";
import { quoted } from "../signing/format_error.ts";
import type { Claim } from "./signature.ts";

/** How many of the digests that were signed are shown. */
const SHOWN_DIGESTS = 3;

/** Why what was signed does not fit the image or what is asked of it, behind "the signature"; `undefined` if it does. */
export function findMismatch(claims: readonly Claim[], request: VerifyRequest): string | undefined {
  const { digest } = request.subject;
  const about = claims.filter(({ digests }) => digests.includes(digest));
  if (about.length === 0) return `is for another image (${shown(claims.flatMap(({ digests }) => digests))})`;
  const mismatches = about.map((claim) => findMismatchIn(claim, request));
  return mismatches.includes(undefined) ? undefined : mismatches[0];
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
