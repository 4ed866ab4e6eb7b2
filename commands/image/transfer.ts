import { copy, type CopyResult, type Source, type Target } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { type Descriptor, type Digest, formatReference, type Platform, type Reference } from "../../lib/oci/mod.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { count } from "../output/count.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { imageText, outputMode, printResult } from "../output/output.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** What moves from where to where. */
export interface TransferPlan {
  /** `pull` or `push`. */
  verb: "pull" | "push";
  image: Reference;
  source: Source;
  /** The tag or digest on the source. */
  from: string;
  target: Target;
  /** The tag on the target; without it the image can be had by its digest alone. */
  tag?: string;
  /** The platforms whose content alone moves; the target has the rest. `undefined` for all. */
  platforms?: readonly Platform[];
}

/**
 * What `-o json` prints about a pull or a push. Members are never renamed or removed, but more may come.
 */
export interface TransferReport {
  /** The full name: `registry/repository[:tag][@digest]`. */
  name: string;
  /** The digest, media type and size (in bytes) of the manifest behind the name. */
  digest: Digest;
  mediaType: string;
  size: number;
  /** What came over the network, manifests included. */
  transferred: { blobs: number; bytes: number };
  /** What was there already. */
  present: { blobs: number; bytes: number };
  /** What came along because it refers to the image. */
  attachments: AttachmentReport[];
}

/** Something that refers to an image: a signature, an SBOM, an attestation. */
export interface AttachmentReport {
  digest: Digest;
  mediaType: string;
  size: number;
  artifactType: string;
  /** What it refers to. */
  subject: Digest;
  /** The tag that ties it to the subject (`sha256-<hex>.sig`), empty for an OCI referrer. */
  tag: string;
}

/** Copies an image between a registry and the store, and prints how that went. */
export async function transfer(
  plan: TransferPlan,
  invocation: Invocation,
  settings: Settings,
  reporter: Reporter,
): Promise<void> {
  const name = formatReference(plan.image);
  const result = await run(plan, invocation, settings, reporter);
  reporter.finish();
  tellDetails(result, reporter);
  const text = () => settings.quiet ? "" : `Successfully ${plan.verb}ed ${nameWithDigest(plan.image, result.root)}\n`;
  await printResult(outputMode(invocation.flags), transferReport(name, result), text);
}

async function run(
  { verb, image, source, from, target, tag, platforms }: TransferPlan,
  { flags, signal }: Invocation,
  settings: Settings,
  reporter: Reporter,
): Promise<CopyResult> {
  try {
    return await copy(source, from, target, {
      signal,
      referrers: isSet(flags, "referrers", true),
      onWarning: reporter.warn,
      ...(tag !== undefined && { tag }),
      ...(platforms && { platforms }),
      ...(settings.concurrency !== undefined && { concurrency: settings.concurrency }),
      ...(reporter.progress && { onProgress: reporter.progress }),
    });
  } catch (error) {
    if (!signal.aborted) throw withContext(`${verb}ing ${formatReference(image)}`, error);
    const hint = verb === "pull" ? "What has arrived is kept: the same command goes on from there." : undefined;
    throw new SatchelError("cancelled", `${verb}ing ${formatReference(image)}: interrupted`, { hint });
  }
}

/** `name:tag@digest`; a digest that the name has already is not repeated. */
export function nameWithDigest(image: Reference, { digest }: Pick<Descriptor, "digest">): string {
  return formatReference({ ...image, digest });
}

/** Says with `--verbose` what was copied. */
export function tellDetails(result: CopyResult, reporter: Reporter): void {
  reporter.detail(summary(result));
  for (const { descriptor, artifactType } of result.attachments) {
    reporter.detail(`With it: ${descriptor.digest} (${artifactType ?? descriptor.mediaType})`);
  }
}

function summary({ transferred, present }: CopyResult): string {
  return `Transferred ${count(transferred.blobs, "blob")} (${formatBytes(transferred.bytes)}), ` +
    `${count(present.blobs, "blob")} (${formatBytes(present.bytes)}) were there`;
}

/** What was copied, for programs. */
export function transferReport(name: string, { root, transferred, present, attachments }: CopyResult): TransferReport {
  return {
    name,
    digest: root.digest,
    mediaType: root.mediaType,
    size: root.size,
    transferred: { blobs: transferred.blobs, bytes: transferred.bytes },
    present: { blobs: present.blobs, bytes: present.bytes },
    attachments: attachments.map(({ descriptor, subject, artifactType, tag }) => ({
      digest: descriptor.digest,
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      artifactType: imageText(artifactType),
      subject,
      tag: tag ?? "",
    })),
  };
}
