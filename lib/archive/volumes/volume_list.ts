import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SatchelError } from "../../error.ts";
import { isMissing, onPath, readWhole } from "../../files/mod.ts";
import { type Digest, isDigest } from "../../oci/mod.ts";
import { printable } from "../../printable.ts";
import { parseSums, sumsPath, volumeOf, volumePath, type VolumeSum } from "./volumes.ts";

/** The longest list of checksums that is read, in bytes. */
const MAX_SUMS_SIZE = 1024 * 1024;

/** The line about all volumes together, as satchel writes it; what `sha256sum` alone has written has none. */
const WHOLE = /^# .*, all (\d+) volumes together: (\S+)$/m;

/** What an archive's list of checksums says. */
export interface VolumeList {
  /** From the first one on, each once. */
  volumes: readonly VolumeSum[];
  /** Of all of them together. */
  whole?: Digest;
}

/**
 * Reads the list of checksums of an archive's volumes. It is believed only if it can be one of all of them: what it lacks
 * would pass for whole.
 *
 * @param archive path of the archive whose volumes they are: `x.tar`
 * @returns `undefined` if there is none
 * @throws {SatchelError} `invalid`, `storage`
 */
export function readVolumeList(archive: string): VolumeList | undefined {
  const path = sumsPath(archive);
  const text = readSumsText(path);
  return text === undefined ? undefined : parseVolumeList(text, archive, path);
}

/** The volumes that a list of checksums names, whether it can be one of all of them or not; none if there is none. */
export function listedVolumes(archive: string): string[] {
  const path = sumsPath(archive);
  const text = readSumsText(path);
  return text === undefined ? [] : parseSums(text, path).map(({ name }) => name);
}

function readSumsText(path: string): string | undefined {
  const bytes = readWhole(path, MAX_SUMS_SIZE);
  return bytes && new TextDecoder().decode(bytes);
}

function parseVolumeList(text: string, archive: string, path: string): VolumeList {
  const volumes = parseSums(text, path).sort((a, b) => numberOf(a) - numberOf(b));
  const broken = (why: string) =>
    new SatchelError("invalid", `${path} is not a whole list of the checksums of volumes: ${why}`);
  for (const [at, { name }] of volumes.entries()) {
    const expected = basename(volumePath(archive, at + 1));
    if (name !== expected) throw broken(`it has ${printable(name, 300)} in the place of ${expected}`);
  }
  const [, count, whole] = WHOLE.exec(text) ?? [];
  if (count !== undefined && Number(count) !== volumes.length) {
    throw broken(`it has ${volumes.length} of its ${count} volumes`);
  }
  if (volumes.length === 0) throw broken("it has none");
  if (whole === undefined) return { volumes };
  if (!isDigest(whole)) throw broken("what it says of all of them together is no digest");
  return { volumes, whole };
}

function numberOf({ name }: VolumeSum): number {
  return volumeOf(name)?.number ?? 0;
}

/** The numbers of all volumes of an archive that there are. */
export function numbersBeside(archive: string): number[] {
  return onPath("read", dirname(archive), () => {
    try {
      return readdirSync(dirname(archive)).flatMap((name) => {
        const volume = volumeOf(join(dirname(archive), name));
        const isOne = volume?.archive === join(archive) && basename(volumePath(archive, volume.number)) === name;
        return volume && isOne ? [volume.number] : [];
      });
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  });
}

/** The names of the volumes that lie there although the list has them not: of another archive, or the list is not of these. */
export function volumesBeyond(archive: string, { volumes }: VolumeList): string[] {
  const beyond = numbersBeside(archive).filter((number) => number > volumes.length).sort((a, b) => a - b);
  return beyond.map((number) => basename(volumePath(archive, number)));
}
