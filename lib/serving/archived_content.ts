import { realpathSync } from "node:fs";
import type { Archive, ArchiveFile } from "../archive/mod.ts";
import { type ByteStream, type ContentOptions, listedChildren, readVerified, Verifier } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import { onPath } from "../files/mod.ts";
import { type Descriptor, type Digest, isManifestType, MAX_MANIFEST_SIZE, parseManifest } from "../oci/mod.ts";
import type { ServedBlob, ServedManifest } from "../server/mod.ts";
import type { CheckedFiles } from "./checked_files.ts";
import { rememberedUnlessFailed } from "./remembered.ts";
import type { NamedContents } from "./served_contents.ts";

/** A manifest, and the archive that it is in. */
export interface ArchivedManifest {
  archive: Archive;
  descriptor: Descriptor;
}

/** What several archives have, as one. What is damaged in one of them may be whole in another. */
export class ArchivedContent implements NamedContents {
  readonly names: readonly string[];
  readonly #archives: readonly Archive[];
  readonly #named: ReadonlyMap<string, ArchivedManifest>;
  readonly #files: CheckedFiles;
  /** Where the files of the archives are, without links. */
  readonly #realPaths = new Map<string, string>();
  /** What lies in no single file: whether it has been read through and is whole. */
  readonly #hashed = new WeakMap<Archive, Map<Digest, Promise<void>>>();
  /** The manifests that the indexes under a name list, and those below them. */
  readonly children: NamedContents["children"];

  /** @param named by full references, and attachments by their bare tags */
  constructor(archives: readonly Archive[], named: ReadonlyMap<string, ArchivedManifest>, files: CheckedFiles) {
    this.names = [...named.keys()];
    this.#archives = archives;
    this.#named = named;
    this.#files = files;
    this.children = rememberedUnlessFailed(() => {
      const roots = [...named.values()].map(({ descriptor }) => descriptor);
      return listedChildren(roots, (index) => this.#childrenOf(index));
    });
  }

  async resolve(name: string): Promise<{ descriptor: Descriptor }> {
    const found = this.#named.get(name);
    if (found) return { descriptor: found.descriptor };
    throw new SatchelError("not-found", `${name} is in none of the archives`);
  }

  /** Reads a manifest by a name or a digest, and checks it. */
  async manifest(reference: string, options: ContentOptions = {}): Promise<ServedManifest | undefined> {
    const wanted = this.#named.get(reference)?.descriptor.digest ?? reference;
    return await this.#first(async (archive) => {
      const { descriptor } = await archive.source.resolve(wanted, options);
      if (!isManifestType(descriptor.mediaType)) return undefined;
      return {
        descriptor,
        bytes: await readVerified(archive.source.fetch(descriptor, options), descriptor, MAX_MANIFEST_SIZE),
      };
    });
  }

  /** Finds a blob; one that lies in no single file is hashed when it is first asked for. */
  async blob(digest: Digest, options: ContentOptions = {}): Promise<ServedBlob | undefined> {
    return await this.#first(async (archive) => {
      const file = archive.file?.(digest);
      if (!file) return undefined;
      const { size } = file;
      if (file.location) {
        const bytes = { path: this.#realPath(file.location.path), offset: file.location.offset };
        const state = this.#files.admit(digest, { ...bytes, size });
        return state && { size, bytes, isHashed: state === "ok" };
      }
      await this.#hash(archive, file, digest);
      return {
        size,
        bytes: (offset, length, { signal } = options) => part(file.open(offset, { signal }), length),
        isHashed: true,
      };
    });
  }

  /** Whether a blob is in one of the archives with the right size. */
  holds({ digest, size }: Descriptor): boolean {
    return this.#archives.some((archive) => archive.file?.(digest)?.size === size);
  }

  async referrers(subject: Digest, options: ContentOptions = {}): Promise<Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    for (const { source } of this.#archives) {
      // A look-up by digest alone.
      for (const each of await source.referrers({ mediaType: "", digest: subject, size: 0 }, options)) {
        if (!found.has(each.digest)) found.set(each.digest, each);
      }
    }
    return [...found.values()];
  }

  /** What is damaged or missing lists nothing. */
  async #childrenOf({ digest }: Descriptor): Promise<readonly Descriptor[]> {
    try {
      const found = await this.manifest(digest);
      return found ? parseManifest(found.bytes, found.descriptor.mediaType, digest).children : [];
    } catch (error) {
      if (hasCode(error, "integrity") || hasCode(error, "invalid")) return [];
      throw error;
    }
  }

  /** The first answer of an archive that has it whole. */
  async #first<T>(ask: (archive: Archive) => Promise<T | undefined>): Promise<T | undefined> {
    let failure: unknown;
    for (const archive of this.#archives) {
      try {
        const answer = await ask(archive);
        if (answer !== undefined) return answer;
      } catch (error) {
        if (hasCode(error, "not-found")) continue;
        if (!hasCode(error, "integrity")) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** The runtime opens a file by its path for each answer: it must be the same one, wherever a link leads by then. */
  #realPath(path: string): string {
    const known = this.#realPaths.get(path) ?? onPath("read", path, () => realpathSync(path));
    this.#realPaths.set(path, known);
    return known;
  }

  async #hash(archive: Archive, file: ArchiveFile, digest: Digest): Promise<void> {
    const hashed = this.#hashed.get(archive) ?? new Map<Digest, Promise<void>>();
    this.#hashed.set(archive, hashed);
    const known = hashed.get(digest) ?? readThrough(file, digest);
    hashed.set(digest, known);
    try {
      await known;
    } catch (error) {
      // What could not be read may be readable the next time.
      if (!hasCode(error, "integrity")) hashed.delete(digest);
      throw error;
    }
  }
}

/** @throws {SatchelError} `integrity`, `storage` */
async function readThrough(file: ArchiveFile, digest: Digest): Promise<void> {
  const verifier = new Verifier({ mediaType: "", digest, size: file.size });
  for await (const chunk of file.open()) verifier.update(chunk);
  verifier.finish();
}

/** The first bytes of a stream. */
async function* part(stream: ByteStream, length: number): ByteStream {
  let left = length;
  if (left === 0) return;
  for await (const chunk of stream) {
    // Whoever sends it may still hold it when the next one is asked for.
    yield chunk.slice(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
}
