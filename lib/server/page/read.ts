import type { ContentOptions } from "../../content/mod.ts";
import { hasCode } from "../../error.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  Digester,
  type Manifest,
  parseJson,
  parseManifest,
} from "../../oci/mod.ts";
import { ApiError } from "../api_error.ts";
import type { Exchange } from "../exchange.ts";
import { repositoriesOf } from "../names.ts";
import type { Repository } from "../repositories.ts";
import type { PageTools } from "./tools.ts";

/** What a page is made from. */
export interface PageSource {
  /** The one that the page is about; digests are looked up in all. */
  repository: Repository;
  tools: PageTools;
  fileBody: Exchange["fileBody"];
  signal: AbortSignal | undefined;
}

/** What came of reading a manifest. */
export type ManifestRead =
  | { state: "ok"; descriptor: Descriptor; manifest: Manifest }
  | { state: "missing" | "damaged" | "invalid" };

/** The longest manifest that is read where many are shown, in bytes; usual ones have some hundreds. */
export const MAX_LISTED_MANIFEST = 512 * 1024;

/** The longest blob that is read to be shown, in bytes. */
const MAX_SHOWN_BLOB = 256 * 1024;

/** The repositories that a name stands for, the likeliest first; none if it is no name. */
export function repositoriesNamed({ repositories, names }: Exchange, name: string): Repository[] {
  try {
    return repositoriesOf(name, undefined, names).map((each) => repositories.at(each));
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** Reads a manifest; what is wrong with it is for the page to say. */
export async function readManifest(
  { repository, tools, signal }: PageSource,
  reference: string,
  limit = Infinity,
): Promise<ManifestRead> {
  try {
    const found = await repository.manifest(reference, { signal });
    if (!found) return { state: "missing" };
    const { descriptor, bytes } = found;
    if (bytes.length > limit) return { state: "invalid" };
    return { state: "ok", descriptor, manifest: parseManifest(bytes, descriptor.mediaType, descriptor.digest) };
  } catch (error) {
    if (hasCode(error, "invalid")) return { state: "invalid" };
    if (!hasCode(error, "integrity")) throw error;
    tools.onError(error);
    return { state: "damaged" };
  }
}

/** Reads a small blob whole; `undefined` if it is not there, not small, or not what its digest names. */
export async function readSmallBlob(
  { repository, fileBody, signal, tools }: PageSource,
  digest: Digest,
): Promise<Uint8Array | undefined> {
  try {
    const blob = await repository.blob(digest, { signal });
    if (!blob || blob.size > MAX_SHOWN_BLOB) return undefined;
    const { bytes, size } = blob;
    const content = typeof bytes === "function"
      ? await collect(bytes, size, { signal })
      : new Uint8Array(await new Response(fileBody(bytes.path, bytes.offset, size)).arrayBuffer());
    return hasDigest(content, digest) ? content : undefined;
  } catch (error) {
    if (!hasCode(error, "integrity")) throw error;
    tools.onError(error);
    return undefined;
  }
}

function hasDigest(content: Uint8Array, digest: Digest): boolean {
  const digester = new Digester(digestAlgorithm(digest));
  digester.update(content);
  return digester.digest() === digest;
}

/** {@link readSmallBlob}, as the JSON that it should be; `undefined` if it is none. */
export async function readSmallJson(source: PageSource, digest: Digest): Promise<unknown> {
  const bytes = await readSmallBlob(source, digest);
  if (!bytes) return undefined;
  try {
    return parseJson(bytes, digest);
  } catch (error) {
    if (hasCode(error, "invalid")) return undefined;
    throw error;
  }
}

async function collect(
  read: (offset: number, length: number, options: ContentOptions) => AsyncIterable<Uint8Array>,
  size: number,
  options: ContentOptions,
): Promise<Uint8Array> {
  const content = new Uint8Array(size);
  let at = 0;
  for await (const chunk of read(0, size, options)) {
    content.set(chunk.subarray(0, size - at), at);
    at += chunk.length;
  }
  return content;
}
