import { fallbackTag } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  encodeGoJson,
  MAX_MANIFEST_SIZE,
  MediaType,
  tooLarge,
} from "../oci/mod.ts";
import type { Client } from "./client.ts";
import { type FetchedManifest, findManifest, putManifest } from "./manifests.ts";
import { httpStatus } from "./registry_error.ts";
import { pause } from "../runtime/mod.ts";
import { backoff } from "./retry.ts";

/** How often an index is written again because others wrote it as well. */
const MAX_ATTEMPTS = 20;

/** The first pause of a writer that was in another's way, and the shortest before it looks whether it was, in milliseconds. */
const FIRST_PAUSE = 50;
const SHORTEST_LOOK = 100;

/**
 * Adds entries to a subject's fallback index, without losing those that others add at the same moment.
 *
 * Most registries have no compare-and-swap on tags. So the index is written right after it was read, on condition where the
 * registry gave an ETag, and looked at after a pause that is longer than another writer takes from its reading to its writing:
 * who was overwritten in that time sees it, and adds its entries again.
 *
 * @throws {SatchelError} `registry` if others kept on writing; `invalid` if what stands under the tag is not an index
 */
export async function addToFallbackTag(
  client: Client,
  subject: Digest,
  entries: readonly Descriptor[],
  signal?: AbortSignal,
): Promise<void> {
  const tag = fallbackTag(subject);
  let found = await findManifest(client, tag, signal);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (containsAll(found, entries)) return;
    const started = performance.now();
    if (!await writeIndex(client, tag, found, entries, signal)) {
      await pause(backoff(FIRST_PAUSE, attempt), signal);
      found = await findManifest(client, tag, signal);
      continue;
    }
    const window = performance.now() - started;
    await pause(Math.max(SHORTEST_LOOK, 2 * window) * (1 + Math.random()), signal);
    found = await findManifest(client, tag, signal);
  }
  if (containsAll(found, entries)) return;
  throw new SatchelError(
    "registry",
    `${client.registry.host}: the list of referrers ${tag} is written by others all the time`,
  );
}

function containsAll(found: FetchedManifest | undefined, entries: readonly Descriptor[]): boolean {
  const digests = new Set(found?.manifest.children.map(({ digest }) => digest));
  return entries.every(({ digest }) => digests.has(digest));
}

/** `false` if another was faster. */
async function writeIndex(
  client: Client,
  tag: string,
  found: FetchedManifest | undefined,
  entries: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const bytes = extendedIndex(tag, found, entries);
  const descriptor = { mediaType: MediaType.ociIndex, digest: digestOf(bytes), size: bytes.length };
  const ifMatch = found?.etag;
  try {
    await putManifest(client, tag, descriptor, bytes, { signal, ...(ifMatch === undefined ? {} : { ifMatch }) });
    return true;
  } catch (error) {
    if (httpStatus(error) === 412) return false;
    throw error;
  }
}

/** The index with what it had, to the letter, and the entries that it lacked. */
function extendedIndex(tag: string, found: FetchedManifest | undefined, entries: readonly Descriptor[]): Uint8Array {
  if (found && found.manifest.kind !== "index") {
    throw new SatchelError("invalid", `${tag} is not a list of referrers but a ${found.descriptor.mediaType}`);
  }
  const old = found?.json ?? {};
  const known = new Set(found?.manifest.children.map(({ digest }) => digest));
  const manifests = [
    ...(Array.isArray(old.manifests) ? old.manifests : []),
    ...entries.filter(({ digest }) => !known.has(digest)),
  ];
  const index = { ...old, schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  const bytes = new TextEncoder().encode(encodeGoJson(index));
  if (bytes.length > MAX_MANIFEST_SIZE) throw tooLarge(tag, bytes.length);
  return bytes;
}
