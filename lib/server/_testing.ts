import type { ByteStream } from "../content/mod.ts";
import { compareBytes, type Descriptor, type Digest, digestOf, formatRepository, isDigest } from "../oci/mod.ts";
import { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
import type { Repositories, RepositoryName, ServedManifest } from "./repositories.ts";

/** What a test serves out of memory. */
export class Shelf {
  readonly manifests = new Map<Digest, ServedManifest>();
  readonly blobs = new Map<Digest, Uint8Array>();
  /** By `registry/repository`, then by tag. */
  readonly tags = new Map<string, Map<string, Digest>>();
  readonly referrers = new Map<Digest, Descriptor[]>();
  readonly #names = new Map<string, RepositoryName>();

  /** Adds a manifest; its content need not be one. */
  manifest(content: string, mediaType = "application/vnd.oci.image.manifest.v1+json"): Digest {
    const bytes = new TextEncoder().encode(content);
    const digest = digestOf(bytes);
    this.manifests.set(digest, { descriptor: { mediaType, digest, size: bytes.length }, bytes });
    return digest;
  }

  /** Adds a blob. */
  blob(content: string | Uint8Array): Digest {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  /** Names a manifest. */
  tag(registry: string, repository: string, tag: string, digest: Digest): void {
    const full = formatRepository({ registry, repository });
    this.#names.set(full, { registry, repository });
    const tags = this.tags.get(full) ?? new Map();
    tags.set(tag, digest);
    this.tags.set(full, tags);
  }

  get repositories(): Repositories {
    return {
      list: async () => [...this.#names].sort(([a], [b]) => compareBytes(a, b)).map(([, name]) => name),
      at: (name) => ({
        name,
        tags: async () => {
          const tags = this.tags.get(formatRepository(name));
          return tags && [...tags.keys()].sort(compareBytes);
        },
        manifest: async (reference) => {
          const digest = isDigest(reference) ? reference : this.tags.get(formatRepository(name))?.get(reference);
          return digest && this.manifests.get(digest);
        },
        blob: async (digest) => {
          const bytes = this.blobs.get(digest);
          return bytes && {
            size: bytes.length,
            bytes: (offset, length) => part(bytes, offset, length),
            isHashed: true,
          };
        },
        referrers: async (subject) => this.referrers.get(subject) ?? [],
      }),
    };
  }
}

/** In small chunks, as a stream may come. */
async function* part(bytes: Uint8Array, offset: number, length: number): ByteStream {
  for (let at = offset; at < offset + length; at += 1000) {
    yield bytes.subarray(at, Math.min(at + 1000, offset + length));
  }
}

/** Sends requests to a handler, without a network. */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** A handler over a shelf. */
export function asking(shelf: Shelf, options: Partial<HandlerOptions> = {}): Ask {
  const handler: Handler = createHandler({
    repositories: shelf.repositories,
    mirrorOf: [],
    fileBody: () => {
      throw new Error("nothing here lies in a file");
    },
    ...options,
  });
  return (path, init) => handler(new Request(new URL(path, "http://registry.test"), init), { address: "192.0.2.1" });
}

/** The codes of an answer in the specification's error JSON; anything else fails. */
export async function errorCodes(response: Response): Promise<string[]> {
  const { errors } = await response.json();
  return errors.map(({ code }: { code: string }) => code);
}
