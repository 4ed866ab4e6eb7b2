import type { VerifyRequest } from "../../lib/plugin/contract.ts";
import { quoted } from "../signing/format_error.ts";
import type { Claim } from "./signature.ts";

/** Why what was signed does not fit the image or what is asked of it; `undefined` if it does. */
export function findMismatch(claim: Claim, { reference, subject, trust }: VerifyRequest): string | undefined {
  if (!claim.digests.includes(subject.digest)) return `is for another image (${claim.digests.map(quoted).join(", ")})`;
  if (trust.checkName && !isNameOf(reference, claim.name)) {
    return claim.name === undefined ? "names no image" : `is for the name ${quoted(claim.name)}`;
  }
  for (const [name, wanted] of Object.entries(trust.annotations ?? {})) {
    if (!Object.hasOwn(claim.annotations, name)) return `has no annotation ${quoted(name)}`;
    if (claim.annotations[name] !== wanted) return `has another annotation ${quoted(name)}`;
  }
  return undefined;
}

/** Whether a name that was signed is that of an image; a tag in it has to be the same one. */
function isNameOf(reference: string, signed: string | undefined): boolean {
  if (signed === undefined) return false;
  const image = withoutDigest(reference);
  const name = withoutDigest(signed).replace(/^index\.docker\.io\//, "docker.io/");
  return name === image || name === withoutTag(image);
}

function withoutDigest(name: string): string {
  return name.replace(/@.*$/s, "");
}

function withoutTag(name: string): string {
  return name.replace(/:[^:/]*$/, "");
}
