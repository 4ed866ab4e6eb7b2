import type { ContentOptions, CopyOptions, Source, Target } from "../../content/mod.ts";
import type { Digest, Reference } from "../../oci/mod.ts";

/** Where images are imported to: repositories whose names appear all at once, and nothing of an image before its name. */
export interface ImportTarget {
  repository(reference: Reference): Source & Target;
  /** Whether something lies in the place of this content, whatever its bytes. Absent where that cannot be told. */
  hasFile?(digest: Digest): boolean;
  /**
   * Makes visible what was committed to the repositories.
   *
   * @throws {SatchelError} `content-lost` if something of it vanished meanwhile; then all of it is to be copied again
   */
  commit(options?: ContentOptions): Promise<void>;
}

/** Options of `importImages`. */
export interface ImportOptions extends Pick<CopyOptions, "signal" | "referrers" | "concurrency" | "onWarning"> {
  /** Told how many bytes of all images are at the target, of how many. */
  onProgress?: (done: number, total: number) => void;
  /** Puts a check between an image and its target: one that refuses it before its name appears. */
  guard?: (target: Target, reference: Reference) => Target;
}
