import { SatchelError, withContext } from "../../lib/error.ts";
import { type Digest, formatReference, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { judgeName, type SignatureVerdict } from "../../lib/signing/mod.ts";
import { isSet } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";
import { findRemote, findStored, type FoundImage } from "../signing/place.ts";
import { signatureLines } from "../signing/verdict.ts";
import { assess, type Assessment, isMet } from "./assess.ts";
import { goodReason } from "./enforce.ts";
import { allowedByFlag } from "./gate.ts";
import { openRuleJudge } from "./judge.ts";
import { allowedLists } from "./names.ts";

/** What `-o json` prints. Members are never renamed or removed, but more may come. */
interface PolicyReport {
  /** The full name. */
  image: string;
  /** What it stands for, and what was judged. */
  digest: Digest;
  /** Where the image and its signatures were looked for. */
  place: "store" | "registry";
  /** Whether it would come in. */
  accepted: boolean;
  /** Why not, one sentence each. */
  reasons: string[];
  /** Entries of lists of names that let it in: of each list one. */
  allowedBy: { pattern: string; from: string }[];
  /** The rules that are for it: of each file at most one. */
  rules: RuleVerdict[];
}

/** What becomes of an image by a rule. */
interface RuleVerdict {
  /** The name, or the start of some, by which the rule is for this image. */
  pattern: string;
  /** Where the rule stands. */
  from: string;
  required: boolean;
  overridable: boolean;
  /** `none`: there is no signature of a kind that counts. `unusable`: the rule names what cannot be read. */
  verdict: "not-required" | "verified" | "rejected" | "none" | "unusable";
  reason: string;
  /** What each plugin says whose word counts. */
  verdicts: SignatureVerdict[];
}

/** `satchel policy check IMAGE`: tells whether an image would come in and why; the exit status is 5 if not. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const image = readImageName(invocation.arguments[0]);
  using reporter = openReporter(settings, invocation.signal);
  const lists = allowedLists(settings.policies, allowedByFlag(invocation.flags));
  const isRemote = isSet(invocation.flags, "remote");
  const found = await find(image, isRemote, invocation, settings, reporter);
  const { digest } = found.subject;
  await using judge = openRuleJudge({ ...invocation, settings, reporter });
  const assessments = await assess({ name: image, ...found }, settings, judge);
  reporter.finish();

  const name = judgeName(lists, { reference: image, digest });
  const denied = name.denial && `its name is none of those that ${name.denial.from} allows`;
  const reasons = [
    ...(denied === undefined ? [] : [denied]),
    ...assessments.filter((each) => !isMet(each)).map(refusalOf),
  ];
  const report: PolicyReport = {
    image: formatReference(image),
    digest,
    place: isRemote ? "registry" : "store",
    accepted: reasons.length === 0,
    reasons,
    allowedBy: name.denial ? [] : name.allowed.map(({ pattern, from }) => ({ pattern: pattern.text, from })),
    rules: assessments.map(verdictOf),
  };
  await printResult(outputMode(invocation.flags), report, () => describe(report, assessments, denied));
  if (report.accepted) return EXIT_OK;
  throw new SatchelError("refused", `${report.image} would be refused: ${reasons.join("; ")}`);
}

async function find(
  image: Reference,
  isRemote: boolean,
  invocation: Invocation,
  settings: Settings,
  reporter: Reporter,
): Promise<FoundImage> {
  const { signal } = invocation;
  try {
    if (!isRemote) return await findStored(openLocalStore(settings, reporter), image, signal);
    await using plugins = await openCommandPlugins(settings, invocation, reporter);
    return await findRemote(image, { settings, reporter, plugins, signal });
  } catch (error) {
    throw withContext(`checking ${formatReference(image)}`, error);
  }
}

function verdictOf(assessment: Assessment): RuleVerdict {
  const { match: { rule, pattern }, verification } = assessment;
  const rest = {
    pattern: pattern.text,
    from: rule.from,
    required: rule.signers !== undefined,
    overridable: rule.overridable,
  };
  return { ...rest, ...outcomeOf(assessment), verdicts: verification?.verdicts ?? [] };
}

function outcomeOf({ match, verification, failure }: Assessment): Pick<RuleVerdict, "verdict" | "reason"> {
  if (!match.rule.signers) return { verdict: "not-required", reason: "nobody has to have signed it" };
  if (!verification) return { verdict: "unusable", reason: failure?.message ?? "" };
  const { verdict } = verification;
  if (verdict === "verified") return { verdict, reason: goodReason(verification) };
  return { verdict, reason: verdict === "none" ? "it has no signature" : "none of its signatures is good" };
}

function describe(report: PolicyReport, assessments: readonly Assessment[], denied: string | undefined): string {
  const { image, digest, accepted, allowedBy } = report;
  const names = allowedBy.map(({ pattern, from }) => `by ${pattern} (${from})`).join(", ");
  const lines = [
    `Image:    ${image}`,
    `Digest:   ${digest}`,
    `Name:     ${denied ?? (names || "any may come in")}`,
    ...(assessments.length === 0 ? ["Rule:     none is for it"] : assessments.flatMap(describeRule)),
    `Verdict:  ${accepted ? "it may come in" : "it would be refused"}`,
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function refusalOf(assessment: Assessment): string {
  return assessment.failure?.message ?? `the rule at ${assessment.match.rule.from}: ${outcomeOf(assessment).reason}`;
}

function describeRule(assessment: Assessment): string[] {
  const { pattern, from, reason, required, overridable, verdict } = verdictOf(assessment);
  const isInTheWay = required && verdict !== "verified" && overridable;
  const signatures = assessment.verification ? signatureLines(assessment.verification) : [];
  return [
    `Rule:     ${pattern} (${from})`,
    ...signatures.map((line) => `          ${line}`),
    `          ${verdict}: ${reason}${isInTheWay ? "; --verify=false does without" : ""}`,
  ];
}
