import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import type { Json } from "../../lib/plugin/contract.ts";
import type { SignatureVerdict, Verification } from "../../lib/signing/mod.ts";

/** How much of one reason is shown, in UTF-16 units. */
const MAX_REASON = 300;

/** How many signatures are told of. */
const MAX_TOLD = 20;

/** One signature, as satchel tells of it. */
interface Told {
  isGood: boolean;
  line: string;
}

/**
 * What became of each signature, one line for each: those that are not good first.
 *
 * @param which whether all are told of, or only those that are not good
 */
export function signatureLines({ verdicts }: Pick<Verification, "verdicts">, which: "all" | "bad" = "all"): string[] {
  const told = verdicts.flatMap(toldBy).filter(({ isGood }) => which === "all" || !isGood)
    .sort((a, b) => Number(a.isGood) - Number(b.isGood));
  const lines = told.slice(0, MAX_TOLD).map(({ line }) => line);
  return told.length > MAX_TOLD ? [...lines, `and ${told.length - MAX_TOLD} more`] : lines;
}

/** The error for an image that is not verified: with the reason of each signature. */
export function notVerified(name: string, verification: Verification, hint?: string): SatchelError {
  const message = `${name} is not verified: ${refusalLines(verification).join("\n")}`;
  return new SatchelError("refused", message, { hint });
}

/** Why an image is not verified: in a line, and another one for each signature. */
export function refusalLines(verification: Verification): string[] {
  const what = verification.verdict === "none" ? "it has no signature" : "none of its signatures is good";
  return [what, ...signatureLines(verification, "bad")];
}

/** A plugin need not say anything of single signatures; then what it says of all stands for them. */
function toldBy({ plugin, verdict, reason, evidence }: SignatureVerdict): Told[] {
  const each = evidence.flatMap((found) => toldOf(found) ?? []);
  const isTold = verdict === "none" || each.some(({ isGood }) => isGood === (verdict === "verified"));
  if (isTold) return each;
  const line = `${printable(plugin, 64)}: ${printable(reason, MAX_REASON)}`;
  return [...each, { isGood: verdict === "verified", line }];
}

function toldOf(evidence: Json): Told | undefined {
  if (typeof evidence !== "object" || evidence === null || Array.isArray(evidence)) return undefined;
  const { digest, format, isGood, reason } = evidence as { readonly [key: string]: Json };
  if (typeof isGood !== "boolean" || typeof reason !== "string") return undefined;
  const what = [format, digest].filter((part) => typeof part === "string").join(" ") || "a signature";
  return { isGood, line: `${printable(what, 200)}: ${printable(reason, MAX_REASON)}` };
}
