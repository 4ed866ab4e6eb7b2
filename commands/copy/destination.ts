import type { ImportTarget } from "../../lib/archive/mod.ts";
import type { ContentOptions, Source, Target } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { canonicalRegistry, formatReference, type Reference } from "../../lib/oci/mod.ts";
import { openStore, type RepositoriesHolding, type Store } from "../../lib/store/mod.ts";
import type { TypedName } from "../line/image_name.ts";
import { archiveDestination } from "../open/archive_destination.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openRemote } from "../open/remote.ts";
import { type FolderEnd, readName, type RegistryEnd, type StoreEnd } from "./ends.ts";
import type { CopyContext, CopyJob, CopyRequest, SourceImage } from "./job.ts";

/** An end that images are copied to one by one; an archive is written as a whole. */
export type RepositoryEnd = RegistryEnd | StoreEnd | FolderEnd;

/**
 * Checks what can be told of the end that is copied to before anything of the other one is looked at.
 *
 * @throws {SatchelError} `usage`; `storage` and `refused` where no archive can be written
 */
export function checkDestination({ to, allTags }: CopyRequest): void {
  if (to.text !== "") checkTyped(readName(to.text), allTags);
  if (to.kind === "archive") archiveDestination(to.path);
}

/**
 * Decides what images will be called at the other end.
 *
 * @throws {SatchelError} `usage`; `invalid` if two would have the same name
 */
export function nameJobs<Image extends SourceImage>(
  images: readonly Image[],
  { request }: Pick<CopyContext, "request">,
): CopyJob<Image>[] {
  const { to } = request;
  const name = to.text === "" ? undefined : readName(to.text);
  const jobs = images.map((image) => ({ image, to: name ? nameOf(name, image) : sameName(image) }));
  checkDistinct(jobs);
  return jobs;
}

/** An archive may have one name twice. */
function checkDistinct(jobs: readonly CopyJob[]): void {
  const names = new Set<string>();
  for (const { to } of jobs) {
    const name = formatReference(to);
    if (names.has(name)) throw new SatchelError("invalid", `Several images would be called ${name}`);
    names.add(name);
  }
}

function sameName({ reference, name }: SourceImage): Reference {
  if (reference) return reference;
  throw new SatchelError("usage", `${name} has no whole name of its own to keep`, {
    hint: "Say what it is to be called: store:NAME, archive:FILE#NAME or dir:FOLDER#NAME.",
  });
}

function checkTyped({ reference, isTagged }: TypedName, allTags: boolean): void {
  if (reference.digest !== undefined) {
    throw new SatchelError("usage", `${formatReference(reference)} has a digest, which follows from what is copied`, {
      hint: "Name a tag, or none to keep that of the source.",
    });
  }
  if (!allTags || !isTagged) return;
  throw new SatchelError("usage", `--all-tags keeps all tags, and ${formatReference(reference)} has one already`);
}

/** A digest without a tag is a name too, and is kept like one. */
function nameOf({ reference, isTagged }: TypedName, { tag, reference: old }: SourceImage): Reference {
  if (isTagged) return reference;
  const { registry, repository } = reference;
  if (tag !== undefined) return { registry, repository, tag };
  return old?.digest === undefined ? reference : { registry, repository, digest: old.digest };
}

/** Opens a repository of the end that is copied to. Nothing is written or created before something is put there. */
export async function openTarget(end: RepositoryEnd, job: CopyJob, context: CopyContext): Promise<Source & Target> {
  const { settings, reporter } = context;
  if (end.kind === "store") return openLocalStore(settings, reporter).repository(job.to);
  if (end.kind === "dir") return madeWhenNeeded(openFolder(end.path, context).repository(job.to));
  const mountFrom = await holders(job, context);
  return await openRemote(job.to, context, {
    // To look at what is there takes no right to write.
    ...(!context.request.dryRun && { access: "push" }),
    ...(mountFrom && { mountFrom }),
  });
}

/** As {@link openTarget}, for several images whose names appear together where the end is a store or a folder. */
export async function openBatch(end: RepositoryEnd, job: CopyJob, context: CopyContext): Promise<ImportTarget> {
  if (end.kind === "store") return openLocalStore(context.settings, context.reporter).batch();
  if (end.kind === "dir") {
    const batch = openFolder(end.path, context).batch();
    return {
      repository: (reference) => madeWhenNeeded(batch.repository(reference)),
      hasFile: (digest) => batch.hasFile(digest),
      commit: (options) => batch.commit(options),
    };
  }
  const repository = await openTarget(end, job, context);
  return { repository: () => repository, commit: () => Promise.resolve() };
}

function openFolder(path: string, { settings, reporter }: CopyContext): Store {
  const { lockTimeout } = settings;
  return openStore({
    path,
    ...(lockTimeout !== undefined && { lockTimeout }),
    onWait: () => reporter.status(`Waiting for another process that has locked ${path}...`),
    onWarning: reporter.warn,
  });
}

/** A folder becomes a store when something comes: of a copy that fails before, none shall be left. */
function madeWhenNeeded(target: Source & Target): Source & Target {
  let made: Promise<void> | undefined;
  const make = (options: ContentOptions = {}) => made ??= target.prepare(options);
  return {
    name: target.name,
    manifestsAreComplete: target.manifestsAreComplete,
    prepare: () => Promise.resolve(),
    resolve: (reference, options) => target.resolve(reference, options),
    fetch: (descriptor, options) => target.fetch(descriptor, options),
    referrers: (subject, options) => target.referrers(subject, options),
    tags: (options) => target.tags(options),
    has: (descriptor, options) => target.has(descriptor, options),
    readManifest: (descriptor, options) => target.readManifest(descriptor, options),
    async push(descriptor, content, options) {
      await make(options);
      await target.push(descriptor, content, options);
    },
    async commit(commit, options) {
      await make(options);
      await target.commit(commit, options);
    },
  };
}

/** What the registry that is copied to can take out of its own repositories. */
async function holders(
  { image: { reference }, to: { registry } }: CopyJob,
  { settings, reporter, request, signal }: CopyContext,
): Promise<RepositoriesHolding | undefined> {
  if (request.from.kind === "store") {
    return await openLocalStore(settings, reporter).repositoriesHolding(registry, { signal });
  }
  if (request.from.kind !== "registry" || !reference) return undefined;
  const isSame = canonicalRegistry(reference.registry) === canonicalRegistry(registry);
  return isSame ? () => [reference.repository] : undefined;
}
