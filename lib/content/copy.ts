import { hasCode } from "../error.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import type { Source, Target } from "./content.ts";
import { GraphWalk } from "./walk.ts";

/** How many blobs move at the same time, if nothing else is said. */
export const DEFAULT_CONCURRENCY = 8;

/** How often a copy starts over because somebody removed content that it relied on. */
const MAX_ATTEMPTS = 5;

/** Options of {@link copy}. */
export interface CopyOptions {
  /** The tag that the image gets on the target. Default: none, it is then reachable by its digest alone. */
  tag?: string;
  /** Whether what refers to the image comes along. Default: true. */
  referrers?: boolean;
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

/**
 * Copies what a reference stands for, everything below it, and what refers to it.
 *
 * Each digest moves once, and not at all if the target has it. Content lands before what points to it; the name is set
 * last, so that whoever finds the name finds everything. Referrers are looked up while blobs move.
 *
 * @param reference a tag or a digest on the source
 * @throws {SatchelError} whatever source and target throw; the first error ends the copy
 */
export async function copy(
  source: Source,
  reference: string,
  target: Target,
  options: CopyOptions = {},
): Promise<CopyResult> {
  for (let attempt = 1;; attempt++) {
    try {
      return await new GraphWalk(source, target, options).run(reference);
    } catch (error) {
      if (!hasCode(error, "content-lost") || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
