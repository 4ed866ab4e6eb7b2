import { SatchelError } from "../../error.ts";
import { type Descriptor, formatReference, isTag, parseReference, type Reference } from "../../oci/mod.ts";
import { printable } from "../../printable.ts";
import { type ArchivedImage, writtenName } from "../archive.ts";

/** How the images of an archive are to be named where its own names do not do. */
export interface NamingOptions {
  /** The repository for bare tags and for the one image that has no name at all; with a tag, the name of the only such image. */
  name?: Pick<Reference, "registry" | "repository" | "tag">;
  /** New names. */
  renames?: readonly Rename[];
}

/** Gives an image of an archive another name. */
export interface Rename {
  /** Its name as it is written in the archive or by the usual rules (`foo` for `ghcr.io/...`), or its digest. */
  from: string;
  to: Reference;
}

/** An image of an archive, and the full name that it is to have. */
export interface NamedImage {
  image: ArchivedImage;
  reference: Reference;
}

/** The names of the images of an archive. */
export interface Naming {
  named: NamedImage[];
  /** One for each entry of the list that cannot be named, `invalid`. */
  problems: SatchelError[];
  /** Images without any name, beside others that have one. */
  leftOut: ArchivedImage[];
}

/** How much of a name is shown, in UTF-16 units. */
const MAX_SHOWN = 200;

/** How many names or digests are listed in an error. */
const MAX_LISTED = 10;

/** What an image is called that has neither a tag of its own nor is given one. */
const DEFAULT_TAG = "latest";

/**
 * Decides what the images of an archive will be called: as `org.opencontainers.image.ref.name` or `io.containerd.image.name` says
 * if that is a full name, else as the options say.
 *
 * @param archive its name, for messages
 * @throws {SatchelError} `not-found` if a new name is for nothing; `usage` if it is for several images, or if `name` is for nothing
 *   or for more images than it can name
 */
export function nameImages(images: readonly ArchivedImage[], archive: string, options: NamingOptions = {}): Naming {
  const renamed = findRenamed(images, archive, options.renames ?? []);
  const others = images.filter((image) => !renamed.has(image));
  checkName(others, archive, options);
  const hasNames = images.some((image) => renamed.has(image) || writtenName(image) !== undefined);
  const naming: Naming = { named: [], problems: [], leftOut: [] };
  for (const [image, names] of renamed) naming.named.push(...names.map((reference) => ({ image, reference })));
  for (const image of others) {
    const found = nameFor(image, archive, options);
    if (!(found instanceof SatchelError)) naming.named.push({ image, reference: found });
    else if (hasNames && writtenName(image) === undefined) naming.leftOut.push(image);
    else naming.problems.push(found);
  }
  return withoutConflicts(naming, archive);
}

/** A name that is full as it is written: `registry/repository:tag`. */
function fullName(name: string | undefined): Reference | undefined {
  const reference = name === undefined ? undefined : readName(name);
  return reference && formatReference(reference) === name ? reference : undefined;
}

function readName(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}

function findRenamed(
  images: readonly ArchivedImage[],
  archive: string,
  renames: readonly Rename[],
): Map<ArchivedImage, Reference[]> {
  const renamed = new Map<ArchivedImage, Reference[]>();
  for (const { from, to } of renames) {
    const found = imagesCalled(from, images);
    if (found.length === 0) {
      const known = listed(images.map((image) => writtenName(image) ?? image.descriptor.digest));
      const hint = images.length === 0 ? undefined : `There is: ${known}.`;
      throw new SatchelError("not-found", `nothing in ${archive} is called ${shown(from)}`, { hint });
    }
    const digests = [...new Set(found.map(({ descriptor }) => descriptor.digest))];
    if (digests.length > 1) {
      const hint = `Say which one is meant by its digest: ${listed(digests)}.`;
      throw new SatchelError("usage", `several images in ${archive} are called ${shown(from)}`, { hint });
    }
    for (const image of found) renamed.set(image, [...renamed.get(image) ?? [], to]);
  }
  return renamed;
}

/** Exactly so if there is one, else by its digest, else by the usual rules. */
function imagesCalled(from: string, images: readonly ArchivedImage[]): ArchivedImage[] {
  const exactly = images.filter(({ name, containerdName }) => name === from || containerdName === from);
  if (exactly.length > 0) return exactly;
  const byDigest = images.filter(({ descriptor }) => descriptor.digest === from);
  if (byDigest.length > 0) return byDigest;
  const wanted = readName(from);
  if (!wanted) return [];
  const isWanted = (name: string | undefined) => {
    const reference = name === undefined ? undefined : readName(name);
    return reference !== undefined && formatReference(reference) === formatReference(wanted);
  };
  return images.filter(({ name, containerdName }) => isWanted(name) || isWanted(containerdName));
}

/** @throws {SatchelError} `usage` if `name` would name nothing, or several images alike */
function checkName(images: readonly ArchivedImage[], archive: string, { name }: NamingOptions): void {
  if (!name || images.length === 0) return;
  const takers = images.filter((image) => !hasFullName(image) && isTagOrNothing(writtenName(image)));
  if (takers.length === 0) {
    throw new SatchelError("usage", `no image in ${archive} needs ${repositoryName(name)} for its name`, {
      hint: `There is: ${listed(images.map((image) => writtenName(image) ?? image.descriptor.digest))}.`,
      remedy: { kind: "rename", from: nameOrDigest(images[0]) },
    });
  }
  const nameless = takers.filter((image) => writtenName(image) === undefined);
  if (nameless.length > 1) {
    const digests = listed(nameless.map(({ descriptor }) => descriptor.digest));
    throw new SatchelError("usage", `${archive} has ${nameless.length} images without a name: ${digests}`, {
      remedy: { kind: "rename-each", from: nameless[0].descriptor.digest },
    });
  }
  const isOne = takers.every(({ descriptor }) => descriptor.digest === takers[0].descriptor.digest);
  if (name.tag === undefined || isOne) return;
  const names = listed(takers.map((image) => writtenName(image) ?? image.descriptor.digest));
  throw new SatchelError("usage", `${formatReference(name)} would be the name of ${takers.length} images: ${names}`, {
    hint: "Leave the tag out, and each keeps its own.",
  });
}

function hasFullName({ name, containerdName }: ArchivedImage): boolean {
  return (fullName(name) ?? fullName(containerdName)) !== undefined;
}

function isTagOrNothing(written: string | undefined): boolean {
  return written === undefined || isTag(written);
}

function repositoryName({ registry, repository }: Pick<Reference, "registry" | "repository">): string {
  return formatReference({ registry, repository });
}

/** How a user can call an image. */
function nameOrDigest(image: ArchivedImage): string {
  const written = writtenName(image);
  return written !== undefined && readName(written) ? written : image.descriptor.digest;
}

function nameFor(image: ArchivedImage, archive: string, { name }: NamingOptions): Reference | SatchelError {
  const full = fullName(image.name) ?? fullName(image.containerdName);
  if (full) return checkDigest(full, image, archive);
  const written = writtenName(image);
  if (name && isTagOrNothing(written)) return { ...name, tag: name.tag ?? written ?? DEFAULT_TAG };
  return written === undefined ? namelessProblem(image.descriptor, archive) : nameProblem(written, image, archive);
}

function checkDigest(reference: Reference, { descriptor }: ArchivedImage, archive: string): Reference | SatchelError {
  if (reference.digest === undefined || reference.digest === descriptor.digest) return reference;
  const what = `${printable(formatReference(reference), MAX_SHOWN)} in ${archive}`;
  return new SatchelError("invalid", `${what} has another digest than its name says: ${descriptor.digest}`);
}

function namelessProblem({ digest }: Descriptor, archive: string): SatchelError {
  return new SatchelError("invalid", `${digest} in ${archive} has no name`, { remedy: { kind: "name", digest } });
}

function nameProblem(written: string, { descriptor: { digest } }: ArchivedImage, archive: string): SatchelError {
  const what = `${shown(written)} in ${archive}`;
  if (isTag(written)) {
    return new SatchelError("invalid", `${what} is not a full name of an image`, { remedy: { kind: "repository" } });
  }
  if (readName(written)) {
    return new SatchelError("invalid", `${what} is not a full name of an image`, {
      remedy: { kind: "rename", from: written },
    });
  }
  return new SatchelError("invalid", `${what} is not a name`, { remedy: { kind: "rename", from: digest } });
}

/** What two images would be called stands for neither. */
function withoutConflicts({ named, problems, leftOut }: Naming, archive: string): Naming {
  const byName = new Map<string, NamedImage[]>();
  for (const each of named) {
    const name = formatReference(each.reference);
    const same = byName.get(name) ?? [];
    if (same.some(({ image }) => image.descriptor.digest === each.image.descriptor.digest)) continue;
    byName.set(name, [...same, each]);
  }
  const conflicts: SatchelError[] = [];
  for (const [name, several] of byName) {
    if (several.length === 1) continue;
    const digests = listed(several.map(({ image }) => image.descriptor.digest));
    conflicts.push(
      new SatchelError("invalid", `In ${archive}, ${name} would be the name of ${several.length} images: ${digests}`, {
        remedy: { kind: "rename-each", from: several[0].image.descriptor.digest },
      }),
    );
  }
  const unique = [...byName.values()].filter((several) => several.length === 1).flat();
  return { named: unique, problems: [...problems, ...conflicts], leftOut };
}

function shown(name: string): string {
  return printable(JSON.stringify(name), MAX_SHOWN);
}

function listed(texts: readonly string[]): string {
  const some = texts.slice(0, MAX_LISTED).map((text) => printable(text, MAX_SHOWN)).join(", ");
  return texts.length > MAX_LISTED ? `${some}, and ${texts.length - MAX_LISTED} more` : some;
}
