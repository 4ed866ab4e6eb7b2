import { readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { concatBytes } from "../../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../../error.ts";
import { syncAlong, writeAll } from "../../files/mod.ts";
import { Digester } from "../../oci/mod.ts";
import { checkSpace, type FileDestination, writeError } from "./destination.ts";
import type { ArchiveSink, SinkOptions, WrittenVolume } from "./sink.ts";
import { openTemporary, syncNames, type TemporaryFile, temporaryPath } from "./temporary_file.ts";
import { untilCancelled } from "../bytes/until_cancelled.ts";
import { listedVolumes } from "../volumes/volume_list.ts";
import { formatSums, sumsPath, volumeOf, volumePath } from "../volumes/volumes.ts";

/** The most volumes of one archive: with more digits, `x.tar.*` would not be in their order. */
const MAX_VOLUMES = 999;

/** Options of {@link openVolumeSink}. */
export interface VolumeOptions extends SinkOptions {
  /** Of each volume but the last one, in bytes. */
  volumeSize: number;
}

/**
 * Writes an archive as slices: `x.tar.001`, `x.tar.002`, ..., and their checksums. They appear when all of them are on the disk.
 *
 * @throws {SatchelError} `usage` for too many volumes, `refused` if volumes of another archive are in the way, `storage`, `busy`
 */
export function openVolumeSink(destination: FileDestination, options: VolumeOptions): ArchiveSink {
  const { name, path } = destination;
  const number = Math.ceil(options.size / options.volumeSize);
  if (number > MAX_VOLUMES) {
    const message = `${name} would have ${number} volumes, and ${MAX_VOLUMES} are possible`;
    throw new SatchelError("usage", message, {
      hint: `It has ${options.size} bytes.`,
      remedy: { kind: "larger-volumes", bytes: Math.ceil(options.size / MAX_VOLUMES) },
    });
  }
  const old = oldVolumes(destination);
  checkSpace(destination, options.size);
  // It becomes the list of checksums, and locks the whole.
  const sums = openTemporary(temporaryPath(destination.folder, path), name);
  return new VolumeSink(destination, options, sums, old);
}

/** A volume that has its bytes, but not its name. */
interface FullVolume {
  sum: WrittenVolume;
  path: string;
  temporary: TemporaryFile;
  readAgain: TemporaryFile["readAgain"];
}

class VolumeSink implements ArchiveSink {
  readonly #destination: FileDestination;
  readonly #options: VolumeOptions;
  readonly #sums: TemporaryFile;
  readonly #old: readonly string[];
  readonly #full: FullVolume[] = [];
  readonly #whole = new Digester();
  #open?: OpenVolume;

  constructor(destination: FileDestination, options: VolumeOptions, sums: TemporaryFile, old: readonly string[]) {
    this.#destination = destination;
    this.#options = options;
    this.#sums = sums;
    this.#old = old;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { volumeSize, signal } = this.#options;
    this.#whole.update(bytes);
    for (let rest = bytes; rest.length > 0;) {
      throwIfCancelled(signal);
      const volume = this.#open ??= openVolume(this.#destination, this.#full.length + 1);
      const part = rest.subarray(0, volumeSize - volume.size);
      volume.write(part);
      rest = rest.subarray(part.length);
      if (volume.size === volumeSize) await this.#close();
    }
  }

  readAgain(position: number, length: number): Uint8Array {
    const { volumeSize } = this.#options;
    const volumes = [...this.#full, ...this.#open ? [this.#open] : []];
    const parts: Uint8Array[] = [];
    for (let at = position; at < position + length;) {
      const volume = volumes[Math.floor(at / volumeSize)];
      const part = volume?.readAgain(at % volumeSize, Math.min(position + length - at, volumeSize - at % volumeSize));
      if (!part?.length) break;
      parts.push(part);
      at += part.length;
    }
    return concatBytes(parts);
  }

  async finish(): Promise<readonly WrittenVolume[]> {
    const { name, path, folder } = this.#destination;
    await this.#close();
    const volumes = this.#full.map(({ sum }) => sum);
    const text = new TextEncoder().encode(formatSums(path, volumes, this.#whole.digest()));
    try {
      writeAll(this.#sums.file.fd, text, 0);
      await untilCancelled(syncAlong(this.#sums.file.fd).finish(), this.#options.signal);
      // In this order, whenever it is cut short, each volume that lies there is in the list, and one that is not of it shows.
      const kept = new Set(this.#full.map(({ path }) => path));
      for (const each of this.#old) if (!kept.has(each)) rmSync(each, { force: true });
      this.#sums.rename(sumsPath(path));
      for (const { temporary, path } of this.#full) temporary.rename(path);
    } catch (cause) {
      throw writeError(name, cause);
    }
    syncNames(folder, name);
    return volumes;
  }

  async #close(): Promise<void> {
    const volume = this.#open;
    if (!volume) return;
    this.#full.push(await volume.close(this.#options.signal));
    this.#open = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const temporaries = [...this.#full.map(({ temporary }) => temporary), this.#sums];
    for (const each of temporaries) each.remove();
    await this.#open?.abandon();
    for (const each of temporaries) each[Symbol.dispose]();
  }
}

/** The volume that is just being written. */
interface OpenVolume {
  readonly size: number;
  readonly readAgain: TemporaryFile["readAgain"];
  write(bytes: Uint8Array): void;
  /** Puts it on the disk. */
  close(signal: AbortSignal | undefined): Promise<FullVolume>;
  abandon(): Promise<void>;
}

function readerOf(temporary: TemporaryFile, path: string): TemporaryFile["readAgain"] {
  return (position, length) => {
    try {
      return temporary.readAgain(position, length);
    } catch (cause) {
      throw writeError(path, cause);
    }
  };
}

function openVolume({ path, folder }: FileDestination, number: number): OpenVolume {
  const own = volumePath(path, number);
  const temporary = openTemporary(temporaryPath(folder, own), own);
  const { fd } = temporary.file;
  const disk = syncAlong(fd);
  const digester = new Digester();
  const readAgain = readerOf(temporary, own);
  let size = 0;
  return {
    readAgain,
    get size() {
      return size;
    },
    write(bytes) {
      try {
        writeAll(fd, bytes, size);
      } catch (cause) {
        throw writeError(own, cause);
      }
      digester.update(bytes);
      size += bytes.length;
      disk.wrote(bytes.length);
    },
    async close(signal) {
      try {
        await untilCancelled(disk.finish(), signal);
      } catch (cause) {
        throw writeError(own, cause);
      }
      return { sum: { name: basename(own), digest: digester.digest(), size }, path: own, temporary, readAgain };
    },
    async abandon() {
      temporary.remove();
      await disk.settle();
      temporary[Symbol.dispose]();
    },
  };
}

/**
 * The volumes that are replaced: those of an archive of this name, all of them listed in its checksums.
 *
 * @throws {SatchelError} `refused` for any other
 */
function oldVolumes({ name, path, folder }: FileDestination): string[] {
  const listed = listedVolumes(path);
  const found = readNames(name, folder).filter((each) => volumeOf(each)?.archive === basename(path));
  const foreign = found.filter((each) => !listed.includes(each));
  if (foreign.length === 0) return found.map((each) => join(folder, each));
  const which = `${foreign.slice(0, 3).join(", ")}${foreign.length > 3 ? ", ..." : ""}`;
  throw new SatchelError("refused", `${folder} has volumes of another archive: ${which}`, {
    hint: `Nothing says that they belong to ${name}: remove them, or use another name.`,
  });
}

function readNames(name: string, folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw writeError(name, cause);
  }
}
