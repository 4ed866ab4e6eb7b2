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

/** The most tags that are copied at once; a registry may list any number of them, without an end. */
const MAX_TAGS = 100_000;

/** How often it is told how many tags are listed so far, in milliseconds. */
const LISTING_INTERVAL = 5000;

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
  const { to, choice } = context.request;
  // What goes by once can be copied as it comes, but not be looked into twice, nor be put into another order.
  const isReread = to.kind === "archive" || choice.platforms !== undefined;
  const archive = await openArchiveEnd(from, context, isReread);
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
  const names = allTags
    ? await tagged(reference, source.tags(context), formatRepository(reference), context)
    : [reference];
  const images = names.map((each) => ({ ...imageOf(each), source, from: each.digest ?? each.tag! }));
  return { images, ...(source.served && { served: () => source.served!() }), async [Symbol.asyncDispose]() {} };
}

async function openStoreSource(reference: Reference, context: CopyContext): Promise<RepositorySource> {
  const { settings, reporter, request, signal } = context;
  const store = openLocalStore(settings, reporter);
  const snapshot = await store.snapshot({ signal });
  const source = store.repository(reference);
  const place = `${formatRepository(reference)} in ${store.path}`;
  const names = request.allTags ? await tagged(reference, source.tags({ signal }), place, context) : [reference];
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
async function tagged(
  { registry, repository }: Reference,
  tags: AsyncIterable<string>,
  place: string,
  { reporter }: CopyContext,
): Promise<Reference[]> {
  const found = new Set<string>();
  let told = performance.now();
  for await (const tag of tags) {
    if (attachmentSubject(tag) === undefined) found.add(tag);
    if (found.size > MAX_TAGS) {
      throw new SatchelError("registry", `${place} lists more than ${MAX_TAGS} tags`, {
        hint: "Name those to be copied.",
      });
    }
    if (performance.now() - told < LISTING_INTERVAL) continue;
    told = performance.now();
    reporter.status(`${found.size} tags of ${place} so far...`);
  }
  if (found.size === 0) throw new SatchelError("not-found", `there is no tag of ${place}`);
  return [...found].sort(compareBytes).map((tag) => ({ registry, repository, tag }));
}
