import type { Descriptor, Digest, Platform } from "../oci/mod.ts";

/** Options of everything that may take long. */
export interface ContentOptions {
  /** Ends the operation with a `cancelled` error. */
  signal?: AbortSignal;
}

/** Bytes in order, in chunks of whatever size the medium gives. A chunk must be used before the next one is asked for. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** A descriptor, and the bytes where resolving had them in hand anyway; the bytes are checked against the digest. */
export interface Resolved {
  descriptor: Descriptor;
  bytes?: Uint8Array;
}

/** Options of {@link Source.fetch}. */
export interface FetchOptions extends ContentOptions {
  /** Where to start, in bytes from the beginning. Default: 0. */
  offset?: number;
}

/**
 * Where content comes from: one repository of a registry, of the store, of an archive.
 *
 * A source need not check what it hands out: whoever takes the bytes hashes them.
 */
export interface Source {
  /** For messages: `ghcr.io/inspektor-gadget/gadget/trace_open`. */
  readonly name: string;

  /**
   * Finds what a tag or a digest stands for.
   *
   * @param reference a tag (`latest`, `sha256-<hex>.sig`) or a digest (`sha256:<hex>`)
   * @throws {SatchelError} `not-found`, and whatever the medium adds
   */
  resolve(reference: string, options?: ContentOptions): Promise<Resolved>;

  /**
   * Reads content from `offset` to its end. Errors are thrown while iterating.
   *
   * @throws {SatchelError} `not-found`, and whatever the medium adds
   */
  fetch(descriptor: Descriptor, options?: FetchOptions): ByteStream;

  /**
   * Lists the manifests whose `subject` is this one (distribution-spec 1.1, "Listing Referrers"), without what they in
   * turn are referred to by. None is an empty list.
   */
  referrers(subject: Descriptor, options?: ContentOptions): Promise<Descriptor[]>;

  /**
   * Lists all tags of this repository, in the medium's order, those of attachments among them.
   *
   * @throws {SatchelError} `not-found` if the medium tells a repository without tags from none; whatever the medium adds
   */
  tags(options?: ContentOptions): AsyncIterable<string>;

  /**
   * Told that what {@link Source.fetch} gave does not fit its digest. Absent where there is but one place to have it from.
   *
   * @returns whether it can be had from another place, so that fetching it again is worth a try; at most once for each place
   */
  distrust?(descriptor: Descriptor): boolean;
}

/** Content on its way to a target; it can be opened again if the first attempt failed. */
export interface Content {
  /** Starts to read at `offset` (in bytes; default 0). */
  open(offset?: number): ByteStream;
  /** It goes by only once, from its start: nothing is gained from a kept part, and there is no second try. */
  readonly once?: boolean;
}

/** A name to be set, with the manifest it is for. */
export interface NamedManifest {
  /** A tag of the target's repository; `sha256-<hex>.sig` and the like for cosign's attachments. */
  tag: string;
  descriptor: Descriptor;
  bytes: Uint8Array;
  /** The platforms whose content was copied, if others were left out. */
  platforms?: readonly Platform[];
  /**
   * What the tag must stand for to be set, `null` for nothing: else somebody has set it meanwhile, and {@link Target.commit} throws
   * `content-lost`. Default: whatever it stands for. A registry can only be looked at before and after, so it may miss who is faster than
   * that.
   */
  replaces?: Digest | null;
}

/** A manifest that was copied or was there already. */
export interface CopiedManifest {
  /** As the parent index described it (platform, annotations), where there is one. */
  descriptor: Descriptor;
  /** What it refers to, if it is a referrer. */
  subject?: Descriptor;
}

/** All that {@link Target.commit} makes visible. */
export interface Commit {
  /** Every manifest of the graphs, each digest once, children before their parents. */
  manifests: CopiedManifest[];
  /** Every other content of the graphs, each digest once: configs and layers. */
  blobs: Descriptor[];
  /** In the order in which they should appear: attachments first, the image's own name last. */
  names: NamedManifest[];
}

/** Where content goes: one repository of a registry, of the store, of an archive. */
export interface Target {
  /** For messages: `ghcr.io/inspektor-gadget/gadget/trace_open`. */
  readonly name: string;

  /**
   * Whether a manifest that is {@link Target.has there} vouches for all below it. A registry refuses a manifest whose
   * parts it lacks, so it does; a store that others write to does not, and is walked through to be repaired.
   */
  readonly manifestsAreComplete: boolean;

  /**
   * Makes ready to take content in; called before anything else, while the source is being asked. What cannot work is
   * told here rather than after a long transfer.
   */
  prepare(options?: ContentOptions): Promise<void>;

  /** Whether this content is there, whole and undamaged. */
  has(descriptor: Descriptor, options?: ContentOptions): Promise<boolean>;

  /**
   * The checked bytes of a manifest that is there; `undefined` if it is not, or is damaged, or if this target cannot
   * read. Saves a fetch from the source.
   */
  readManifest(descriptor: Descriptor, options?: ContentOptions): Promise<Uint8Array | undefined>;

  /**
   * Takes content in. When it returns, the content is there, and its digest and size were checked; when it throws,
   * nothing is visible. What was received of a broken transfer may be kept, so that the next call opens at an offset.
   *
   * @throws {SatchelError} `integrity` if the bytes are not what the descriptor says, and whatever the medium adds
   */
  push(descriptor: Descriptor, content: Content, options?: PushOptions): Promise<void>;

  /**
   * Makes what was pushed reachable, names last. Called once for a copy, after everything was pushed.
   *
   * @throws {SatchelError} `content-lost` if something of it vanished meanwhile; copying again then helps
   */
  commit(commit: Commit, options?: ContentOptions): Promise<void>;
}

/** Options of {@link Target.push}. */
export interface PushOptions extends ContentOptions {
  /** The medium got hold of the content by itself (a cross-repository mount), so no byte was transferred. */
  onMounted?: () => void;
  /** Called with the number of bytes that a kept part of an earlier transfer already has. */
  onResumed?: (bytes: number) => void;
}
