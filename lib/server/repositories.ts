import type { ByteStream, ContentOptions } from "../content/mod.ts";
import type { Descriptor, Digest, DigestAlgorithm, Reference } from "../oci/mod.ts";

/** The full name of a repository: `{ registry: "ghcr.io", repository: "inspektor-gadget/gadget/trace_open" }`. */
export type RepositoryName = Pick<Reference, "registry" | "repository">;

/** A manifest, with the bytes that its digest names: they were hashed. */
export interface ServedManifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** A blob, and where its bytes lie. */
export interface ServedBlob {
  /** In bytes. */
  size: number;
  /** A part of a file that is not written to any more, for the runtime to send; or how to read `length` bytes from `offset` on. */
  bytes:
    | { path: string; offset: number }
    | ((offset: number, length: number, options?: ContentOptions) => ByteStream);
  /** Whether these bytes are known to be those that the digest names. */
  isHashed: boolean;
}

/**
 * One repository, to be read. Tags are its own. Digests are looked up in all that is served: content is shared, and who may
 * read one repository may read all.
 */
export interface Repository {
  readonly name: RepositoryName;

  /** All tags, in the order of their bytes; `undefined` if there is nothing of this name. */
  tags(options?: ContentOptions): Promise<string[] | undefined>;

  /**
   * @param reference a tag or a digest
   * @throws {SatchelError} `integrity` if it is there but damaged
   */
  manifest(reference: string, options?: ContentOptions): Promise<ServedManifest | undefined>;

  /** @throws {SatchelError} `integrity` if it is there but known to be damaged */
  blob(digest: Digest, options?: ContentOptions): Promise<ServedBlob | undefined>;

  /** The manifests whose subject this is, as {@link referrerDescriptor} has them, whether or not the subject is there. */
  referrers(subject: Digest, options?: ContentOptions): Promise<Descriptor[]>;
}

/** What a server answers from. */
export interface Repositories {
  /** All that has a tag, in the order of their full names' bytes. */
  list(options?: ContentOptions): Promise<RepositoryName[]>;

  /** A repository, whether or not there is anything of this name. */
  at(name: RepositoryName): Repository;

  /** Absent where nothing can be written. */
  readonly writable?: WritableRepositories;
}

/** A manifest on its way in. */
export interface IncomingManifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
  /** Those that it gets; it may be pushed by its digest alone. */
  tags: readonly string[];
}

/** Options of {@link WritableRepositories.startUpload}. */
export interface StartUpload extends ContentOptions {
  /** Of the digest that it will get; it need not be known yet. */
  algorithm?: DigestAlgorithm;
  /** Who starts it, so that one client does not take the place of all others. */
  owner?: string;
}

/** What a server writes to. */
export interface WritableRepositories {
  /**
   * Takes in a manifest; when it returns, all below it is there as well, and survives a power failure.
   *
   * @throws {SatchelError} `invalid` if it is no manifest; `storage`, `busy`
   * @throws {MissingContentError} if something below it is not there
   */
  putManifest(name: RepositoryName, manifest: IncomingManifest, options?: ContentOptions): Promise<void>;

  /** Takes a tag away. @returns whether it was there */
  removeTag(name: RepositoryName, tag: string, options?: ContentOptions): Promise<boolean>;

  /**
   * Takes away a manifest with all tags that it has in this repository.
   *
   * @returns whether it was there
   * @throws {SatchelError} `refused` if it has no tag, and another manifest needs it
   */
  removeManifest(name: RepositoryName, digest: Digest, options?: ContentOptions): Promise<boolean>;

  /**
   * @returns whether it was there
   * @throws {SatchelError} `refused` while a manifest needs it
   */
  removeBlob(name: RepositoryName, digest: Digest, options?: ContentOptions): Promise<boolean>;

  /**
   * Starts an upload.
   *
   * @throws {ApiError} `TOOMANYREQUESTS` while as many as may be are open
   */
  startUpload(options?: StartUpload): Promise<Upload>;

  /**
   * Goes on with an upload, also one that was started before this process.
   *
   * @param id as a client sent it, unchecked
   */
  resumeUpload(id: string, options?: ContentOptions): Promise<Upload | undefined>;
}

/** A blob that is being uploaded. Nobody else can go on with it until it is disposed of. */
export interface Upload extends Disposable {
  /** Cannot be guessed. */
  readonly id: string;
  /** How many bytes have been taken in so far. */
  readonly size: number;

  /**
   * Adds bytes at the end. What came of a stream that breaks is kept.
   *
   * @throws {SatchelError} `storage`, and whatever the stream throws
   */
  append(bytes: ByteStream, options?: ContentOptions): Promise<void>;

  /**
   * Makes it the blob of this digest; when it returns, the blob survives a power failure.
   *
   * @throws {SatchelError} `integrity` if its bytes have another digest: they are gone then; `storage`
   */
  finish(digest: Digest, options?: ContentOptions): Promise<void>;

  /** Throws away what has come. */
  cancel(): void;
}

/** Something that a manifest needs is not there. */
export class MissingContentError extends Error {
  override readonly name = "MissingContentError";

  constructor(readonly missing: readonly Descriptor[]) {
    super(`${missing.length} blobs or manifests that it needs are not there`);
  }
}
