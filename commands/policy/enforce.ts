import { type Commit, gatedSource, gatedTarget, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { type Descriptor, formatReference, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { committedSource, type RuleMatch, rulesFor, type Signers, type Verification } from "../../lib/signing/mod.ts";
import { notVerified } from "../signing/verdict.ts";
import type { Incoming, PolicyGate } from "./gate.ts";
import { type JudgeContext, openRuleJudge, type RuleJudge } from "./judge.ts";
import { allowedLists, checkAllowed } from "./names.ts";

/** What the gate stands on. */
export interface GateContext extends JudgeContext {
  /** What `--allowed-gadgets` says. */
  allowedByFlag: readonly string[];
  /** Whether `--verify=false` was not given. */
  isVerifying: boolean;
}

/** A rule that an image has to meet under one of its names. */
interface Demand {
  name: Reference;
  match: RuleMatch;
  signers: Signers;
}

/**
 * A gate that keeps to the policies of the settings.
 *
 * @throws {SatchelError} `usage` for what is no pattern of names
 */
export function guardedGate(context: GateContext): PolicyGate {
  const { settings: { policies }, allowedByFlag } = context;
  const lists = allowedLists(policies, allowedByFlag);
  const judge = openRuleJudge(context);
  const checkNames: PolicyGate["checkNames"] = (names, digest) => {
    for (const name of names) checkAllowed(lists, name, digest);
  };
  return {
    checkNames,
    source: (source, from, names) =>
      lists.length === 0
        ? source
        : gatedSource(source, from, ({ digest }) => Promise.resolve(checkNames(names, digest))),
    target: (target, incoming) =>
      policies.every(({ verify }) => verify.length === 0)
        ? target
        : gatedTarget(target, { before: (commit) => checkSignatures(commit, incoming, judge, context) }),
    [Symbol.asyncDispose]: () => judge[Symbol.asyncDispose](),
  };
}

/** Judges what the last of the names, the image's own, is for. */
async function checkSignatures(
  commit: Commit,
  incoming: Incoming,
  judge: RuleJudge,
  context: GateContext,
): Promise<void> {
  const root = commit.names.at(-1)?.descriptor;
  if (!root) {
    throw new SatchelError("refused", "an image without a name is under no rule, so that it cannot be verified");
  }
  for (const demand of demandsOn(root, incoming.names, context)) {
    const verification = await judgeDemand(demand, root, commit, incoming, judge);
    const name = formatReference(demand.name);
    if (verification.verdict !== "verified") throw notVerified(name, verification, hintFor(demand.match));
    context.reporter.status(`Verified ${name}: ${goodReason(verification)}`);
  }
}

/** What has to be met: not what `--verify=false` does without. */
function demandsOn(root: Descriptor, names: readonly Reference[], context: GateContext): Demand[] {
  const { settings: { policies }, isVerifying, reporter } = context;
  return names.flatMap((name) =>
    rulesFor(policies, { reference: name, digest: root.digest }).flatMap((match): Demand[] => {
      const { rule } = match;
      if (!rule.signers) return [];
      const demand = { name, match, signers: rule.signers };
      if (isVerifying) return [demand];
      if (!rule.overridable) {
        reporter.warn(
          `--verify=false does not count for ${formatReference(name)}: the rule at ${rule.from} is not overridable`,
        );
        return [demand];
      }
      reporter.warn(`${formatReference(name)} is not verified, by --verify=false`);
      return [];
    })
  );
}

/** By what came along; then also by what is there, for which all of a store may have to be read; then by what is where it comes from. */
async function judgeDemand(
  { name, match, signers }: Demand,
  subject: Descriptor,
  commit: Commit,
  { place, elsewhere }: Incoming,
  judge: RuleJudge,
): Promise<Verification> {
  const judgeBy = (source: Source) => judge.judge(match, signers, { name, subject, source });
  const along = await judgeBy(committedSource(commit, place));
  if (along.verdict === "verified") return along;
  const there = await judgeBy(committedSource(commit, place, place));
  if (there.verdict === "verified" || !elsewhere) return there;
  return await judgeBy(elsewhere);
}

function hintFor({ rule, pattern }: RuleMatch): string {
  const whose = `The rule for ${printable(pattern.text)} at ${rule.from} wants a good signature.`;
  return rule.overridable ? `${whose} --verify=false does without.` : whose;
}

/** By what it is good. */
export function goodReason({ verdicts }: Verification): string {
  const good = verdicts.find(({ verdict }) => verdict === "verified");
  return good ? printable(`${good.reason} (${good.plugin})`, 300) : "";
}
