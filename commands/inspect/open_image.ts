import type { Resolved, Source } from "../../lib/content/mod.ts";
import { hasCode, SatchelError } from "../../lib/error.ts";
import {
  type Digest,
  familiarRepository,
  formatReference,
  formatRepository,
  isDigest,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { suggestions } from "../../lib/suggest.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
import { imageReference } from "../../lib/content/attachments.ts";
import { isFile, readEnd } from "../copy/ends.ts";
import { isSet } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { PullPolicy } from "./words.ts";

/** An image that is looked into, where it is. */
export interface OpenedImage extends AsyncDisposable {
  /** As somebody called it. */
  typed: string;
  /** Its full name; without one, its digest. */
  name: string;
  /** Where it is, in words: `the store /var/lib/ig/oci-store`. */
  place: string;
  /** Whether reading a layer means to fetch it over the network. */
  isRemote: boolean;
  source: Source;
  /** What the name stands for. */
  root: Resolved;
  /** The platforms whose content alone is there, if others were left out. */
  platforms?: readonly Platform[];
}

/** What opening an image takes. */
export interface OpenContext {
  invocation: Invocation;
  settings: Settings;
  reporter: Reporter;
  pull: PullPolicy;
}

/** The start of a digest, as lists show it, or with the name of its algorithm. */
const SHORT_DIGEST = /^(sha256:)?([0-9a-f]{12,64})$/;

/** How many names of a store are compared with one that is not there. */
const MAX_COMPARED = 2000;

/**
 * Finds an image: in the local store, else on the registry of its name, or in an archive. Nothing is stored.
 *
 * @throws {SatchelError} `not-found`, `usage`, and whatever the place adds
 */
export async function openImage(typed: string, context: OpenContext): Promise<OpenedImage> {
  if (/^(archive|dir):/.test(typed)) return await openArchived(typed, context);
  const text = typed.startsWith("store:") ? typed.slice("store:".length) : typed;
  const pull = text === typed ? context.pull : "never";
  const asked = text !== typed
    ? "store:"
    : isSet(context.invocation.flags, "disallow-pulling")
    ? "--disallow-pulling"
    : "--pull never";
  const stored = pull === "always" ? undefined : await findStored(text, pull, asked, context);
  return stored ?? await openRemoteImage(readName(text), text, context);
}

async function openArchived(typed: string, { settings, reporter, invocation: { signal } }: OpenContext) {
  const end = readEnd(typed);
  if (end.kind !== "archive" && end.kind !== "dir") throw new Error("no archive");
  const { chooseImage, openArchiveEnd } = await import("../copy/archive_source.ts");
  const archive = await openArchiveEnd(end, { settings, reporter, signal }, true);
  try {
    const { name, reference, source, from, platforms } = chooseImage(archive, end.text);
    return {
      typed: end.text || (reference ? familiarName(reference) : name),
      name,
      place: `${end.kind === "dir" ? "the folder" : "the archive"} ${archive.name}`,
      isRemote: false,
      source,
      root: await source.resolve(from, { signal }),
      ...(platforms && { platforms }),
      [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
    };
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/** The name as one would type it. */
function familiarName(reference: Reference): string {
  return familiarRepository(reference) + formatReference(reference).slice(formatRepository(reference).length);
}

/** @param asked by what `pull` is `never`, if it is */
async function findStored(
  typed: string,
  pull: PullPolicy,
  asked: string,
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
  if (pull !== "never") return undefined;
  const likely = likelyNames(typed, snapshot);
  const hint = likely.length > 0
    ? `Did you mean ${likely.join(" or ")}?`
    : `Without ${asked}, its registry is asked for it.`;
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

/** @throws {SatchelError} `usage`, with a hint for what may be the path of an archive */
function readName(typed: string): Reference {
  try {
    return readImageName(typed);
  } catch (error) {
    if (!hasCode(error, "usage") || !isFile(typed)) throw error;
    const hint = `An archive is archive:${printable(typed, 300)}`;
    throw new SatchelError("usage", error.message, { hint, cause: error });
  }
}

async function openRemoteImage(reference: Reference, typed: string, context: OpenContext): Promise<OpenedImage> {
  const { invocation, settings, reporter } = context;
  const { signal } = invocation;
  const [{ openCommandPlugins }, { openRemoteSource }] = await Promise.all([
    import("../open/plugins.ts"),
    import("../open/remote.ts"),
  ]);
  const plugins = await openCommandPlugins(settings, invocation, reporter);
  try {
    const source = await openRemoteSource(reference, { settings, reporter, plugins });
    return {
      typed,
      name: formatReference(reference),
      place: `the registry ${reference.registry}`,
      isRemote: true,
      source,
      root: await source.resolve(reference.digest ?? reference.tag!, { signal }),
      [Symbol.asyncDispose]: () => plugins[Symbol.asyncDispose](),
    };
  } catch (error) {
    await plugins[Symbol.asyncDispose]();
    throw error;
  }
}
