import { type ContentOptions, readVerified } from "../content/mod.ts";
import { hasCode, SatchelError, throwIfCancelled } from "../error.ts";
import { type Descriptor, type Digest, MAX_MANIFEST_SIZE, parseManifest } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { nextTurn } from "../runtime/mod.ts";
import type { Archive, ArchiveForm } from "./archive.ts";
import { Catalog } from "./catalog.ts";
import { openContainer } from "./container.ts";
import { archiveError } from "./damage.ts";
import { DOCKER_FILE, readDocker } from "./docker.ts";
import type { ArchiveFiles, ArchiveStream, Container, OpenOptions } from "./files.ts";
import {
  checkLayoutFile,
  digestOfPath,
  INDEX_FILE,
  LAYOUT_FILE,
  MAX_INDEX_SIZE,
  MAX_LAYOUT_SIZE,
  parseIndexFile,
} from "./layout.ts";
import { findLost } from "./import/lost.ts";
import { pourStream } from "./import/pour.ts";
import { readAhead } from "./leading_manifests.ts";
import { readSmall } from "./bytes/read_small.ts";
import { archiveSource, type Contents, layoutContents, memoryContents } from "./source.ts";

/** How many manifests are read before others get their turn. */
const MANIFESTS_PER_TURN = 64;

/** The most attachments of nothing that are named in a warning. */
const MAX_ORPHANS = 5;

/**
 * Opens an archive: reads its list, and the manifests that it lists.
 *
 * @param path of a file or a folder; `-` is stdin
 * @throws {SatchelError} `usage` if there is nothing, `integrity` if it is damaged or no archive, `storage`, `cancelled`
 */
export async function openArchive(path: string, options: OpenOptions): Promise<Archive> {
  try {
    return await archiveOf(await openContainer(path, options), options);
  } catch (error) {
    throw archiveError(error);
  }
}

/**
 * As {@link openArchive}, of what was opened already; it is closed with the archive, or if there is none in it.
 *
 * @throws {SatchelError} `invalid`, `integrity`, `storage`, `cancelled`
 */
export async function archiveOf(container: Container, options: OpenOptions): Promise<Archive> {
  try {
    return container.kind === "files"
      ? await archiveOfFiles(container, container, options)
      : await archiveOfStream(container, options);
  } catch (error) {
    await close(container);
    throw error;
  }
}

async function close(container: ArchiveFiles | ArchiveStream): Promise<void> {
  if (container.kind === "files") container[Symbol.dispose]();
  else await container[Symbol.asyncDispose]();
}

async function archiveOfStream(stream: Container & ArchiveStream, options: OpenOptions): Promise<Archive> {
  const ahead = await readAhead(stream, options);
  if (!ahead || options.reread) return await archiveOfFiles(await stream.spool(options), stream, options);
  stream.release();
  const { catalog, bytes } = ahead;
  warnOfOrphans(catalog, stream.name, options);
  const contents = memoryContents(bytes);
  return {
    ...archiveFrom(stream.name, catalog, contents),
    form: formOf("oci", "tar", stream),
    pour: (target, wanted, pourOptions = {}) => pourStream(stream, target, wanted, pourOptions),
    [Symbol.asyncDispose]: () => close(stream),
  };
}

/** @param container what the files are out of: themselves, or a stream that had to be spooled */
async function archiveOfFiles(files: ArchiveFiles, container: Container, options: OpenOptions): Promise<Archive> {
  const { layout, catalog, contents, blobs } = await read(files, options);
  await readManifests(catalog, contents, options);
  warnOfOrphans(catalog, files.name, options);
  return {
    ...archiveFrom(files.name, catalog, contents),
    form: formOf(layout, files.container, container),
    blobs,
    async [Symbol.asyncDispose]() {
      files[Symbol.dispose]();
      if (container.kind === "stream") await close(container);
    },
  };
}

function archiveFrom(
  name: string,
  catalog: Catalog,
  contents: Contents,
): Pick<Archive, "name" | "images" | "source" | "holds" | "leftOut" | "lost" | "place" | "file"> {
  return {
    name,
    lost: findLost(catalog),
    leftOut: catalog.leftOut,
    images: catalog.images(),
    source: archiveSource(name, catalog, contents),
    holds: ({ digest }) => contents.has(digest),
    place: ({ digest }) => contents.place?.(digest),
    file: (digest) => contents.file?.(digest),
  };
}

function formOf(
  layout: ArchiveForm["layout"],
  container: ArchiveForm["container"],
  { compression, volumes }: Container,
): ArchiveForm {
  return { layout, container, ...(compression && { compression }), ...(volumes && { volumes: volumes.length }) };
}

/** An archive's list and content. */
interface Opened {
  layout: ArchiveForm["layout"];
  catalog: Catalog;
  contents: Contents;
  blobs: NonNullable<Archive["blobs"]>;
}

async function read(files: ArchiveFiles, options: ContentOptions): Promise<Opened> {
  const prefix = prefixOf(files);
  const [layoutFile, indexFile] = [files.get(prefix + LAYOUT_FILE), files.get(prefix + INDEX_FILE)];
  if (!layoutFile && files.get(prefix + DOCKER_FILE)) {
    const { listed, contents, blobs } = await readDocker(files, prefix, options);
    return { layout: "docker", catalog: new Catalog({ listed }), contents, blobs };
  }
  if (!layoutFile) throw noArchive(files, indexFile ? LAYOUT_FILE : `${LAYOUT_FILE} and no ${DOCKER_FILE}`);
  if (!indexFile) throw noArchive(files, INDEX_FILE);
  const name = (file: string) => `${file} of ${files.name}`;
  checkLayoutFile(await readSmall(layoutFile, MAX_LAYOUT_SIZE, name(LAYOUT_FILE), options), name(LAYOUT_FILE));
  const index = await readSmall(indexFile, MAX_INDEX_SIZE, name(INDEX_FILE), options);
  return {
    layout: "oci",
    catalog: new Catalog(parseIndexFile(index, name(INDEX_FILE))),
    contents: layoutContents(files, prefix),
    blobs: blobsOf(files, prefix),
  };
}

function noArchive(files: ArchiveFiles, lack: string): SatchelError {
  return new SatchelError("invalid", `${files.name} is no archive of images: it has no ${lack}`);
}

/** Who packs a folder from outside of it has all paths begin with the folder's name. */
function prefixOf(files: ArchiveFiles): string {
  if ([LAYOUT_FILE, INDEX_FILE, DOCKER_FILE].some((name) => files.get(name))) return "";
  const folders = new Set<string>();
  for (const { path } of files.list()) {
    const [folder, name, ...rest] = path.split("/");
    if (rest.length === 0 && (name === LAYOUT_FILE || name === DOCKER_FILE)) folders.add(folder);
  }
  const [folder] = folders;
  return folders.size === 1 ? `${folder}/` : "";
}

function blobsOf(files: ArchiveFiles, prefix: string): NonNullable<Archive["blobs"]> {
  const blobs: Pick<Descriptor, "digest" | "size">[] = [];
  for (const { path, size } of files.list()) {
    const digest: Digest | undefined = path.startsWith(prefix) ? digestOfPath(path.slice(prefix.length)) : undefined;
    if (digest) blobs.push({ digest, size });
  }
  return blobs;
}

/** What cannot be read says nothing of others; whoever wants to have it is told why. */
async function readManifests(catalog: Catalog, contents: Contents, options: ContentOptions): Promise<void> {
  const queue = catalog.manifests();
  for (let done = 1, next = queue.pop(); next; next = queue.pop(), done++) {
    throwIfCancelled(options.signal);
    next = catalog.ofSize(next, contents.size(next.digest));
    const stream = contents.open(next.digest, 0, options);
    if (!stream) continue;
    try {
      const bytes = await readVerified(stream, next, MAX_MANIFEST_SIZE);
      queue.push(...catalog.add(next, parseManifest(bytes, next.mediaType, next.digest)));
    } catch (error) {
      if (!hasCode(error, "integrity") && !hasCode(error, "invalid")) throw error;
    }
    if (done % MANIFESTS_PER_TURN === 0) await nextTurn();
  }
}

function warnOfOrphans(catalog: Catalog, name: string, { onWarning }: OpenOptions): void {
  const orphans = catalog.orphans();
  if (orphans.length === 0) return;
  const shown = orphans.slice(0, MAX_ORPHANS).map((tag) => printable(tag, 100)).join(", ");
  const more = orphans.length > MAX_ORPHANS ? `, and ${orphans.length - MAX_ORPHANS} more` : "";
  onWarning?.(`In ${name}, what these belong to is missing; they are left out: ${shown}${more}`);
}
