import {
  archiveError,
  type ArchiveForm,
  inspectArchive,
  type InspectedImage,
  type Inspection,
  openArchive,
} from "../../lib/archive/mod.ts";
import type { SignatureFormat } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { type Digest, formatPlatform, shortDigest } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { type Column, formatBytes, formatColumns } from "../../lib/terminal/mod.ts";
import { countReferrers } from "../image/referrer_count.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { count } from "../output/count.ts";
import { EXIT_OK } from "../output/exit.ts";
import { imageText, outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { tableText } from "../output/table.ts";
import { loadSettings } from "../settings/settings.ts";
import { describeForm } from "./form.ts";

/** A number of blobs, manifests among them, and their bytes. */
interface Tally {
  blobs: number;
  bytes: number;
}

/** What `-o json` prints about an archive. Members are never renamed or removed, but more may come. */
interface InspectReport {
  /** The archive, as it was named. */
  file: string;
  form: ArchiveForm;
  images: ImageReport[];
  /** What the images need and the archive has, each digest once. */
  content: Tally;
  /** What the images need and the archive leaves out on purpose, as it says itself. */
  leftOut: Tally;
  /** What the images need and the archive has not, although it should. */
  missing: Tally;
}

interface ImageReport {
  /** As it is written in the archive; empty without one. */
  name: string;
  /** What containerd calls it, where it says so. */
  containerdName?: string;
  /** The digest, media type and size (in bytes) of its manifest. */
  digest: Digest;
  mediaType: string;
  size: number;
  platforms: string[];
  /** Whether the content of other platforms was left out. */
  sparse: boolean;
  /** All that it consists of, with what refers to it, each digest once. */
  content: Tally;
  /** What of this was left out on purpose. */
  leftOut: Tally;
  /** What of this is not in the archive although it should. */
  missing: Tally;
  /** How many manifests of each artifact type refer to it. */
  referrers: Record<string, number>;
  /** How many of them look like signatures, by how they are kept. */
  signatures: Partial<Record<SignatureFormat, number>>;
  /** Why it cannot be read; then the rest is not known. */
  problem?: string;
}

/** `satchel archive inspect FILE`: what is inside, by the manifests. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const report = await inspect(invocation, settings.spoolFolder, reporter.warn);
  reporter.finish();
  for (const { name, digest, problem } of report.images) {
    if (problem !== undefined) reporter.warn(`${name || digest}: ${problem}`);
  }
  const full = isSet(invocation.flags, "no-trunc");
  const text = () => table(report.images, full) + (settings.quiet ? "" : summary(report));
  await printResult(outputMode(invocation.flags), report, text);
  return EXIT_OK;
}

async function inspect(
  { arguments: [path], signal }: Invocation,
  spoolFolder: string,
  onWarning: (message: string) => void,
): Promise<InspectReport> {
  try {
    await using archive = await openArchive(path, { spoolFolder, signal, onWarning });
    const found = await inspectArchive(archive, { signal, onWarning });
    return report(path, archive.form, found);
  } catch (error) {
    if (!signal.aborted) throw withContext("inspecting an archive", archiveError(error));
    throw new SatchelError("cancelled", "inspecting an archive: interrupted");
  }
}

function report(file: string, form: ArchiveForm, { images, content, leftOut, missing }: Inspection): InspectReport {
  return { file, form, images: images.map(imageReport), content, leftOut, missing };
}

function imageReport(inspected: InspectedImage): ImageReport {
  const { image, platforms, content, leftOut, missing, attachments, failure } = inspected;
  const { digest, mediaType, size } = image.descriptor;
  return {
    name: imageText(image.name),
    ...(image.containerdName !== undefined && { containerdName: imageText(image.containerdName) }),
    digest,
    mediaType,
    size,
    platforms: platforms.map((platform) => imageText(formatPlatform(platform))),
    sparse: image.platforms !== undefined,
    content,
    leftOut,
    missing,
    referrers: countReferrers(attachments),
    signatures: countSignatures(attachments),
    ...(failure && { problem: failure.error.message }),
  };
}

function countSignatures(attachments: InspectedImage["attachments"]): ImageReport["signatures"] {
  const signatures: ImageReport["signatures"] = {};
  const formats = attachments.flatMap(({ signature }) => signature ?? []).sort();
  for (const format of formats) signatures[format] = (signatures[format] ?? 0) + 1;
  return signatures;
}

/** @param full nothing is shortened */
function table(images: readonly ImageReport[], full: boolean): string {
  const hasAbsent = images.some(({ leftOut, missing }) => leftOut.blobs + missing.blobs > 0);
  // The name, without which the rest is of no use, gives way last.
  const columns: Column[] = [
    { header: "NAME" },
    { header: "DIGEST" },
    { header: "PLATFORMS", shrinksTo: 12 },
    { header: "SIZE" },
    { header: "REFERRERS" },
    { header: "SIGNATURES", shrinksTo: 10 },
    ...hasAbsent ? [{ header: "ABSENT" }] : [],
  ];
  const rows = images.map((image) => [...row(image, full), ...hasAbsent ? [absentText(image)] : []]);
  return full ? formatColumns(columns, rows).map((line) => `${line}\n`).join("") : tableText(columns, rows);
}

function absentText({ leftOut, missing }: ImageReport): string {
  if (missing.blobs > 0) return `${missing.blobs} missing`;
  return leftOut.blobs > 0 ? `${leftOut.blobs} left out` : "-";
}

function row(image: ImageReport, full: boolean): string[] {
  const { name, containerdName, digest, platforms, sparse, content, referrers, signatures, problem } = image;
  const start = [name || containerdName || "<none>", full ? digest : shortDigest(digest)];
  if (problem !== undefined) return [...start, "unreadable", "", "", ""];
  const attached = Object.values(referrers).reduce((sum, number) => sum + number, 0);
  return [
    ...start,
    (platforms.join(",") || "-") + (sparse ? " (sparse)" : ""),
    formatBytes(content.bytes),
    String(attached),
    Object.keys(signatures).sort().join(",") || "-",
  ];
}

function summary({ file, form, images, content, leftOut, missing }: InspectReport): string {
  const blobs = `${count(content.blobs, "blob")} (${formatBytes(content.bytes)})`;
  const absent = [[leftOut, "left out"], [missing, "missing"]] as const;
  const ends = absent.filter(([{ blobs }]) => blobs > 0).map(([{ blobs, bytes }, what]) =>
    `; ${count(blobs, "blob")} (${formatBytes(bytes)}) ${what}`
  );
  return printable(
    `${file === "-" ? "stdin" : file}: ${describeForm(form)}; ${count(images.length, "image")}, ${blobs}${
      ends.join("")
    }`,
  ) + "\n";
}
