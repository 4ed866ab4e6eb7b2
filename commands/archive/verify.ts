import { basename } from "node:path";
import {
  type Archive,
  type ArchiveDamage,
  type ArchiveForm,
  type CheckedVolume,
  type CheckedVolumes,
  checkVolume,
  checkVolumes,
  hashArchiveFile,
  type HashedFile,
  openArchive,
  readVolumeList,
  sumsPath,
  type Verification,
  verifyArchive,
  type VolumeList,
  volumeOf,
  volumePath,
  type VolumeSum,
} from "../../lib/archive/mod.ts";
import { hasCode, SatchelError, throwIfCancelled, withContext } from "../../lib/error.ts";
import { type Digest, Digester } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/terminal/mod.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { openSigningPlugins } from "../open/signing_plugins.ts";
import { count } from "../output/count.ts";
import { EXIT_DAMAGED, EXIT_OK } from "../output/exit.ts";
import { imageText, outputMode, printResult } from "../output/output.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";
import { describeForm } from "./form.ts";
import { archiveTrust, describeSignatures, type ImageSignatures, judgeImages } from "./signatures.ts";

/** What `-o json` prints about an archive. Members are never renamed or removed, but more may come. */
interface VerifyReport {
  /** The archive, as it was named. */
  file: string;
  /** Whether nothing is wrong. */
  ok: boolean;
  /** What it is; absent if it cannot be read as an archive, and of a volume alone. */
  form?: ArchiveForm;
  /**
   * Of the whole file, or of all volumes together, as `image export` prints it; of stdin, if it was read to its end. Absent for folders.
   */
  digest?: Digest;
  /** In bytes, with the digest. */
  size?: number;
  /** How many images it has. */
  images: number;
  /** What was read and hashed, manifests included. */
  checked: { blobs: number; bytes: number };
  /** What images need and whoever wrote the archive left out, since the other side has it. */
  leftOut: { blobs: number; bytes: number };
  damage: ArchiveDamage[];
  /** With flags that say whom to trust: the signatures of each image. */
  signatures?: ImageSignatures[];
  /** Of an archive in volumes: each that its list of checksums has. */
  volumes?: { file: string; state: CheckedVolume["state"]; size?: number }[];
}

const NOTHING = { blobs: 0, bytes: 0 };

/**
 * `satchel archive verify FILE`: reads and hashes everything, and judges signatures if it is told whom to trust; the exit status is 5 if
 * something is damaged, or an image is not verified.
 */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const trust = archiveTrust(invocation);
  await using plugins = trust && await openSigningPlugins(settings, invocation, reporter);
  const judge = trust && plugins &&
    ((archive: Archive) => judgeImages(archive, trust, { plugins, reporter, signal: invocation.signal }));
  const report = await verify(invocation, settings, reporter, judge);
  reporter.finish();
  await printResult(outputMode(invocation.flags), report, () => describe(report, settings));
  return report.ok ? EXIT_OK : EXIT_DAMAGED;
}

/** Judges the signatures of all images. */
type Judge = (archive: Archive) => Promise<ImageSignatures[]>;

async function verify(
  invocation: Invocation,
  settings: Settings,
  reporter: Reporter,
  judge: Judge | undefined,
): Promise<VerifyReport> {
  const { arguments: [path], signal } = invocation;
  try {
    const volume = volumeOf(path);
    const archive = volume?.archive ?? path;
    const list = path === "-" ? undefined : readVolumeList(archive);
    const sum = list?.volumes.find(({ name }) => name === basename(path));
    if (sum && volume && volume.number > 1) {
      if (judge) throw signaturesElsewhere(path, volumePath(archive, 1));
      return await verifyVolume(path, archive, sum, invocation, reporter);
    }
    const hashed = await hashFiles(path, list, invocation, reporter);
    // Without a volume its blobs cannot be found, nor with one too many.
    if (hashed.volumes?.some(({ state }) => state === "missing" || state === "unlisted")) {
      return reportOf(path, hashed);
    }
    const readable = hashed.volumes ? volumePath(archive, 1) : path;
    return reportOf(path, hashed, await verifyContent(readable, invocation, settings, reporter, judge));
  } catch (error) {
    // It would be found again on the other side, as any damage.
    if (hasCode(error, "invalid")) return reportOf(path, {}, brokenContent(error));
    if (!signal.aborted) throw withContext("verifying an archive", error);
    throw new SatchelError("cancelled", "verifying an archive: interrupted");
  }
}

/** Signatures were asked for, so a volume that is whole must not pass for an archive that is verified. */
function signaturesElsewhere(path: string, first: string): SatchelError {
  return new SatchelError("usage", `${printable(path)} alone has no signatures that could be judged`, {
    hint: `Name ${printable(first)}, and all volumes are read.`,
  });
}

/** The files of an archive, hashed as they are. */
type Hashed = Partial<CheckedVolumes>;

/** What its content turned out to be. */
interface Content extends Verification {
  form?: ArchiveForm;
  /** What came once, hashed, if all of it came. */
  whole?: HashedFile;
  signatures?: ImageSignatures[];
}

/** Hashes the file that an archive is, or its volumes, where there is a list of their checksums. */
async function hashFiles(
  path: string,
  list: VolumeList | undefined,
  { signal }: Invocation,
  reporter: Reporter,
): Promise<Hashed> {
  const onProgress = (done: number, total: number) => reporter.measure?.("Hashing", done, total);
  if (path === "-") return {};
  const volume = volumeOf(path);
  const whole = volume && list ? undefined : await hashArchiveFile(path, { signal, onProgress });
  if (whole || !list) return { ...(whole && !volume && { whole }) };
  return await checkVolumes(volume?.archive ?? path, list, { signal, onProgress });
}

/** Checks one volume against the list of checksums. */
async function verifyVolume(
  path: string,
  archive: string,
  sum: VolumeSum,
  { signal }: Invocation,
  reporter: Reporter,
): Promise<VerifyReport> {
  const onProgress = (done: number, total: number) => reporter.measure?.("Hashing", done, total);
  const volume = await checkVolume(archive, sum, { signal, onProgress });
  if (volume.state === "missing") throw new SatchelError("usage", `there is no ${path}`);
  return reportOf(path, { volumes: [volume] });
}

/** Reads all blobs; an archive that cannot be read as one is damaged too. */
async function verifyContent(
  path: string,
  { flags, signal }: Invocation,
  { spoolFolder }: Settings,
  reporter: Reporter,
  judge: Judge | undefined,
): Promise<Content> {
  const hashed = new PassingBytes();
  try {
    const onBytes = (chunk: Uint8Array | undefined) => hashed.take(chunk);
    // Signatures are blobs as others are, and what goes by once has gone when it is known which.
    const reread = judge !== undefined;
    await using archive = await openArchive(path, { spoolFolder, signal, onWarning: reporter.warn, onBytes, reread });
    const found = await verifyArchive(archive, {
      signal,
      thin: isSet(flags, "thin"),
      onWarning: reporter.warn,
      onProgress: (done, total) => reporter.measure?.("Verifying", done, total),
    });
    const signatures = await judge?.(archive);
    return {
      form: archive.form,
      ...found,
      ...(hashed.whole && { whole: hashed.whole }),
      ...(signatures && { signatures }),
    };
  } catch (error) {
    throwIfCancelled(signal);
    if (!hasCode(error, "invalid") && !hasCode(error, "integrity")) throw error;
    return brokenContent(error);
  }
}

/** Hashes what comes once. */
class PassingBytes {
  /** There when all of it has come. */
  whole?: HashedFile;
  readonly #digester = new Digester();
  #size = 0;

  /** @param chunk `undefined` at the end */
  take(chunk: Uint8Array | undefined): void {
    if (!chunk) {
      this.whole = { digest: this.#digester.digest(), size: this.#size };
      return;
    }
    this.#digester.update(chunk);
    this.#size += chunk.length;
  }
}

function brokenContent({ message }: SatchelError): Content {
  const damage: ArchiveDamage = { kind: "broken", message, images: [] };
  return { images: 0, checked: NOTHING, leftOut: NOTHING, damage: [damage] };
}

function reportOf(file: string, { whole, volumes, listedWhole }: Hashed, content?: Content): VerifyReport {
  const { form, images = 0, checked = NOTHING, leftOut = NOTHING, damage = [] } = content ?? {};
  const { signatures } = content ?? {};
  const all = [...volumeDamage(volumes ?? []), ...listDamage(file, listedWhole), ...damage.map(shortened)];
  return {
    file,
    ok: all.length === 0 && areVerified(signatures),
    ...(form && { form }),
    ...(whole ?? content?.whole),
    images,
    checked,
    leftOut,
    damage: all,
    ...(signatures && { signatures }),
    ...(volumes && {
      volumes: volumes.map(({ name, state, size }) => ({ file: name, state, ...(size !== undefined && { size }) })),
    }),
  };
}

/** Of no image at all nothing is verified, which was asked for. */
function areVerified(signatures: readonly ImageSignatures[] | undefined): boolean {
  return !signatures || (signatures.length > 0 && signatures.every(({ verified }) => verified));
}

function volumeDamage(volumes: readonly CheckedVolume[]): ArchiveDamage[] {
  return volumes.flatMap(({ name, state, error }) => {
    if (state === "ok") return [];
    if (state === "missing") return { kind: state, message: `${name} is missing`, images: [], place: name };
    if (state === "unlisted") {
      const message = `${name} lies there, and the list of checksums has it not`;
      return { kind: "broken", message, images: [], place: name };
    }
    const message = error?.message ?? `${name} has other bytes than its checksum says`;
    return { kind: state, message, images: [], place: name };
  });
}

/** Which of both is wrong nobody can tell. */
function listDamage(file: string, listedWhole: Digest | undefined): ArchiveDamage[] {
  if (listedWhole === undefined) return [];
  const list = basename(sumsPath(volumeOf(file)?.archive ?? file));
  return [{
    kind: "damaged",
    message: `${list} says that all volumes together are ${listedWhole}, and they are not`,
    images: [],
    place: list,
  }];
}

function shortened(damage: ArchiveDamage): ArchiveDamage {
  return { ...damage, images: damage.images.map(imageText) };
}

/** Damage is told in any case. */
function describe(report: VerifyReport, { quiet }: Settings): string {
  const lines = report.damage.map(({ message, images, place }) => {
    const where = place === undefined || message.includes(place) ? "" : `, in ${place}`;
    const users = images.length === 0 ? "" : ` (part of ${images.join(", ")})`;
    return printable(`Damaged: ${message}${where}${users}`);
  });
  if (report.signatures?.length === 0) lines.push("Not verified: there is no image in it");
  lines.push(...describeSignatures((report.signatures ?? []).filter(({ verified }) => !quiet || !verified)));
  if (!quiet) lines.push(...summary(report).map((line) => printable(line)));
  return lines.map((line) => `${line}\n`).join("");
}

function summary({ file, form, digest, size, images, checked, leftOut, damage, volumes }: VerifyReport): string[] {
  const parts = form ? [describeForm(form)] : [];
  if (size !== undefined) parts.push(formatBytes(size));
  if (images > 0) parts.push(count(images, "image"));
  if (checked.blobs > 0) parts.push(`${count(checked.blobs, "blob")} (${formatBytes(checked.bytes)})`);
  if (volumes && !form) parts.push(count(volumes.length, "volume"));
  if (leftOut.blobs > 0) parts.push(`${count(leftOut.blobs, "blob")} (${formatBytes(leftOut.bytes)}) left out`);
  const found = damage.length === 0 ? "nothing is damaged" : `${damage.length} damaged`;
  return [
    `Checked ${file === "-" ? "stdin" : file}: ${[...parts, found].join(", ")}`,
    ...(digest === undefined ? [] : [digest]),
  ];
}
