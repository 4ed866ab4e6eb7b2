import type { ArchiveDraft, WrittenVolume } from "../../lib/archive/mod.ts";
import { type Digest, formatPlatform } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { count } from "../output/count.ts";
import type { PlannedExport } from "./export_plan.ts";
import { countReferrers, describeReferrers } from "./referrer_count.ts";

/** What `-o json` prints about an export. Members are never renamed or removed, but more may come. */
export interface ExportReport {
  /** The archive, as it was named. */
  file: string;
  /** Of the whole archive; that of all volumes together. */
  digest: Digest;
  /** In bytes. */
  size: number;
  images: {
    name: string;
    digest: Digest;
    /** The platforms whose content alone is in the archive, if others were left out. */
    platforms?: string[];
    /** How many manifests of each artifact type come along because they refer to the image. */
    referrers: Record<string, number>;
  }[];
  /** What is in the archive, manifests included. */
  blobs: { count: number; bytes: number };
  /** What the other side has. */
  leftOut: { blobs: number; bytes: number };
  volumes?: { file: string; size: number; digest: Digest }[];
}

/** The report of an export. */
export function exportReport(
  file: string,
  planned: readonly PlannedExport[],
  { size, blobs, leftOut }: ArchiveDraft,
  { digest, volumes }: { digest: Digest; volumes: readonly WrittenVolume[] },
): ExportReport {
  return {
    file,
    digest,
    size,
    images: planned.map(({ name, root, only, attachments }) => ({
      name,
      digest: root.digest,
      ...(only && { platforms: only.map(formatPlatform) }),
      referrers: countReferrers(attachments),
    })),
    blobs: { count: blobs.blobs, bytes: blobs.bytes },
    leftOut,
    ...(volumes.length > 0 && { volumes: volumes.map(({ name, size, digest }) => ({ file: name, size, digest })) }),
  };
}

/** The same for people. */
export function describeExport(report: ExportReport, planned: readonly PlannedExport[]): string {
  const { file, digest, size, images, blobs, leftOut, volumes } = report;
  const parts = [formatBytes(size), count(images.length, "image"), count(blobs.count, "blob")];
  if (leftOut.blobs > 0) parts.push(`${count(leftOut.blobs, "blob")} (${formatBytes(leftOut.bytes)}) left out`);
  const referrers = describeReferrers(planned);
  if (referrers !== undefined) parts.push(`with ${referrers}`);
  if (volumes) parts.push(count(volumes.length, "volume"));
  const notes = planned.flatMap(({ name, only, others }) => {
    const shown = printable(name);
    if (only) return `${shown} has ${only.map(formatPlatform).join(", ")} only\n`;
    if (others.length === 0) return [];
    return `${shown} is whole, with ${others.map(formatPlatform).join(", ")} as well; --sparse leaves that out\n`;
  });
  return `Successfully exported images to ${printable(file)}\n${digest}  ${parts.join(", ")}\n${notes.join("")}`;
}
