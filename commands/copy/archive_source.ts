import {
  type Archive,
  type ArchivedImage,
  archiveError,
  archiveOf,
  type Container,
  nameImages,
  openContainer,
  type OpenOptions,
  writtenName,
} from "../../lib/archive/mod.ts";
import { attachmentSubject } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { compareBytes, formatReference, formatRepository, isTag, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { type ArchiveEnd, type FolderEnd, isFile, readName } from "./ends.ts";
import type { CopyContext, SourceImage } from "./job.ts";

/** An image of an archive that is copied from. */
export interface ArchivedSource extends SourceImage {
  archived: ArchivedImage;
}

/** How many names are listed in a hint. */
const MAX_LISTED = 10;

/** Stands for a name while it is found out which image is meant; no image of an archive can have it. */
const MEANT: Reference = { registry: "", repository: "" };

/**
 * Opens an archive or a folder to copy from.
 *
 * @param isReread whether it is looked into twice, or in another order: what goes by once is then kept
 * @throws {SatchelError} what is wrong with it, `usage` if a folder was asked for and there is none
 */
export async function openArchiveEnd(
  end: ArchiveEnd | FolderEnd,
  { settings: { spoolFolder }, reporter, signal }: Pick<CopyContext, "settings" | "reporter" | "signal">,
  isReread: boolean,
): Promise<Archive> {
  const options = { spoolFolder, signal, onWarning: reporter.warn };
  if (end.kind === "dir") checkFolder(end.path);
  try {
    const container = await openContainer(end.path, options);
    return await archiveOf(isReread ? await rereadable(container, options) : container, options);
  } catch (error) {
    throw archiveError(error);
  }
}

function checkFolder(path: string): void {
  if (!isFile(path)) return;
  throw new SatchelError("usage", `${path} is not a folder`, { hint: `An archive is archive:${path}` });
}

async function rereadable(container: Container, options: OpenOptions): Promise<Container> {
  if (container.kind === "files") return container;
  await using stream = container;
  return await stream.spool(options);
}

/**
 * Finds the images of an archive that are meant by a name: as {@link chooseImage}, or all tags of a repository.
 *
 * @throws {SatchelError} `usage`, `invalid` if there is no image at all
 */
export function chooseImages(
  archive: Archive,
  text: string,
  { allTags, to }: CopyContext["request"],
): ArchivedSource[] {
  if (!allTags) return [chooseImage(archive, text)];
  checkImages(archive);
  return repositoryOf(archive, text, to.text !== "");
}

/**
 * Finds the image of an archive that is meant by a name: as it is written there, by the usual rules, or by its digest.
 *
 * @param text empty if there is but one image
 * @throws {SatchelError} `usage`, `invalid` if there is no image at all
 */
export function chooseImage(archive: Archive, text: string): ArchivedSource {
  checkImages(archive);
  if (text !== "") {
    const { named } = nameImages(archive.images, archive.name, { renames: [{ from: text, to: MEANT }] });
    return sourceOf(archive, named.find(({ reference }) => reference === MEANT)!.image);
  }
  if (archive.images.length === 1) return sourceOf(archive, archive.images[0]);
  throw new SatchelError("usage", `there are ${archive.images.length} images in ${archive.name}`, {
    hint: `Say which one is meant, as archive:FILE#NAME: ${listed(archive.images.map(nameOf))}.`,
  });
}

function checkImages({ images, name }: Archive): void {
  if (images.length === 0) throw new SatchelError("invalid", `there is no image in ${name}`);
}

/** @param isRenamed whether all will be called by another repository */
function repositoryOf(archive: Archive, text: string, isRenamed: boolean): ArchivedSource[] {
  const all = archive.images.filter(({ name }) => name !== undefined && attachmentSubject(name) === undefined)
    .map((image) => sourceOf(archive, image));
  const wanted = text === "" ? undefined : formatRepository(readName(text).reference);
  const found = all.filter(({ reference }) => !wanted || (reference && formatRepository(reference) === wanted));
  if (found.length === 0) {
    throw new SatchelError("not-found", `there is no tag of ${wanted ?? "anything"} in ${archive.name}`);
  }
  const repositories = new Set(found.map(({ reference }) => reference ? formatRepository(reference) : ""));
  if (isRenamed && repositories.size > 1) {
    throw new SatchelError("usage", `${archive.name} has images of several repositories`, {
      hint: `Say which one is meant, as archive:FILE#REPOSITORY: ${listed([...repositories])}.`,
    });
  }
  return found.sort((a, b) => compareBytes(a.name, b.name));
}

function sourceOf(archive: Archive, archived: ArchivedImage): ArchivedSource {
  const reference = nameImages([archived], archive.name).named[0]?.reference;
  const { name, descriptor, platforms } = archived;
  const tag = reference ? reference.tag : name !== undefined && isTag(name) ? name : undefined;
  return {
    archived,
    name: reference ? formatReference(reference) : nameOf(archived),
    source: archive.source,
    from: descriptor.digest,
    ...(reference && { reference }),
    ...(tag !== undefined && { tag }),
    ...(platforms && { platforms }),
  };
}

function nameOf(image: ArchivedImage): string {
  return printable(writtenName(image) ?? image.descriptor.digest, 200);
}

function listed(names: readonly string[]): string {
  const some = names.filter((name) => name !== "").sort(compareBytes).slice(0, MAX_LISTED).join(", ");
  return names.length > MAX_LISTED ? `${some}, and ${names.length - MAX_LISTED} more` : some;
}
