import type { Archive } from "../../lib/archive/mod.ts";
import { attachmentSubject } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { compareBytes, formatReference, formatRepository, type Reference } from "../../lib/oci/mod.ts";
import type { Served } from "../../lib/registry/mod.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openRemoteSource } from "../open/remote.ts";
import { type ArchivedSource, chooseImages, openArchiveEnd } from "./archive_source.ts";
import { readName } from "./ends.ts";
import type { CopyContext, SourceImage } from "./job.ts";

/** The images that a copy is about, where they are. */
export type CopySource = RepositorySource | ArchiveSource;

/** Images of a registry or of the store. */
export interface RepositorySource extends AsyncDisposable {
  archive?: undefined;
  images: readonly SourceImage[];
  /** Who gave how much so far, where mirrors stand in for a registry. */
  served?(): Served[];
}

/** Images of an archive or of a folder. */
export interface ArchiveSource extends AsyncDisposable {
  archive: Archive;
  images: readonly ArchivedSource[];
}

/**
 * Opens the end that is copied from.
 *
 * @throws {SatchelError} `usage` for what is no name of an image there, `not-found` if there is none
 */
export async function openSource(context: CopyContext): Promise<CopySource> {
  const { from, allTags } = context.request;
  if (from.kind === "registry") return await openRegistrySource(nameIn(from.text, allTags), context);
  if (from.kind === "store") return await openStoreSource(nameIn(from.text, allTags), context);
  const archive = await openArchiveEnd(from, context);
  try {
    const images = chooseImages(archive, from.text, context.request);
    return { archive, images, [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose]() };
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/** With `--all-tags` a name stands for a repository. */
function nameIn(text: string, allTags: boolean): Reference {
  if (text === "") throw new SatchelError("usage", "The source of a copy needs a name");
  const { reference, isTagged } = readName(text);
  if (!allTags || !isTagged) return reference;
  throw new SatchelError(
    "usage",
    `--all-tags is for a repository, and ${formatReference(reference)} has a tag already`,
  );
}

async function openRegistrySource(reference: Reference, context: CopyContext): Promise<RepositorySource> {
  const source = await openRemoteSource(reference, context);
  const { allTags } = context.request;
  const names = allTags ? await tagged(reference, source.tags(context), formatRepository(reference)) : [reference];
  const images = names.map((each) => ({ ...imageOf(each), source, from: each.digest ?? each.tag! }));
  return { images, ...(source.served && { served: () => source.served!() }), async [Symbol.asyncDispose]() {} };
}

async function openStoreSource(reference: Reference, context: CopyContext): Promise<RepositorySource> {
  const { settings, reporter, request, signal } = context;
  const store = openLocalStore(settings, reporter);
  const snapshot = await store.snapshot({ signal });
  const source = store.repository(reference);
  const place = `${formatRepository(reference)} in ${store.path}`;
  const names = request.allTags ? await tagged(reference, source.tags({ signal }), place) : [reference];
  const images = names.map((name) => {
    const { descriptor: { digest }, platforms } = snapshot.find(name);
    return { ...imageOf(name), source, from: digest, ...(platforms && { platforms }) };
  });
  return { images, async [Symbol.asyncDispose]() {} };
}

function imageOf(reference: Reference): Pick<SourceImage, "reference" | "name" | "tag"> {
  const { tag } = reference;
  return { reference, name: formatReference(reference), ...(tag !== undefined && { tag }) };
}

/** All names of a repository, but those that tie attachments to their images. */
async function tagged(repository: Reference, tags: AsyncIterable<string>, place: string): Promise<Reference[]> {
  const { registry, repository: path } = repository;
  const found = (await Array.fromAsync(tags)).filter((tag) => attachmentSubject(tag) === undefined);
  if (found.length === 0) throw new SatchelError("not-found", `There is no tag of ${place}`);
  return [...new Set(found)].sort(compareBytes).map((tag) => ({ registry, repository: path, tag }));
}
