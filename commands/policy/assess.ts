import { hasCode, type SatchelError } from "../../lib/error.ts";
import { type RuleMatch, rulesFor, type Verification } from "../../lib/signing/mod.ts";
import type { Settings } from "../settings/settings.ts";
import type { RuledImage, RuleJudge } from "./judge.ts";

/** What becomes of an image by one rule. */
export interface Assessment {
  match: RuleMatch;
  /** Absent if nobody has to have signed, or if the rule cannot be applied. */
  verification?: Verification;
  /** Why the rule cannot be applied. */
  failure?: SatchelError;
}

/**
 * Judges an image by each rule that is for it.
 *
 * @throws whatever its source throws
 */
export async function assess(
  image: RuledImage,
  { policies }: Pick<Settings, "policies">,
  judge: RuleJudge,
): Promise<Assessment[]> {
  const assessments: Assessment[] = [];
  for (const match of rulesFor(policies, { reference: image.name, digest: image.subject.digest })) {
    const { signers } = match.rule;
    if (!signers) {
      assessments.push({ match });
      continue;
    }
    try {
      assessments.push({ match, verification: await judge.judge(match, signers, image) });
    } catch (failure) {
      if (!hasCode(failure, "refused")) throw failure;
      assessments.push({ match, failure });
    }
  }
  return assessments;
}

/** Whether an image comes in by such a rule. */
export function isMet({ match, verification }: Assessment): boolean {
  return match.rule.signers === undefined || verification?.verdict === "verified";
}
