import type { ContentOptions } from "../../content/mod.ts";
import type { VolumeSum } from "../volumes/volumes.ts";

/** Where an archive is written to. Disposed of before it was finished, it leaves nothing behind. */
export interface ArchiveSink extends AsyncDisposable {
  /**
   * Takes bytes; when it is done, their memory may be used again.
   *
   * @throws {SatchelError} `storage`, `cancelled`
   */
  write(bytes: Uint8Array): void | Promise<void>;

  /**
   * Reads again what was written; fewer bytes than were asked for where there are no more. Absent where what was written is
   * out of reach, as in a pipe.
   *
   * @param position from the start of the archive, in bytes
   * @throws {SatchelError} `storage`
   */
  readAgain?(position: number, length: number): Uint8Array;

  /**
   * Makes what was written appear under its name, on the disk.
   *
   * @returns the volumes, if there are any
   * @throws {SatchelError} `storage`, `refused`, `cancelled`
   */
  finish(): Promise<readonly WrittenVolume[]>;
}

/** One volume, written. */
export interface WrittenVolume extends VolumeSum {
  /** In bytes. */
  size: number;
}

/** How sinks are opened. */
export interface SinkOptions extends ContentOptions {
  /** How many bytes will come. */
  size: number;
}
