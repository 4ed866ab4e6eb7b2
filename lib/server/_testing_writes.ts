import { concatBytes } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Digest, digestAlgorithm, Digester, formatRepository } from "../oci/mod.ts";
import type { Shelf } from "./_testing.ts";
import {
  type IncomingManifest,
  MissingContentError,
  type Repositories,
  type RepositoryName,
  type StartUpload,
  type Upload,
  type WritableRepositories,
} from "./repositories.ts";

/** A {@link Shelf} that can be written to. What is below a manifest is not looked at, but for what {@link missing} says. */
export class WritableShelf implements WritableRepositories {
  /** Uploads that have not ended. */
  readonly uploads = new Map<string, Uint8Array[]>();
  /** Manifests that came, in order. */
  readonly came: { name: string; manifest: IncomingManifest }[] = [];
  /** What the next manifests lack. */
  missing: Digest[] = [];
  /** What cannot be removed. */
  readonly needed = new Set<Digest>();
  /** Who started uploads, in order. */
  readonly owners: string[] = [];

  constructor(readonly shelf: Shelf) {}

  get repositories(): Repositories {
    return { ...this.shelf.repositories, writable: this };
  }

  async putManifest(name: RepositoryName, manifest: IncomingManifest): Promise<void> {
    if (this.missing.length > 0) {
      throw new MissingContentError(this.missing.map((digest) => ({ mediaType: "text/plain", digest, size: 1 })));
    }
    this.came.push({ name: formatRepository(name), manifest });
    this.shelf.manifests.set(manifest.descriptor.digest, manifest);
    for (const tag of manifest.tags) this.shelf.tag(name.registry, name.repository, tag, manifest.descriptor.digest);
  }

  async removeTag(name: RepositoryName, tag: string): Promise<boolean> {
    return this.shelf.tags.get(formatRepository(name))?.delete(tag) ?? false;
  }

  async removeManifest(_name: RepositoryName, digest: Digest): Promise<boolean> {
    this.#refuse(digest);
    return this.shelf.manifests.delete(digest);
  }

  async removeBlob(_name: RepositoryName, digest: Digest): Promise<boolean> {
    this.#refuse(digest);
    return this.shelf.blobs.delete(digest);
  }

  #refuse(digest: Digest): void {
    if (this.needed.has(digest)) throw new SatchelError("refused", `${digest} is needed`);
  }

  async startUpload({ owner = "" }: StartUpload = {}): Promise<Upload> {
    const id = crypto.randomUUID();
    this.owners.push(owner);
    this.uploads.set(id, []);
    return this.#open(id);
  }

  async resumeUpload(id: string): Promise<Upload | undefined> {
    return this.uploads.has(id) ? this.#open(id) : undefined;
  }

  #open(id: string): Upload {
    const { uploads, shelf } = this;
    const chunks = uploads.get(id)!;
    return {
      id,
      get size() {
        return chunks.reduce((sum, { length }) => sum + length, 0);
      },
      async append(bytes) {
        for await (const chunk of bytes) chunks.push(chunk.slice());
      },
      async finish(digest) {
        uploads.delete(id);
        const digester = new Digester(digestAlgorithm(digest));
        for (const chunk of chunks) digester.update(chunk);
        if (digester.digest() !== digest) throw new SatchelError("integrity", "other bytes");
        shelf.blobs.set(digest, concatBytes(chunks));
      },
      cancel: () => void uploads.delete(id),
      [Symbol.dispose]: () => {},
    };
  }
}
