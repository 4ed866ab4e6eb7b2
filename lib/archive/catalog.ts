import { attachmentSubject, childrenFor, fallbackTag } from "../content/mod.ts";
import {
  compareBytes,
  type Descriptor,
  type Digest,
  isManifestType,
  type Manifest,
  plainDescriptor,
  type Platform,
} from "../oci/mod.ts";
import { type ArchivedImage, writtenName } from "./archive.ts";
import { attachmentTagOf, type IndexFile, type ListedManifest } from "./layout.ts";

/** How many sizes of one manifest are listened to. */
const MAX_CONTRADICTING = 16;

/** What the manifests of an archive say of each other, collected one manifest after the other, in any order. */
export class Catalog {
  readonly listed: readonly ListedManifest[];
  /** As {@link IndexFile.leftOut}. */
  readonly leftOut: number;
  /** All manifests that were spoken of, by the list or by one of them. */
  readonly #manifests = new Map<Digest, Descriptor>();
  /** What was said of a manifest's size after another was. */
  readonly #contradicting = new Map<Digest, Descriptor[]>();
  /** By the digest of the subject. */
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>();
  readonly #referring = new Set<Digest>();
  readonly #children = new Set<Digest>();
  readonly #read = new Set<Digest>();
  /** Of images that are listed as sparse. */
  readonly #sparse = new Map<Digest, readonly Platform[] | undefined>();
  /** Attachments by the tags that tie them to their subjects. */
  readonly #byTag = new Map<string, ListedManifest>();
  readonly #byName = new Map<string, ListedManifest>();
  readonly #byDigest = new Map<Digest, Descriptor>();
  /** The fallback indexes that name what refers to a subject, by its digest; and what each of them lists. */
  readonly #fallbacks = new Map<Digest, Set<Digest>>();
  readonly #fallbackLists = new Map<Digest, Descriptor[]>();

  constructor({ listed, leftOut = 0 }: Pick<IndexFile, "listed"> & Partial<IndexFile>) {
    this.listed = listed;
    this.leftOut = leftOut;
    for (const each of listed) {
      if (isManifestType(each.descriptor.mediaType)) this.#note(each.descriptor);
      const { digest } = each.descriptor;
      this.#byDigest.set(digest, each.descriptor);
      // Listed once as a whole, it is whole.
      if (!this.#sparse.has(digest) || !each.platforms) this.#sparse.set(digest, each.platforms);
      if (each.name === undefined) continue;
      this.#byName.set(each.name, each);
      const tag = attachmentTagOf(each.name);
      if (tag !== undefined) this.#tie(tag, each);
    }
  }

  /**
   * Takes a manifest in.
   *
   * @returns the manifests below it that nobody has spoken of before
   */
  add(descriptor: Descriptor, manifest: Manifest): Descriptor[] {
    this.#read.add(descriptor.digest);
    const children = childrenFor(this.#sparse.get(descriptor.digest), manifest);
    // What a manifest says of itself is read out of it again: annotations of many, kept here, could fill the memory.
    if (manifest.subject) this.#addReferrer(manifest.subject.digest, plainDescriptor(descriptor));
    const below = children.filter(({ mediaType }) => isManifestType(mediaType)).map(plainDescriptor);
    const unknown = below.filter(({ digest }) => !this.#manifests.has(digest));
    for (const each of below) {
      this.#children.add(each.digest);
      this.#note(each);
    }
    if (this.#fallbackLists.has(descriptor.digest)) this.#fallbackLists.set(descriptor.digest, below);
    return unknown;
  }

  /**
   * A manifest as it was spoken of with this size, if it was; of what is said of one digest, that alone can be true, and it is
   * what others take from here on.
   *
   * @param size of what is there, in bytes; `undefined` if nothing is
   */
  ofSize(descriptor: Descriptor, size: number | undefined): Descriptor {
    const { digest } = descriptor;
    const fitting = this.#contradicting.get(digest)?.find((each) => each.size === size);
    if (!fitting || descriptor.size === size) return descriptor;
    this.#manifests.set(digest, fitting);
    return fitting;
  }

  /** Whether a manifest was taken in; what is missing or damaged was not. */
  hasRead({ digest }: Descriptor): boolean {
    return this.#read.has(digest);
  }

  /** All manifests that were spoken of. */
  manifests(): Descriptor[] {
    return [...this.#manifests.values()];
  }

  /** What a name, exactly as it is written, the tag of an attachment, or a digest stands for. */
  find(reference: string): Descriptor | undefined {
    const listed = this.#byName.get(reference) ?? this.#byTag.get(reference);
    return listed?.descriptor ?? this.#manifests.get(reference as Digest) ?? this.#byDigest.get(reference as Digest);
  }

  /** What refers to a manifest, by its own word or by a fallback index. */
  referrersOf(subject: Digest): Descriptor[] {
    const referrers = new Map(this.#referrers.get(subject));
    for (const index of this.#fallbacks.get(subject) ?? []) {
      for (const each of this.#fallbackLists.get(index) ?? []) referrers.set(each.digest, each);
    }
    return [...referrers.values()];
  }

  /** The manifests that a fallback index lists; of anything else, none. */
  fallbackList({ digest }: Descriptor): readonly Descriptor[] {
    return this.#fallbackLists.get(digest) ?? [];
  }

  /** The tags of attachments whose subject nobody has spoken of. */
  orphans(): string[] {
    return [...this.#byTag.keys()].filter((tag) => !this.#manifests.has(attachmentSubject(tag)!));
  }

  /** The names in the list, those of attachments by their tags. */
  tags(): string[] {
    return this.listed.flatMap(({ name }) => name === undefined ? [] : attachmentTagOf(name) ?? name);
  }

  /** See {@link ArchivedImage}; to be asked when all manifests have been taken in. */
  images(): ArchivedImage[] {
    const named = new Map<string, ArchivedImage>();
    const nameless = new Map<Digest, ArchivedImage>();
    const hasName = new Set(
      this.listed.flatMap((each) => writtenName(each) === undefined ? [] : each.descriptor.digest),
    );
    for (const each of this.listed) {
      const { digest } = each.descriptor;
      const name = writtenName(each);
      // The same entry twice is no contradiction; one name for two manifests is for the reader to judge.
      if (name !== undefined) named.set(JSON.stringify([name, digest]), each);
      else if (!hasName.has(digest) && this.#isRoot(digest)) nameless.set(digest, each);
    }
    for (const [key, { name }] of named) if (name !== undefined && attachmentTagOf(name)) named.delete(key);
    return [...named.values()].sort((a, b) => compareBytes(writtenName(a)!, writtenName(b)!)).concat(
      ...nameless.values(),
    );
  }

  #note(manifest: Descriptor): void {
    const known = this.#manifests.get(manifest.digest);
    if (!known) this.#manifests.set(manifest.digest, manifest);
    if (!known || known.size === manifest.size) return;
    const others = this.#contradicting.get(manifest.digest) ?? [];
    if (others.length < MAX_CONTRADICTING) this.#contradicting.set(manifest.digest, [...others, manifest]);
  }

  #isRoot(digest: Digest): boolean {
    return !this.#children.has(digest) && !this.#referring.has(digest);
  }

  #addReferrer(subject: Digest, descriptor: Descriptor): void {
    this.#referring.add(descriptor.digest);
    const referrers = this.#referrers.get(subject) ?? new Map<Digest, Descriptor>();
    referrers.set(descriptor.digest, descriptor);
    this.#referrers.set(subject, referrers);
  }

  #tie(tag: string, attachment: ListedManifest): void {
    this.#byTag.set(tag, attachment);
    const { digest } = attachment.descriptor;
    const subject = attachmentSubject(tag)!;
    if (fallbackTag(subject) !== tag) return;
    this.#fallbacks.set(subject, (this.#fallbacks.get(subject) ?? new Set()).add(digest));
    this.#fallbackLists.set(digest, []);
  }
}
