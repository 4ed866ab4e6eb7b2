import type { Descriptor, Digest, Platform } from "../oci/mod.ts";

/** How many blobs move at the same time, if nothing else is said. */
export const DEFAULT_CONCURRENCY = 8;

/** Options of `copy`. */
export interface CopyOptions {
  /** The tag that the image gets on the target. Default: none, it is then reachable by its digest alone. */
  tag?: string;
  /** Whether what refers to the image comes along. Default: true. */
  referrers?: boolean;
  /**
   * Of an image for several platforms, only what is for these; what names no platform comes along. Its index stays as it
   * is, digest and signatures with it, and names what was left out: a sparse image. Default: all of it.
   */
  platforms?: readonly Platform[];
  /** How many blobs move at the same time. Default: {@link DEFAULT_CONCURRENCY}. */
  concurrency?: number;
  /** Ends the copy with a `cancelled` error, once every transfer has come to rest. */
  signal?: AbortSignal;
  /** Told what happens to each blob and manifest. */
  onProgress?: (event: ProgressEvent) => void;
  /** Told what is odd but no reason to stop, one sentence. */
  onWarning?: (message: string) => void;
}

/**
 * Something that happened to a piece of content.
 *
 * - `start`: its transfer begins
 * - `resumed`: `bytes` of it were kept from an earlier try
 * - `bytes`: `bytes` more have arrived
 * - `done`: it is on the target
 * - `present`: the target had it
 * - `mounted`: the target took it from another repository of its own
 */
export interface ProgressEvent {
  type: "start" | "resumed" | "bytes" | "done" | "present" | "mounted";
  descriptor: Descriptor;
  /** For `resumed` and `bytes`; 0 otherwise. */
  bytes: number;
}

/** A number of blobs and manifests, and their bytes. */
export interface Tally {
  blobs: number;
  bytes: number;
}

/** How much this is, all together. */
export function tallyOf(contents: readonly Descriptor[]): Tally {
  return { blobs: contents.length, bytes: contents.reduce((sum, { size }) => sum + size, 0) };
}

/** What came along with an image because it refers to it. */
export interface CopiedAttachment {
  descriptor: Descriptor;
  subject: Digest;
  artifactType?: string;
  /** cosign's tag (`sha256-<hex>.sig`), if that is what tied it to the subject. */
  tag?: string;
}

/** What a copy did. */
export interface CopyResult {
  /** The image that was asked for. */
  root: Descriptor;
  /** What moved; `bytes` counts what came over the wire, so what was kept of a broken transfer is not in it. */
  transferred: Tally;
  /** What the target had, or took from another repository of its own. */
  present: Tally;
  attachments: CopiedAttachment[];
}
