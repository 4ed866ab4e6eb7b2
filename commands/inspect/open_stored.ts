import { imageReference } from "../../lib/content/attachments.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { type Digest, formatReference, isDigest, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
import { suggestions } from "../../lib/suggest.ts";
import { readImageName } from "../line/image_name.ts";
import { openLocalStore } from "../open/local_store.ts";
import type { OpenContext, OpenedImage } from "./open_image.ts";
import { familiarName, readName } from "./image_names.ts";

/** The start of a digest, as lists show it, or with the name of its algorithm. */
const SHORT_DIGEST = /^(sha256:)?([0-9a-f]{12,64})$/;

/** How many names of a store are compared with one that is not there. */
const MAX_COMPARED = 2000;

/**
 * Finds an image in the local store.
 *
 * @param onlyBecause what keeps satchel from asking a registry: `--pull never`; `undefined` if it may
 * @returns `undefined` if it is not there, and its registry may be asked
 * @throws {SatchelError} `not-found`; `usage` for a name that is none or stands for several images
 */
export async function openStored(
  typed: string,
  onlyBecause: string | undefined,
  { invocation: { signal }, settings, reporter }: OpenContext,
): Promise<OpenedImage | undefined> {
  const store = openLocalStore(settings, reporter);
  const snapshot = await store.snapshot({ signal });
  const named = findNamed(typed, snapshot);
  const found = named ?? await findByDigest(typed, store, snapshot, signal);
  if (found) {
    const { name, descriptor, platforms } = found;
    return {
      typed: named ? typed : familiarStoredName(name),
      name,
      place: `the store ${store.path}`,
      isRemote: false,
      source: snapshot,
      root: { descriptor },
      ...(platforms && { platforms }),
      async [Symbol.asyncDispose]() {},
    };
  }
  // What is called by a digest alone, or by the start of one, is of no registry.
  if (typed.startsWith("sha256:") && SHORT_DIGEST.test(typed) || isDigest(typed)) {
    const hint = "satchel image list --all shows what is there.";
    throw new SatchelError("not-found", `${typed} is not in ${store.path}`, { hint });
  }
  const name = formatReference(readName(typed));
  if (onlyBecause === undefined) return undefined;
  const likely = likelyNames(typed, snapshot);
  const hint = likely.length > 0
    ? `Did you mean ${likely.join(" or ")}?`
    : `Without ${onlyBecause}, its registry is asked for it.`;
  throw new SatchelError("not-found", `${name} is not in ${store.path}`, { hint });
}

/** What is stored under nearly the same name. */
function likelyNames(typed: string, { names }: Snapshot): string[] {
  const familiar = names.slice(0, MAX_COMPARED).map((name) => familiarStoredName(name).replace(/:latest$/, ""));
  return suggestions(typed, familiar).slice(0, 3).map((name) => printable(name, 300));
}

/** What would be typed for what is stored; of what has no name, that of no repository with a digest. */
function familiarStoredName(name: string): string {
  if (isDigest(name)) return `@${name}`;
  const reference = imageReference(name);
  return reference ? familiarName(reference) : name;
}

type Found = ReturnType<Snapshot["find"]> & { name: string };

/** By the usual rules, or else exactly what the store has under these letters. */
function findNamed(typed: string, snapshot: Snapshot): Found | undefined {
  let reference: Reference | undefined;
  try {
    reference = readImageName(typed);
  } catch (error) {
    if (!hasCode(error, "usage")) throw error;
  }
  for (const name of reference ? [reference, typed] : [typed]) {
    try {
      if (name === typed && !snapshot.names.includes(typed)) continue;
      return { ...snapshot.find(name), name: name === typed ? typed : formatReference(reference!) };
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
    }
  }
  return undefined;
}

/** By its digest, or by the start of it: what was built without a name has nothing else. */
async function findByDigest(
  typed: string,
  store: Store,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const [, , short] = SHORT_DIGEST.exec(typed) ?? [];
  if (short === undefined && !isDigest(typed)) return undefined;
  const start = short === undefined ? typed : `sha256:${short}`;
  const images = await store.images({ all: true, signal });
  const matching = images.filter(({ descriptor }) => descriptor.digest.startsWith(start));
  const digests = new Set<Digest>(matching.map(({ descriptor }) => descriptor.digest));
  if (digests.size > 1) {
    throw new SatchelError("usage", `${typed} is the start of ${digests.size} digests in ${store.path}`, {
      hint: [...digests].slice(0, 10).join(", "),
    });
  }
  const [image] = matching;
  if (!image) return isDigest(typed) ? await findListed(typed, snapshot, signal) : undefined;
  const { name, descriptor } = image;
  return {
    ...(name === undefined ? { descriptor } : snapshot.find(name)),
    descriptor,
    name: name ?? descriptor.digest,
  };
}

/** A manifest that is listed, and is part of an image. */
async function findListed(digest: Digest, snapshot: Snapshot, signal: AbortSignal): Promise<Found | undefined> {
  try {
    const { descriptor } = await snapshot.resolve(digest, { signal });
    return { descriptor, name: digest };
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}
