import { SatchelError } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  isDigest,
  isManifestType,
  MAX_MANIFEST_SIZE,
  parseManifest,
  referrerDescriptor,
} from "../oci/mod.ts";
import { readVerified } from "./bytes.ts";
import type { Commit, Content, FetchOptions, PushOptions, Resolved, Source, Target } from "./content.ts";

/** A repository in memory: the smallest medium there can be, for tests and as an example of the two interfaces. */
export class MemoryRepository implements Source, Target {
  readonly name: string;
  readonly manifestsAreComplete: boolean;
  /** Every manifest and blob. */
  readonly contents = new Map<Digest, { mediaType: string; bytes: Uint8Array }>();
  /** Tags. */
  readonly names = new Map<string, Digest>();

  constructor(name = "memory", options: { manifestsAreComplete?: boolean } = {}) {
    this.name = name;
    this.manifestsAreComplete = options.manifestsAreComplete ?? false;
  }

  /** Puts content in and describes it. */
  add(mediaType: string, content: Uint8Array | string): Descriptor {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes);
    this.contents.set(digest, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** Puts a manifest in, given as the object that its JSON stands for, and tags it if a tag is given. */
  addManifest(manifest: { mediaType: string } & Record<string, unknown>, tag?: string): Descriptor {
    const descriptor = this.add(manifest.mediaType, JSON.stringify({ schemaVersion: 2, ...manifest }));
    if (tag !== undefined) this.names.set(tag, descriptor.digest);
    return descriptor;
  }

  async resolve(reference: string): Promise<Resolved> {
    const digest = isDigest(reference) ? reference : this.names.get(reference);
    const found = digest && this.contents.get(digest);
    if (!digest || !found) throw new SatchelError("not-found", `${this.name}:${reference} not found`);
    return { descriptor: { mediaType: found.mediaType, digest, size: found.bytes.length }, bytes: found.bytes };
  }

  async *fetch(descriptor: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array> {
    const found = this.contents.get(descriptor.digest);
    if (!found) throw new SatchelError("not-found", `${descriptor.digest} is not in ${this.name}`);
    yield found.bytes.subarray(options.offset ?? 0);
  }

  async referrers(subject: Descriptor): Promise<Descriptor[]> {
    const referrers: Descriptor[] = [];
    for (const [digest, { mediaType, bytes }] of this.contents) {
      if (!isManifestType(mediaType)) continue;
      const manifest = parseManifest(bytes, mediaType, digest);
      if (manifest.subject?.digest === subject.digest) {
        referrers.push(referrerDescriptor({ mediaType, digest, size: bytes.length }, manifest));
      }
    }
    return referrers;
  }

  async *tags(): AsyncGenerator<string, void, void> {
    yield* this.names.keys();
  }

  async prepare(): Promise<void> {}

  async has(descriptor: Descriptor): Promise<boolean> {
    return this.contents.get(descriptor.digest)?.bytes.length === descriptor.size;
  }

  async readManifest(descriptor: Descriptor): Promise<Uint8Array | undefined> {
    return this.contents.get(descriptor.digest)?.bytes;
  }

  async push(descriptor: Descriptor, content: Content, _options?: PushOptions): Promise<void> {
    const limit = Math.max(MAX_MANIFEST_SIZE, descriptor.size);
    const bytes = await readVerified(content.open(), descriptor, limit);
    this.contents.set(descriptor.digest, { mediaType: descriptor.mediaType, bytes });
  }

  async commit(commit: Commit): Promise<void> {
    for (const { descriptor } of [...commit.manifests, ...commit.blobs.map((descriptor) => ({ descriptor }))]) {
      if (!this.contents.has(descriptor.digest)) {
        throw new SatchelError("content-lost", `${descriptor.digest} vanished from ${this.name}`);
      }
    }
    for (const { tag, replaces } of commit.names) {
      if (replaces === undefined || replaces === (this.names.get(tag) ?? null)) continue;
      throw new SatchelError("content-lost", `${this.name}:${tag} was set by somebody else meanwhile`);
    }
    for (const { tag, descriptor } of commit.names) this.names.set(tag, descriptor.digest);
  }
}
