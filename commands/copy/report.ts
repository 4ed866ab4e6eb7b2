import { type Digest, formatPlatform, formatReference } from "../../lib/oci/mod.ts";
import { nameWithDigest, type TransferReport, transferReport } from "../image/transfer.ts";
import { formatEnd } from "./ends.ts";
import type { CopyRequest } from "./job.ts";
import type { Copied } from "./outcome.ts";
import type { WrittenArchive } from "./to_archive.ts";

/** What `-o json` prints about an image that was copied. Members are never renamed or removed, but more may come. */
export interface CopyReport extends TransferReport {
  /** The two ends, with whole names: `store:registry/repository:tag`. */
  source: string;
  destination: string;
  /** The platforms whose content alone was copied, if others were left out. */
  platforms?: string[];
  /** The archive that was written: its name as it was typed, its digest, and its size in bytes. */
  archive?: { file: string; digest: Digest; size: number };
}

/** The report of one image. */
export function copyReport(copied: Copied, { from, to }: CopyRequest, archive?: WrittenArchive): CopyReport {
  const { job, only } = copied;
  const name = formatReference(job.to);
  return {
    source: formatEnd(from, job.image.name),
    destination: formatEnd(to, name),
    ...transferReport(name, copied),
    ...(only && { platforms: only.map(formatPlatform) }),
    ...(archive && { archive: { file: archive.file, digest: archive.digest, size: archive.size } }),
  };
}

/** The same for people. */
export function describeCopied({ job, root, only, others }: Copied, { from, to }: CopyRequest): string {
  const destination = formatEnd(to, nameWithDigest(job.to, root));
  const line = `Successfully copied ${formatEnd(from, job.image.name)} to ${destination}\n`;
  const list = (platforms: typeof others) => platforms.map(formatPlatform).join(", ");
  const name = formatReference(job.to);
  // A store or a folder may have had more of it before.
  if (only) return `${line}${name} ${to.kind === "archive" ? "has" : "came for"} ${list(only)} only\n`;
  if (others.length === 0) return line;
  return `${line}${name} is whole, with ${list(others)} as well; --sparse leaves that out\n`;
}
