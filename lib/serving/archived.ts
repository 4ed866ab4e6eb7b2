import { realpathSync } from "node:fs";
import { type Archive, archiveOf, nameImages, openContainer, type OpenOptions } from "../archive/mod.ts";
import { attachmentSubject } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { onPath } from "../files/mod.ts";
import { type Descriptor, formatReference } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { ArchivedContent, type ArchivedManifest } from "./archived_content.ts";
import { CheckedFiles } from "./checked_files.ts";
import { servedContents } from "./served_contents.ts";
import { sparseWarning } from "./sparse_warning.ts";
import type { Repositories } from "../server/mod.ts";

/** Options of {@link openArchives}. */
export interface ArchivedOptions extends OpenOptions {
  onWarning: (message: string) => void;
  /** Told what takes long. */
  onStatus: (message: string) => void;
  /** Told of content that turned out to be damaged when it was served already. */
  onDamaged: (error: SatchelError) => void;
}

/** Archives that are open. */
export interface ServedArchives extends AsyncDisposable {
  repositories: Repositories;
  /** The files and folders that are read while they are served, without links. */
  paths: readonly string[];
  /** Whether a blob is in one of them with the right size. */
  holds(descriptor: Descriptor): boolean;
}

/**
 * Opens archives to be served as they are. Images have the names that an import would give them; of a name that is in several archives,
 * the first one counts.
 *
 * @param paths as for an import; `-` is stdin
 * @throws {SatchelError} what opening an archive throws; `invalid` if none of its images has a name
 */
export async function openArchives(paths: readonly string[], options: ArchivedOptions): Promise<ServedArchives> {
  await using opened = new AsyncDisposableStack();
  const archives: Archive[] = [];
  const names = new Map<string, ArchivedManifest>();
  const files: string[] = [];
  for (const path of paths) {
    const archive = await open(path, options, files);
    archives.push(opened.use(archive));
    await addNames(names, archive, options.onWarning);
    warnOfLack(archive, options.onWarning);
  }
  const content = new ArchivedContent(archives, names, new CheckedFiles({ onDamaged: options.onDamaged }));
  const realPaths = files.map((file) => onPath("read", file, () => realpathSync(file)));
  const owned = opened.move();
  return {
    repositories: repositoriesOf(content),
    paths: realPaths,
    holds: (descriptor) => content.holds(descriptor),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function repositoriesOf(content: ArchivedContent): Repositories {
  const { repositories, tagsOf, nameOf } = servedContents(content);
  return {
    list: async () => [...repositories],
    at: (name) => ({
      name,
      tags: async () => (await tagsOf(name))?.slice(),
      manifest: (reference, options) => content.manifest(nameOf(name, reference) ?? reference, options),
      blob: (digest, options) => content.blob(digest, options),
      referrers: (subject, options) => content.referrers(subject, options),
    }),
  };
}

/** What can be read only once is kept in a temporary file: a server reads at any place, as often as it is asked to. */
async function open(path: string, options: ArchivedOptions, files: string[]): Promise<Archive> {
  const container = await openContainer(path, options);
  if (container.kind === "files") {
    files.push(...container.volumes ?? (path === "-" ? [] : [path]));
    return await archiveOf(container, options);
  }
  await using _stream = container;
  const why = container.compression ? "is compressed" : "can be read only once";
  options.onStatus(`${container.name} ${why}: it is unpacked to a temporary file in ${options.spoolFolder} first`);
  return await archiveOf(await container.spool(options), options);
}

async function addNames(
  names: Map<string, ArchivedManifest>,
  archive: Archive,
  onWarning: (message: string) => void,
): Promise<void> {
  const { images, name } = archive;
  if (images.length === 0) throw new SatchelError("invalid", `there is no image in ${name}`);
  const { named, problems } = nameImages(images, name);
  if (named.length === 0) throw withoutNames(problems);
  for (const { message } of problems) onWarning(`${message}; it can be pulled by its digest alone`);
  for (const { image, reference } of named) {
    add(names, formatReference(reference), { archive, descriptor: image.descriptor }, onWarning);
  }
  for await (const tag of archive.source.tags()) {
    if (!attachmentSubject(tag)) continue;
    add(names, tag, { archive, descriptor: (await archive.source.resolve(tag)).descriptor }, onWarning);
  }
}

/** What an archive leaves out may lie in another one that is served beside it; it is said all the same. */
function warnOfLack({ name, images, leftOut = 0 }: Archive, onWarning: (message: string) => void): void {
  const sparse = images.filter(({ platforms }) => platforms).length;
  if (sparse > 0) onWarning(sparseWarning(sparse, name));
  if (leftOut === 0) return;
  const blobs = leftOut === 1 ? "1 blob was" : `${leftOut} blobs were`;
  onWarning(`${blobs} left out of ${name}: images that need them cannot be pulled, unless another archive has them`);
}

function withoutNames(problems: readonly SatchelError[]): SatchelError {
  const [first] = problems;
  return new SatchelError("invalid", first.message, {
    hint: "Without a name it cannot be served. Import it under one, with --name or --tag, and serve the store.",
    cause: first,
  });
}

function add(
  names: Map<string, ArchivedManifest>,
  name: string,
  manifest: { archive: Archive; descriptor: Descriptor },
  onWarning: (message: string) => void,
): void {
  const other = names.get(name);
  if (!other) return void names.set(name, manifest);
  if (other.descriptor.digest === manifest.descriptor.digest) return;
  const [first, second] = [other.archive.name, manifest.archive.name];
  onWarning(`${printable(name, 300)} is in ${first} and, with another digest, in ${second}: the first one is served`);
}
