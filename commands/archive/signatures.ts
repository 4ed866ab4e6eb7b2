import { type Archive, type ArchivedImage, nameImages, writtenName } from "../../lib/archive/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { type Digest, formatReference } from "../../lib/oci/mod.ts";
import type { VerifyTrust } from "../../lib/plugin/contract.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { printable } from "../../lib/printable.ts";
import { type SignatureVerdict, type Verifiable, type Verification, verifyImage } from "../../lib/signing/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import { imageText } from "../output/output.ts";
import type { Reporter } from "../output/reporter.ts";
import { trustByFlags, trustsSomebody } from "../signing/trust.ts";
import { refusalLines } from "../signing/verdict.ts";

/** What is known of the signatures of an image of an archive, as `-o json` has it. */
export interface ImageSignatures {
  /** Its full name; without one, as the archive calls it. */
  image: string;
  digest: Digest;
  verified: boolean;
  verdict: Verification["verdict"];
  verdicts: SignatureVerdict[];
  /** Why they could not be judged: something is missing or damaged. */
  error?: string;
}

/** What judging needs. */
interface JudgeContext {
  plugins: PluginHost;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Whom the flags trust.
 *
 * @returns `undefined` if nobody is to look at signatures
 * @throws {SatchelError} `usage`
 */
export function archiveTrust(invocation: Invocation): VerifyTrust | undefined {
  const trust = trustByFlags(invocation);
  if (trustsSomebody(trust)) return trust;
  const [flag] = Object.keys(trust);
  if (flag === undefined) return undefined;
  throw new SatchelError(
    "usage",
    "there is nobody to trust: flags about signatures need --public-keys or another that says whom",
  );
}

/**
 * Judges the signatures of all images of an archive.
 *
 * @throws {SatchelError} whatever reading the archive can end in
 */
export async function judgeImages(
  archive: Archive,
  trust: VerifyTrust,
  context: JudgeContext,
): Promise<ImageSignatures[]> {
  const found: ImageSignatures[] = [];
  for (const { name, descriptor } of archive.images.map((image) => ({ ...image, name: nameOf(image, archive) }))) {
    const verifiable = { source: archive.source, reference: name, subject: descriptor, trust };
    found.push({ image: imageText(name), digest: descriptor.digest, ...await judge(verifiable, context) });
  }
  return found;
}

/** What is damaged in one image is no reason to say nothing of the others. */
async function judge(
  verifiable: Verifiable,
  { plugins, reporter, signal }: JudgeContext,
): Promise<Omit<ImageSignatures, "image" | "digest">> {
  try {
    const options = { signal, onWarning: reporter.warn };
    const { verdict, verdicts } = await verifyImage(verifiable, plugins.verify, options);
    return { verified: verdict === "verified", verdict, verdicts };
  } catch (error) {
    if (!hasCode(error, "integrity") && !hasCode(error, "invalid") && !hasCode(error, "not-found")) throw error;
    return { verified: false, verdict: "none", verdicts: [], error: error.message };
  }
}

/** What became of each image, for people. */
export function describeSignatures(images: readonly ImageSignatures[]): string[] {
  return images.flatMap((each) => {
    if (each.verified) return [`Verified: ${printable(each.image)}`];
    const [why, ...reasons] = each.error === undefined ? refusalLines(each) : [printable(each.error)];
    return [`Not verified: ${printable(each.image)}: ${why}`, ...reasons.map((reason) => `  ${reason}`)];
  });
}

function nameOf(image: ArchivedImage, { name }: Archive): string {
  const reference = nameImages([image], name).named[0]?.reference;
  return reference ? formatReference(reference) : writtenName(image) ?? image.descriptor.digest;
}
