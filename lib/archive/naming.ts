import { SatchelError } from "../error.ts";
import { type Descriptor, formatReference, isTag, parseReference, type Reference } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import type { ArchivedImage } from "./archive.ts";

/** How the images of an archive are to be named where its own names do not do. */
export interface NamingOptions {
  /** The repository for bare tags; with its tag, for the one image that has no name at all. */
  name?: Reference;
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

/**
 * Decides what the images of an archive will be called: as `org.opencontainers.image.ref.name` or `io.containerd.image.name` says
 * if that is a full name, else as the options say.
 *
 * @param archive its name, for messages
 * @throws {SatchelError} `usage` if a new name is for nothing or for several images, or if `name` is for several images
 *   without a name
 */
export function nameImages(images: readonly ArchivedImage[], archive: string, options: NamingOptions = {}): Naming {
  const renamed = findRenamed(images, archive, options.renames ?? []);
  const others = images.filter((image) => !renamed.has(image));
  checkOneNameless(others, archive, options);
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

function writtenName({ name, containerdName }: ArchivedImage): string | undefined {
  return name ?? containerdName;
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
      throw new SatchelError("usage", `nothing in ${archive} is called ${shown(from)}`, { hint });
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

function checkOneNameless(images: readonly ArchivedImage[], archive: string, { name }: NamingOptions): void {
  const nameless = images.filter((image) => writtenName(image) === undefined);
  if (!name || nameless.length <= 1) return;
  const digests = listed(nameless.map(({ descriptor }) => descriptor.digest));
  throw new SatchelError("usage", `${archive} has ${nameless.length} images without a name: ${digests}`, {
    hint: "Give each its own name: --tag DIGEST=NAME.",
  });
}

function nameFor(image: ArchivedImage, archive: string, { name }: NamingOptions): Reference | SatchelError {
  const full = fullName(image.name) ?? fullName(image.containerdName);
  if (full) return checkDigest(full, image, archive);
  const written = writtenName(image);
  if (written === undefined) return name ?? namelessProblem(image.descriptor, archive);
  if (name && isTag(written)) return { registry: name.registry, repository: name.repository, tag: written };
  return nameProblem(written, archive);
}

function checkDigest(reference: Reference, { descriptor }: ArchivedImage, archive: string): Reference | SatchelError {
  if (reference.digest === undefined || reference.digest === descriptor.digest) return reference;
  const what = `${printable(formatReference(reference), MAX_SHOWN)} in ${archive}`;
  return new SatchelError("invalid", `${what} has another digest than its name says: ${descriptor.digest}`);
}

function namelessProblem({ digest }: Descriptor, archive: string): SatchelError {
  return new SatchelError("invalid", `${digest} in ${archive} has no name`, {
    hint: `Give it one: --name REPO[:TAG], or --tag ${digest}=REPO[:TAG].`,
  });
}

function nameProblem(written: string, archive: string): SatchelError {
  const message = `${shown(written)} in ${archive} is not a full name of an image`;
  if (isTag(written)) {
    return new SatchelError("invalid", message, {
      hint: `Say what repository it is of: --name REPO, or --tag ${written}=REPO[:TAG].`,
    });
  }
  const isUnreadable = readName(written) === undefined;
  const hint = `Give it another one: --tag ${isUnreadable ? "DIGEST" : written}=REPO[:TAG].`;
  return new SatchelError("invalid", isUnreadable ? `${shown(written)} in ${archive} is not a name` : message, {
    hint,
  });
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
        hint: "Give each its own name: --tag DIGEST=NAME.",
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
