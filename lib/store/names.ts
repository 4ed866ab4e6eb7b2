import { attachmentSubject, imageReference } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { type Digest, formatReference, formatRepository, isDigest, type Reference } from "../oci/mod.ts";
import { findName } from "./entries.ts";
import type { IndexEntry } from "./index_file.ts";

/** A name as a user gives it, or exactly as the store keeps it (`StoredImage.name`). */
export type ImageName = Reference | string;

/**
 * The name under which the store keeps a tag: the full reference, but cosign's tags and fallback tags
 * (`sha256-<hex>.sig`) bare, where `ig image verify` looks for them.
 */
export function storedName(reference: ImageName): string {
  if (typeof reference === "string") return reference;
  const { tag, digest } = reference;
  return tag !== undefined && digest === undefined && attachmentSubject(tag) ? tag : formatReference(reference);
}

/** The name under which {@link storedName} keeps what a copy calls by a tag (or by a digest) in a repository. */
export function nameOfTag(repository: Reference, tag: string): string {
  const base = { registry: repository.registry, repository: repository.repository };
  if (isDigest(tag)) {
    // `repository:tag@digest` keeps all three, as for `ig`.
    return storedName(tag === repository.digest ? repository : { ...base, digest: tag });
  }
  return storedName({ ...base, tag });
}

/**
 * The entry that a name means.
 *
 * - a name that is stored exactly so: that one
 * - `name:tag`: the one `name:tag@digest` that is stored, as `image list` shows it
 * - `name:tag@digest`: the entry `name:tag`, if it has this digest
 * - `name@digest`: an entry of that repository with this digest; of several names, the first
 *
 * @throws {SatchelError} `not-found`; `usage` if several may be meant
 */
export function findEntry(entries: readonly IndexEntry[], wanted: ImageName, store: string): IndexEntry {
  return candidates(entries, wanted, store)[0];
}

/**
 * Like {@link findEntry}, for a change: what several names stand for is not guessed.
 *
 * @throws {SatchelError} `not-found`; `usage` if several may be meant
 */
export function findOneEntry(entries: readonly IndexEntry[], wanted: ImageName, store: string): IndexEntry {
  const found = candidates(entries, wanted, store);
  if (found.length > 1) throw ambiguous(storedName(wanted), found);
  return found[0];
}

function candidates(entries: readonly IndexEntry[], wanted: ImageName, store: string): IndexEntry[] {
  const name = storedName(wanted);
  const exact = findName(entries, name);
  if (exact) return [exact];
  if (typeof wanted === "string" || wanted.digest === undefined) return [pinned(entries, name, store)];
  const { digest, tag, registry, repository } = wanted;
  if (tag !== undefined) return [withTagAndDigest(entries, { registry, repository, tag }, digest, store)];
  const found = onceEach(ofRepository(entries, wanted).filter((entry) => entry.descriptor?.digest === digest));
  if (found.length === 0) throw notFound(name, store);
  return found;
}

/** `name:tag@digest`, where only `name:tag` was asked for. */
function pinned(entries: readonly IndexEntry[], name: string, store: string): IndexEntry {
  const found = onceEach(entries.filter((entry) => entry.name?.startsWith(`${name}@`)));
  if (found.length === 0) throw notFound(name, store);
  if (found.length > 1) throw ambiguous(name, found);
  return found[0];
}

/** Each name once; of several entries of one name, the last one counts. */
function onceEach(named: readonly IndexEntry[]): IndexEntry[] {
  return [...new Map(named.map((entry) => [entry.name, entry])).values()];
}

function ambiguous(name: string, found: readonly IndexEntry[]): SatchelError {
  const names = found.map((entry) => entry.name).join(", ");
  return new SatchelError("usage", `${name} has several names: ${names}`, { hint: "Say which one is meant." });
}

function withTagAndDigest(
  entries: readonly IndexEntry[],
  tagged: Reference,
  digest: Digest,
  store: string,
): IndexEntry {
  const name = storedName(tagged);
  const entry = findName(entries, name);
  if (!entry) throw notFound(`${name}@${digest}`, store);
  if (entry.descriptor?.digest === digest) return entry;
  throw new SatchelError("not-found", `${name} in ${store} is ${entry.raw.digest}, not ${digest}`, {
    hint: "Leave out the tag or the digest, or pull it again.",
  });
}

/** The named entries of one repository. */
export function ofRepository(
  entries: readonly IndexEntry[],
  repository: Pick<Reference, "registry" | "repository">,
): IndexEntry[] {
  const wanted = formatRepository(repository);
  return entries.filter(({ name }) => {
    if (!name?.startsWith(wanted)) return false;
    const reference = imageReference(name);
    return reference !== undefined && formatRepository(reference) === wanted;
  });
}

function notFound(name: string, store: string): SatchelError {
  return new SatchelError("not-found", `${name} is not in ${store}`, {
    hint: "`image list` shows what is there; `image pull` brings it.",
  });
}
