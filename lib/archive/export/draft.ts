import { type Plan, type Tally, tallyOf } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import {
  compareBytes,
  type Descriptor,
  type Digest,
  encodeIndex,
  formatPlatform,
  isManifestType,
  type JsonObject,
  MediaType,
  parseManifest,
  plainDescriptor,
  type Platform,
  REF_NAME_ANNOTATION,
} from "../../oci/mod.ts";
import { LEFT_OUT_ANNOTATION, PLATFORMS_ANNOTATION } from "../archive.ts";
import type { HaveList } from "./have.ts";
import {
  CONTAINERD_NAME_ANNOTATION,
  INDEX_FILE,
  LAYOUT_FILE,
  layoutPath,
  MAX_ENTRIES,
  MAX_INDEX_SIZE,
} from "../layout.ts";
import { type FileEntry, TAR_END, tarEntrySize } from "../tar/write.ts";

/** An image that is to be written to an archive. */
export interface ImageToWrite {
  /** As it will stand in `org.opencontainers.image.ref.name`. */
  name: string;
  plan: Plan;
  /** The platforms whose content alone is in the plan; only if that leaves something out. */
  platforms?: readonly Platform[];
}

/** One file of an archive: its entry, and its bytes or where to get them. */
export interface DraftFile {
  entry: FileEntry;
  content: Uint8Array | Descriptor;
}

/** All that an archive will consist of, in its order. */
export interface ArchiveDraft {
  files: readonly DraftFile[];
  /** Of the whole tar, in bytes. */
  size: number;
  /** Manifests, configs and layers. */
  blobs: Tally;
  /** What the other side has. */
  leftOut: Tally;
}

/** Byte for byte what `ig` writes. */
const LAYOUT_TEXT = '{"imageLayoutVersion":"1.0.0"}';

/** What an index says of its parts must not name them: names are given by who exports. */
const NAMING_ANNOTATIONS = [REF_NAME_ANNOTATION, CONTAINERD_NAME_ANNOTATION, PLATFORMS_ANNOTATION];

/**
 * Puts the plans of several images together. What comes of it depends on the set of images alone: not on their order, nor on
 * what a store says of them beside their manifests.
 */
export class Drafter {
  readonly #manifests = new Map<Digest, { descriptor: Descriptor; isReferrer: boolean }>();
  readonly #blobs = new Map<Digest, Descriptor>();
  /** What indexes say of their parts: of several, what comes first as text. */
  readonly #described = new Map<Digest, { text: string; raw: JsonObject }>();
  /** Names by their manifests, with the annotations that go with each. */
  readonly #names = new Map<Digest, Map<string, JsonObject>>();

  /**
   * Takes an image in. Nothing of its plan is kept but what the list needs.
   *
   * @throws {SatchelError} `invalid` if somebody says another size of the same content
   */
  add({ name, plan, platforms }: ImageToWrite): void {
    for (const { descriptor, subject, bytes } of plan.manifests) {
      this.#checkSize(descriptor);
      const { digest, mediaType } = descriptor;
      this.#manifests.set(digest, { descriptor: plainDescriptor(descriptor), isReferrer: subject !== undefined });
      const { kind, children } = parseManifest(bytes, mediaType, digest);
      if (kind === "index") {
        children.filter((child) => isManifestType(child.mediaType)).forEach((c) => this.#describe(c));
      }
    }
    for (const blob of plan.blobs) {
      this.#checkSize(blob);
      this.#blobs.set(blob.digest, plainDescriptor(blob));
    }
    for (const { tag, descriptor } of plan.names) this.#name(descriptor.digest, tag, {});
    const sparse = platforms && { [PLATFORMS_ANNOTATION]: platforms.map(formatPlatform).sort().join(",") };
    this.#name(plan.root.digest, name, sparse ?? {});
  }

  /**
   * The archive of all that was taken in.
   *
   * @param have what the other side has, which is left out; manifests never are
   * @throws {SatchelError} `invalid` if there is too much for one archive
   */
  finish(have?: HaveList): ArchiveDraft {
    const manifests = [...this.#manifests.values()].map(({ descriptor }) => descriptor).sort(byDigest);
    const blobs = [...this.#blobs.values()].filter(({ digest }) => !this.#manifests.has(digest)).sort(byDigest);
    const leftOut = have ? blobs.filter(({ digest }) => have.has(digest)) : [];
    const skipped = new Set(leftOut);
    const written = [...manifests, ...blobs.filter((blob) => !skipped.has(blob))];
    const files = [
      textFile(LAYOUT_FILE, LAYOUT_TEXT),
      textFile(INDEX_FILE, this.#index(manifests, leftOut.length)),
      ...written.map(blobFile),
    ];
    return {
      files,
      size: files.reduce((sum, { entry }) => sum + tarEntrySize(entry), TAR_END.length),
      blobs: tallyOf(written),
      leftOut: tallyOf(leftOut),
    };
  }

  #index(manifests: readonly Descriptor[], leftOut: number): string {
    const entries = manifests.flatMap((descriptor) => this.#entries(descriptor));
    const annotations = leftOut > 0 && { annotations: { [LEFT_OUT_ANNOTATION]: String(leftOut) } };
    const text = encodeIndex({ schemaVersion: 2, mediaType: MediaType.ociIndex, ...annotations }, entries);
    const isReadable = entries.length <= MAX_ENTRIES && new TextEncoder().encode(text).length <= MAX_INDEX_SIZE;
    if (isReadable) return text;
    throw new SatchelError("invalid", `${manifests.length} manifests are too many for one archive`, {
      hint: "Export fewer images at once.",
    });
  }

  #entries({ digest, mediaType, size }: Descriptor): JsonObject[] {
    const names = this.#names.get(digest);
    if (names) {
      return [...names].sort(([a], [b]) => compareBytes(a, b)).map(([name, annotations]) => ({
        mediaType,
        digest,
        size,
        annotations: { ...annotations, [REF_NAME_ANNOTATION]: name },
      }));
    }
    const described = this.#manifests.get(digest)?.isReferrer ? undefined : this.#described.get(digest);
    return [described?.raw ?? { mediaType, digest, size }];
  }

  #name(digest: Digest, name: string, annotations: JsonObject): void {
    const names = this.#names.get(digest) ?? new Map<string, JsonObject>();
    this.#names.set(digest, names.set(name, annotations));
  }

  #describe(child: Descriptor): void {
    const raw = rawEntry(child);
    const text = JSON.stringify(raw);
    const known = this.#described.get(child.digest);
    if (!known || compareBytes(text, known.text) < 0) this.#described.set(child.digest, { text, raw });
  }

  #checkSize({ digest, size }: Descriptor): void {
    const known = this.#manifests.get(digest)?.descriptor ?? this.#blobs.get(digest);
    if (known && known.size !== size) {
      throw new SatchelError("invalid", `${digest} is said to have ${known.size} bytes, and elsewhere ${size}`);
    }
  }
}

function rawEntry({ mediaType, digest, size, urls, annotations = {}, platform, artifactType }: Descriptor): JsonObject {
  const others = Object.entries(annotations).filter(([key]) => !NAMING_ANNOTATIONS.includes(key));
  others.sort(([a], [b]) => compareBytes(a, b));
  return {
    mediaType,
    digest,
    size,
    ...(urls && { urls }),
    ...(others.length > 0 && { annotations: Object.fromEntries(others) }),
    ...(platform && { platform: { ...platform } }),
    ...(artifactType && { artifactType }),
  };
}

function textFile(path: string, text: string): DraftFile {
  const content = new TextEncoder().encode(text);
  return { entry: { path, size: content.length, mode: 0o644 }, content };
}

function blobFile(descriptor: Descriptor): DraftFile {
  return { entry: { path: layoutPath(descriptor.digest), size: descriptor.size, mode: 0o444 }, content: descriptor };
}

function byDigest(a: Descriptor, b: Descriptor): number {
  return compareBytes(a.digest, b.digest);
}
