import type { ByteStream, ContentOptions, Source } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Descriptor, type Digest, formatPlatform } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import type { ArchivedImage } from "./archive.ts";
import type { Catalog } from "./catalog.ts";
import type { ArchiveFile, ArchiveFiles } from "./files.ts";
import { layoutPath } from "./layout.ts";

/** The content of an archive, by digests. */
export interface Contents {
  /** `undefined` if it is not there. */
  open(digest: Digest, offset: number, options: ContentOptions): ByteStream | undefined;
  has(digest: Digest): boolean;
  /** In bytes; `undefined` if it is not there. */
  size(digest: Digest): number | undefined;
  /** As {@link ArchiveFile.place}. */
  place?(digest: Digest): string | undefined;
  /** The file of a blob, where blobs are files. */
  file?(digest: Digest): ArchiveFile | undefined;
}

/** The blobs of an image layout. */
export function layoutContents(files: ArchiveFiles, prefix: string): Contents {
  const file = (digest: Digest) => files.get(prefix + layoutPath(digest));
  return {
    open: (digest, offset, options) => file(digest)?.open(offset, options),
    has: (digest) => file(digest) !== undefined,
    size: (digest) => file(digest)?.size,
    place: (digest) => file(digest)?.place,
    file,
  };
}

/** Content in memory. */
export function memoryContents(bytes: ReadonlyMap<Digest, Uint8Array>): Contents {
  return {
    open(digest, offset) {
      const found = bytes.get(digest);
      return found && once(found.subarray(offset));
    },
    has: (digest) => bytes.has(digest),
    size: (digest) => bytes.get(digest)?.length,
  };
}

async function* once(bytes: Uint8Array): ByteStream {
  yield bytes;
}

/** An archive as a source; see {@link Archive.source}. */
export function archiveSource(name: string, catalog: Catalog, contents: Contents): Source {
  return {
    name,
    async resolve(reference) {
      const descriptor = catalog.find(reference);
      if (descriptor) return { descriptor };
      throw new SatchelError("not-found", `${printable(reference, 300)} is not in ${name}`);
    },
    fetch(descriptor, { offset = 0, signal } = {}) {
      return contents.open(descriptor.digest, offset, { signal }) ?? missing(name, descriptor);
    },
    referrers: async (subject) => catalog.referrersOf(subject.digest),
    async *tags() {
      yield* catalog.tags();
    },
  };
}

/**
 * A source where the digest of an image is what this entry of the list says of it: another entry may say another size of the
 * same digest, and that is no fault of this one.
 */
export function rootedSource(source: Source, root: Descriptor): Source {
  return {
    ...source,
    resolve: async (reference, options) =>
      reference === root.digest ? { descriptor: root } : await source.resolve(reference, options),
  };
}

/** What tells the images of an archive apart: several names of one are looked through once. */
export function imageKey({ descriptor: { mediaType, digest, size }, platforms }: ArchivedImage): string {
  return [mediaType, digest, size, ...platforms?.map(formatPlatform) ?? []].join(" ");
}

/** Errors of a fetch are thrown while iterating. */
// deno-lint-ignore require-yield
async function* missing(name: string, { digest }: Descriptor): AsyncGenerator<Uint8Array> {
  throw notThere(name, { digest });
}

/** The error for content that an archive has not. */
export function notThere(name: string, { digest }: Pick<Descriptor, "digest">): SatchelError {
  return new SatchelError("not-found", `${digest} is not in ${name}`);
}
