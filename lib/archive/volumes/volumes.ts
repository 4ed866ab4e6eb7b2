import { basename, dirname, join } from "node:path";
import { SatchelError } from "../../error.ts";
import { type Digest, digestHex, isDigest } from "../../oci/mod.ts";

// Volumes are slices of one tar: `x.tar.001`, `x.tar.002`, ... put together are `x.tar`, byte for byte. Their checksums lie
// beside them in `x.tar-sha256sums`, which `sha256sum -c` reads; its name is not matched by `x.tar.*`.

const VOLUME_NAME = /^(.+)\.(\d{3,})$/s;

/** One volume, in the list of checksums. */
export interface VolumeSum {
  /** Name of its file, without a folder. */
  name: string;
  digest: Digest;
}

/** The archive that a volume is a part of, and its number from 1; `undefined` if the path is not that of a volume. */
export function volumeOf(path: string): { archive: string; number: number } | undefined {
  const match = VOLUME_NAME.exec(basename(path));
  if (!match || Number(match[2]) === 0) return undefined;
  return { archive: join(dirname(path), match[1]), number: Number(match[2]) };
}

/** Path of a volume: `x.tar.001`. */
export function volumePath(archive: string, number: number): string {
  return `${archive}.${String(number).padStart(3, "0")}`;
}

/** Path of the list of checksums: `x.tar-sha256sums`. */
export function sumsPath(archive: string): string {
  return `${archive}-sha256sums`;
}

/** The archive that a list of checksums is of; `undefined` if the path is not that of one. */
export function archiveOfSums(path: string): string | undefined {
  const end = sumsPath("");
  return path.endsWith(end) && path.length > end.length ? path.slice(0, -end.length) : undefined;
}

/**
 * Writes the list of checksums of volumes.
 *
 * @param whole the digest of all of them together
 */
export function formatSums(archive: string, sums: readonly VolumeSum[], whole: Digest): string {
  const lines = sums.map(({ name, digest }) => `${digestHex(digest)}  ${name}\n`);
  return `# ${basename(archive)}, all ${sums.length} volumes together: ${whole}\n${lines.join("")}`;
}

/**
 * Reads the list of checksums of volumes.
 *
 * @param what for the error text
 * @throws {SatchelError} `invalid`
 */
export function parseSums(text: string, what: string): VolumeSum[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [hex, name] = [line.slice(0, 64), line.slice(66)];
    const digest = `sha256:${hex}`;
    if (!isDigest(digest) || !/^ [ *]$/.test(line.slice(64, 66)) || !volumeOf(name) || basename(name) !== name) {
      throw new SatchelError("invalid", `${what} is not a list of the checksums of volumes`);
    }
    return { name, digest };
  });
}
