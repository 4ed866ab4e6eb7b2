import { withContext } from "../../lib/error.ts";
import { type Digest, formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { VerifyTrust } from "../../lib/plugin/contract.ts";
import { printable } from "../../lib/printable.ts";
import { type SignatureVerdict, type Verification, verifyImage } from "../../lib/signing/mod.ts";
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
import { bringAttachments } from "../signing/bring.ts";
import { findRemote, findStored, type FoundImage, type PlaceContext } from "../signing/place.ts";
import { RELEASE_KEY } from "../signing/release_key.ts";
import { trustByFlags, trustsSomebody } from "../signing/trust.ts";
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
  /** What each plugin says that judges signatures. */
  verdicts: SignatureVerdict[];
}

/** An image whose signatures were judged. */
interface Judged extends Verification {
  digest: Digest;
}

/** `satchel image verify IMAGE`: judges its signatures; the exit status is 5 if none is good. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal, arguments: [typed] } = invocation;
  const settings = await loadSettings(invocation);
  const byFlags = trustByFlags(invocation);
  const image = readImageName(typed);
  const name = formatReference(image);
  const mode = outputMode(flags);
  using reporter = openReporter(settings, signal);
  await using plugins = await openSigningPlugins(settings, invocation, reporter);
  if (mode === "columns" && !settings.quiet) write("stdout", `Verifying image: ${printable(typed)}\n`);
  const trust = trustsSomebody(byFlags) ? byFlags : { ...byFlags, publicKeys: [RELEASE_KEY] };
  const isRemote = isSet(flags, "remote");
  const context = { settings, reporter, plugins, signal };
  const judge = isRemote ? judgeRemote : judgeStored;
  const judged = await judge(image, trust, context, isSet(flags, "offline")).catch((error: unknown) => {
    throw withContext(`verifying ${name}`, error);
  });
  reporter.finish();
  const { digest, verdict, verdicts } = judged;
  const verified = verdict === "verified";
  const report: VerifyReport = {
    image: name,
    digest,
    verified,
    verdict,
    place: isRemote ? "registry" : "store",
    verdicts,
  };
  signatureLines(judged, "all").forEach((line) => verified && reporter.detail(line));
  await printResult(mode, report, () => verified && !settings.quiet ? "Image verified successfully!\n" : "");
  if (!verified) throw notVerified(name, judged);
  return EXIT_OK;
}

async function judgeRemote(image: Reference, trust: VerifyTrust, context: PlaceContext): Promise<Judged> {
  return await judgeFound(await findRemote(image, context), image, trust, context);
}

/** Where the store has no signature, the registry may have got one since the image was pulled. */
async function judgeStored(
  image: Reference,
  trust: VerifyTrust,
  context: PlaceContext,
  isOffline: boolean,
): Promise<Judged> {
  const { settings, reporter, signal } = context;
  const store = openLocalStore(settings, reporter);
  const found = await findStored(store, image, signal);
  const judged = await judgeFound(found, image, trust, context);
  if (judged.verdict !== "none" || isOffline) return judged;
  reporter.warn("the store has no signature of it, looking in the registry");
  await bringAttachments(store, image, found.subject, context);
  const source = await store.snapshot({ signal });
  return await judgeFound({ ...found, source }, image, trust, context);
}

async function judgeFound(
  { source, subject }: FoundImage,
  image: Reference,
  trust: VerifyTrust,
  { plugins, reporter, signal }: PlaceContext,
): Promise<Judged> {
  const verifiable = { source, reference: formatReference(image), subject, trust };
  const judge = plugins.verify;
  const verification = await verifyImage(verifiable, judge, { signal, onWarning: reporter.warn });
  return { digest: subject.digest, ...verification };
}
