import { SatchelError } from "../../lib/error.ts";
import { formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { VerifyTrust } from "../../lib/plugin/contract.ts";
import { type RuleMatch, rulesFor, type Signers, type Verification, verifyImage } from "../../lib/signing/mod.ts";
import type { Environment } from "../line/invocation.ts";
import { openRuleJudge } from "../policy/judge.ts";
import type { FoundImage, PlaceContext } from "./place.ts";
import { RELEASE_KEY } from "./release_key.ts";
import { trustsSomebody } from "./trust.ts";

/** What judging an image needs. */
export interface JudgeContext extends PlaceContext {
  environment: Environment;
}

/** An image whose signatures were judged. */
export interface Judged extends Verification {
  /** Who says whom to trust. */
  trusted: "flags" | "policy" | "release-key";
  /** With a policy: where the rules stand that count for the image. */
  rules?: string[];
}

/** Whoever has to sign by a rule of the policy. */
interface Demand {
  match: RuleMatch;
  signers: Signers;
}

/**
 * Judges an image by its signatures: by those whom the flags trust; else by the rules of the policy that are for this name; else by the
 * key of Inspektor Gadget's releases.
 *
 * @throws {SatchelError} `usage` for flags that a policy leaves no room for; `refused` if what a rule names cannot be read; whatever the
 *   source throws
 */
export async function judgeImage(
  found: FoundImage,
  image: Reference,
  byFlags: VerifyTrust,
  context: JudgeContext,
): Promise<Judged> {
  if (trustsSomebody(byFlags)) return { trusted: "flags", ...await judgeBy(byFlags, found, image, context) };
  const demands = rulesFor(context.settings.policies, { reference: image, digest: found.subject.digest })
    .flatMap((match): Demand[] => match.rule.signers ? [{ match, signers: match.rule.signers }] : []);
  if (demands.length > 0) return await judgeByRules(demands, found, image, byFlags, context);
  const trust = { ...byFlags, publicKeys: [RELEASE_KEY] };
  return { trusted: "release-key", ...await judgeBy(trust, found, image, context) };
}

async function judgeBy(
  trust: VerifyTrust,
  { source, subject }: FoundImage,
  image: Reference,
  { plugins, reporter, signal }: JudgeContext,
): Promise<Verification> {
  const verifiable = { source, reference: formatReference(image), subject, trust };
  return await verifyImage(verifiable, plugins.verify, { signal, onWarning: reporter.warn });
}

/** All of them have to be met. */
async function judgeByRules(
  demands: readonly Demand[],
  { source, subject }: FoundImage,
  name: Reference,
  byFlags: VerifyTrust,
  context: JudgeContext,
): Promise<Judged> {
  const rules = demands.map(({ match }) => match.rule.from);
  if (Object.keys(byFlags).length > 0) {
    throw new SatchelError(
      "usage",
      "--annotation and --check-name say nothing of whom to trust, and the policy has rules of its own",
      {
        hint: `Say whom by --public-keys, or change the rule at ${rules[0]}.`,
      },
    );
  }
  await using judge = openRuleJudge(context);
  const verifications: Verification[] = [];
  for (const { match, signers } of demands) {
    verifications.push(await judge.judge(match, signers, { name, subject, source }));
  }
  const unmet = verifications.find(({ verdict }) => verdict !== "verified");
  const verdicts = verifications.flatMap((each) => each.verdicts);
  return { trusted: "policy", rules, verdict: unmet?.verdict ?? "verified", verdicts: unmet?.verdicts ?? verdicts };
}
