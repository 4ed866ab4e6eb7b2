import { attachmentSubject, fallbackTag } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { type Descriptor, type Digest, isManifestType } from "../../oci/mod.ts";
import type { Archive, LostManifest } from "../archive.ts";
import type { Catalog } from "../catalog.ts";
import { attachmentTagOf } from "../layout.ts";
import type { PlannedImage } from "./plan_images.ts";

/** How many of them are named in an error. */
const MAX_NAMED = 5;

/** How many are told of at most; a list could have any number of them. */
const MAX_LOST = 10_000;

/**
 * Finds out what the list of an archive ties to other manifests and could not be read: what has the tag of an attachment, and what
 * a fallback index names. One that is only in such an index may have been deleted long ago, and is not asked for.
 */
export function findLost(catalog: Catalog): LostManifest[] {
  const listed = new Set(catalog.listed.map(({ descriptor }) => descriptor.digest));
  const isLost = (each: Descriptor) =>
    isManifestType(each.mediaType) && listed.has(each.digest) && !catalog.hasRead(each);
  /** Of fallback indexes, by their digests: many subjects may have the same. */
  const lostBelow = new Map<Digest, Descriptor[]>();
  const lost: LostManifest[] = [];
  for (const { name, descriptor } of catalog.listed) {
    if (lost.length > MAX_LOST) break;
    const tag = name === undefined ? undefined : attachmentTagOf(name);
    const subject = tag === undefined ? undefined : attachmentSubject(tag);
    if (!subject) continue;
    if (isLost(descriptor)) lost.push({ descriptor, subject, tag });
    const below = lostBelow.get(descriptor.digest) ?? catalog.fallbackList(descriptor).filter(isLost);
    lostBelow.set(descriptor.digest, below);
    if (tag === fallbackTag(subject)) lost.push(...below.map((each) => ({ descriptor: each, subject })));
  }
  return lost.slice(0, MAX_LOST);
}

/** What an archive has lost, by what it belongs to. */
export function lostBySubject({ lost = [] }: Pick<Archive, "lost">): ReadonlyMap<Digest, LostManifest[]> {
  return Map.groupBy(lost, ({ subject }) => subject);
}

/** The error for an image that was imported without what belongs to it; `undefined` if nothing of it is lost. */
export function lostError(
  image: string,
  archive: string,
  lost: ReadonlyMap<Digest, readonly LostManifest[]>,
  { manifests }: Pick<PlannedImage, "manifests">,
): SatchelError | undefined {
  if (lost.size === 0) return undefined;
  const there = new Set(manifests.map(({ descriptor }) => descriptor.digest));
  const own = [...there].flatMap((digest) => lost.get(digest) ?? []).filter((each) =>
    !there.has(each.descriptor.digest)
  );
  if (own.length === 0) return undefined;
  const names = [...new Set(own.map(({ descriptor, tag }) => tag ?? descriptor.digest))];
  const more = names.length > MAX_NAMED ? `, and ${names.length - MAX_NAMED} more` : "";
  const what = `what belongs to it is in the list of ${archive} but not in the archive`;
  const message = `${image} was imported, but ${what}: ${names.slice(0, MAX_NAMED).join(", ")}${more}`;
  return new SatchelError("invalid", message, { hint: "Have it exported again where it is whole." });
}
