import type { ContentOptions, Source, Target } from "../content/mod.ts";
import type { SatchelError } from "../error.ts";
import type { Descriptor, Digest, Platform } from "../oci/mod.ts";
import type { ArchiveFile, Compression } from "./files.ts";

export { PLATFORMS_ANNOTATION } from "../oci/mod.ts";

/**
 * In the annotations of an archive's index.json itself: how many blobs that its images need were left out, since the other
 * side has them. Without it none was, and one that is not there is lost.
 */
export const LEFT_OUT_ANNOTATION = "io.satchel.archive.left-out";

/** What an archive is. */
export interface ArchiveForm {
  /** An OCI image layout, or what `docker save` wrote before it was one. */
  layout: "oci" | "docker";
  container: "tar" | "folder";
  compression?: Compression;
  /** How many volumes it is spread over, if it is. */
  volumes?: number;
}

/** An image of an archive: what its list names, and what stands there without a name and is no part of anything else. */
export interface ArchivedImage {
  /** The name exactly as it is written, which may be a bare tag or nothing that is a name; `undefined` without one. */
  name?: string;
  /** `io.containerd.image.name`, where it is there. */
  containerdName?: string;
  /** Its manifest, without what the list says of it. */
  descriptor: Descriptor;
  /** The platforms whose content is there, if the archive says that it has left out others. */
  platforms?: readonly Platform[];
}

/** What an image is called in its archive, by whichever of the two. */
export function writtenName(
  { name, containerdName }: Pick<ArchivedImage, "name" | "containerdName">,
): string | undefined {
  return name ?? containerdName;
}

/** A manifest that the list of an archive ties to another one, and that is missing or damaged. */
export interface LostManifest {
  descriptor: Descriptor;
  /** What it belongs to. */
  subject: Digest;
  /** The tag that ties it to the subject, unless a fallback index does. */
  tag?: string;
}

/** What went by in a stream. */
export interface Poured {
  /** What was wanted and has not come. */
  missing: Descriptor[];
}

/** An archive, opened to be read. */
export interface Archive extends AsyncDisposable {
  /** As messages call it: its path, or `stdin`. */
  readonly name: string;
  readonly form: ArchiveForm;
  /** In the order of their names, those without a name last. Attachments that are named by cosign's tags are none. */
  readonly images: readonly ArchivedImage[];
  /**
   * To copy from: `resolve` takes the digest of anything listed, a name exactly as it is written, or the tag of an
   * attachment (`sha256-<hex>.sig`).
   */
  readonly source: Source;
  /** Whether this content is in the archive; what has gone by in a stream is not any more. */
  holds(descriptor: Descriptor): boolean;
  /** The file of a blob, to read any part of it; `undefined` if it is not there, or goes by once. Its bytes may be others. */
  file?(digest: Digest): ArchiveFile | undefined;
  /** Where content lies, for messages, if that tells more than the archive's name: a volume, a file of its own. */
  place?(descriptor: Descriptor): string | undefined;
  /**
   * How many blobs that its images need were left out on purpose, as the archive says itself, since the other side has them.
   * Absent or 0: none.
   */
  readonly leftOut?: number;
  /** What belongs to something and could not be read. Absent: nothing. */
  readonly lost?: readonly LostManifest[];
  /** Every blob in it, needed or not; `undefined` for a stream, which has not come yet. */
  readonly blobs?: readonly Pick<Descriptor, "digest" | "size">[];
  /**
   * Only there if the archive goes by once: its list and its manifests are in hand, its blobs have yet to come. Puts those
   * that are wanted into a target, in the archive's order, and checks them; what is there already is passed over.
   *
   * @throws {SatchelError} `integrity` for wrong bytes, `invalid` for a stream that ends too early or is no tar any more;
   *   what came whole before stays at the target
   */
  readonly pour?: (target: Target, wanted: readonly Descriptor[], options?: PourOptions) => Promise<Poured>;
}

/** Options of {@link Archive.pour}. */
export interface PourOptions extends ContentOptions {
  /** Told how many bytes more of what is wanted have come, or were passed over because they were there. */
  onBytes?: (bytes: number) => void;
  /** Told of content that has wrong bytes; then the rest is read all the same, instead of an error being thrown. */
  onDamaged?: (descriptor: Descriptor, error: SatchelError) => void;
}
