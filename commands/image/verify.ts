import { SatchelError, withContext } from "../../lib/error.ts";
import { type Digest, formatReference, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import type { SignatureVerdict, Verification } from "../../lib/signing/mod.ts";
import { write } from "../../lib/terminal/mod.ts";
import { isSet } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openSigningPlugins } from "../open/signing_plugins.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { type Judged, judgeImage } from "../signing/judge_image.ts";
import { findRemote, findStored, type FoundImage, type PlaceContext } from "../signing/place.ts";
import { trustByFlags } from "../signing/trust.ts";
import { notVerified, signatureLines } from "../signing/verdict.ts";

/** What `-o json` prints of an image's signatures. Members are never renamed or removed, but more may come. */
interface VerifyReport {
  /** The full name. */
  image: string;
  /** What was judged, which the name stood for. */
  digest: Digest;
  verified: boolean;
  /** `none`: it has no signature of a kind that anybody knows. */
  verdict: Verification["verdict"];
  /** Where its signatures were looked for. */
  place: "store" | "registry";
  /** Who says whom to trust: flags, else the policy, else it is the release key of Inspektor Gadget. */
  trusted: Judged["trusted"];
  /** With a policy: where the rules stand that count for the image. */
  rules?: string[];
  /** What each plugin says that judges signatures. */
  verdicts: SignatureVerdict[];
}

/** Judges an image that was found. */
type Judge = (found: FoundImage) => Promise<Judged>;

/** An image that was found and judged. */
interface Outcome extends Judged {
  digest: Digest;
}

/** `satchel image verify IMAGE`: judges its signatures; the exit status is 5 if none is good. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal, environment, arguments: [typed] } = invocation;
  const settings = await loadSettings(invocation);
  const byFlags = trustByFlags(invocation);
  const isRemote = isSet(flags, "remote");
  const isOffline = isSet(flags, "offline");
  if (isRemote && isOffline) throw new SatchelError("usage", "--remote and --offline do not go together");
  const image = readImageName(typed);
  const name = formatReference(image);
  const mode = outputMode(flags);
  using reporter = openReporter(settings, signal);
  await using plugins = await openSigningPlugins(settings, invocation, reporter);
  if (mode === "columns" && !settings.quiet) write("stdout", `Verifying image: ${printable(typed)}\n`);
  const context = { settings, reporter, plugins, signal, environment };
  const judge: Judge = (found) => judgeImage(found, image, byFlags, context);
  const judging = isRemote ? judgeRemote(image, judge, context) : judgeStored(image, judge, isOffline, context);
  const outcome = await judging.catch((error: unknown) => {
    throw withContext(`verifying ${name}`, error);
  });
  reporter.finish();
  const { digest, verdict, trusted, rules, verdicts } = outcome;
  const verified = verdict === "verified";
  const place = isRemote ? "registry" : "store";
  const report: VerifyReport = {
    image: name,
    digest,
    verified,
    verdict,
    place,
    trusted,
    ...(rules && { rules }),
    verdicts,
  };
  if (verified) signatureLines(outcome).forEach(reporter.detail);
  await printResult(mode, report, () => verified && !settings.quiet ? "Image verified successfully!\n" : "");
  if (!verified) throw notVerified(name, outcome, hintFor(outcome));
  return EXIT_OK;
}

async function judgeRemote(image: Reference, judge: Judge, context: PlaceContext): Promise<Outcome> {
  const found = await findRemote(image, context);
  return { digest: found.subject.digest, ...await judge(found) };
}

/** Where the store has no signature, the registry may have got one since the image was pulled. */
async function judgeStored(
  image: Reference,
  judge: Judge,
  isOffline: boolean,
  context: PlaceContext,
): Promise<Outcome> {
  const { settings, reporter, signal } = context;
  const store = openLocalStore(settings, reporter);
  const found = await findStored(store, image, signal);
  const { digest } = found.subject;
  const judged = await judge(found);
  if (judged.verdict !== "none" || isOffline) return { digest, ...judged };
  reporter.warn("the store has no signature of it, looking in the registry");
  const { bringAttachments } = await import("../signing/bring.ts");
  const { count, failure } = await bringAttachments(store, image, found.subject, context);
  const source = await store.snapshot({ signal });
  const again = count === 0 ? judged : await judge({ ...found, source });
  if (failure && again.verdict !== "verified") throw failure;
  return { digest, ...again };
}

function hintFor({ trusted, rules }: Judged): string | undefined {
  if (trusted === "policy") return `Whose signatures are good says the rule at ${rules?.join(", ")}.`;
  if (trusted === "flags") return undefined;
  return "Only the release key of Inspektor Gadget was trusted. Name others with --public-keys, or by a policy.";
}
