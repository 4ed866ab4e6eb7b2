import type { ByteStream, ContentOptions } from "../content/mod.ts";

/** A file in an archive: bytes under a name. */
export interface ArchiveFile {
  /** Cleaned: no leading `./`, no empty parts. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Reads from `offset` (in bytes; default 0) to the end, unchecked: whoever takes the bytes hashes them. */
  open(offset?: number, options?: ContentOptions): ByteStream;
  /** Where it lies, for messages, if that tells more than the archive's own name: `x.tar.002`, of several volumes. */
  readonly place?: string;
  /** Where its bytes lie, if all of them lie in one file that has a name. */
  readonly location?: FileLocation;
}

/** A place in a file. */
export interface FileLocation {
  path: string;
  /** In bytes. */
  offset: number;
}

/** The files of an archive that can be read in any order, as often as one likes. */
export interface ArchiveFiles extends Disposable {
  readonly kind: "files";
  /** For messages: the path as it was given. */
  readonly name: string;
  /** What holds them. */
  readonly container: "tar" | "folder";
  /**
   * By its cleaned path; a link inside of the archive is not followed.
   *
   * @throws {SatchelError} `invalid` if there is something that is not simply a file, or two different ones
   */
  get(path: string): ArchiveFile | undefined;
  /**
   * Where a symbolic link leads, exactly as it says; `undefined` if there is none at this path. `docker save` once wrote a layer
   * that images share in one place, and links to it in others.
   */
  link?(path: string): string | undefined;
  /** All of them, in the archive's order. */
  list(): Iterable<ArchiveFile>;
}

/** A file of an archive that goes by once. Its bytes are read before the next file is asked for, or skipped. */
export interface PassingFile {
  /** Cleaned, as {@link ArchiveFile.path}. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Reads it whole, once. */
  read(): ByteStream;
}

/** A tar that goes by once, since it comes out of a pipe or is compressed. */
export interface ArchiveStream extends AsyncDisposable {
  readonly kind: "stream";
  /** For messages: the path, or `stdin`. */
  readonly name: string;
  /** The next file; `undefined` at the end. What is left of the one before is skipped. */
  next(options?: ContentOptions): Promise<PassingFile | undefined>;
  /**
   * So many bytes of content were announced and are wanted: what is inflated beyond that, and beyond what a compressed
   * archive of this length may honestly hold, is refused.
   */
  announce(bytes: number): void;
  /**
   * From here on the stream is read as it comes, and {@link ArchiveStream.spool} is not possible any more. Until then all
   * that was read is kept.
   */
  release(): void;
  /**
   * Gives the same files, from the first one on, to be read in any order: what came and what is to come is written to a
   * nameless file in the spool folder.
   */
  spool(options?: ContentOptions): Promise<ArchiveFiles>;
}

/** How an archive is compressed. */
export type Compression = "gzip" | "zstd";

/** What {@link openContainer} found, by its content and not by its name. */
export type Container = (ArchiveFiles | ArchiveStream) & {
  readonly compression?: Compression;
  /** The volumes that were found, as paths, if there are several. */
  readonly volumes?: readonly string[];
};

/** How archives are opened. */
export interface OpenOptions extends ContentOptions {
  /** Folder for what has to be written to disk to be read in any order. */
  spoolFolder: string;
  /** Whether what goes by once is kept in that folder, to be read in any order all the same. Default: only where it has to be. */
  reread?: boolean;
  /** Told what is odd but no reason to stop, one sentence. */
  onWarning?: (message: string) => void;
  /** Told of the bytes of what comes once, before anything is made of them, and of `undefined` at their end. */
  onBytes?: (chunk: Uint8Array | undefined) => void;
}
