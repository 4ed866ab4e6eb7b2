import { statSync } from "node:fs";
import { SatchelError } from "../../lib/error.ts";
import type { Descriptor } from "../../lib/oci/mod.ts";
import { fileSender } from "../../lib/runtime/mod.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import type { HandlerOptions } from "../../lib/server/mod.ts";
import type { Snapshot } from "../../lib/store/mod.ts";
import { CheckedFiles, sparseWarning, storedRepositories, storedWrites } from "../../lib/serving/mod.ts";
import { openLocalStore } from "../open/local_store.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { ServeOptions } from "./options.ts";

/** What a server offers; disposing closes it. */
export interface Content extends Pick<HandlerOptions, "repositories" | "fileBody">, AsyncDisposable {
  /** Where it comes from, for people. */
  label: string;
  /** Whether a blob is there with the right size. */
  holds(descriptor: Descriptor): boolean;
  /** Throws if nothing of it can be read. */
  check(signal: AbortSignal): Promise<unknown>;
}

/** What {@link openContent} tells. */
export interface ContentOptions {
  signal: AbortSignal;
  /** Told of what went wrong while nobody waited for an answer, and of content that turned out to be damaged. */
  onError: (error: unknown) => void;
}

/** Opens what a server offers: the archives that are named, else the store. */
export async function openContent(
  options: ServeOptions,
  settings: Settings,
  reporter: Reporter,
  told: ContentOptions,
): Promise<Content> {
  return options.archives.length > 0
    ? await openArchived(options, settings, reporter, told)
    : await openStored(options, settings, reporter, told);
}

async function openArchived(
  { archives }: ServeOptions,
  { spoolFolder }: Settings,
  { warn, status }: Reporter,
  { signal, onError }: ContentOptions,
): Promise<Content> {
  const { openArchives } = await import("../../lib/serving/archived.ts");
  const served = await openArchives(archives, {
    spoolFolder,
    signal,
    onWarning: warn,
    onStatus: status,
    onDamaged: onError,
  });
  const { repositories, paths, holds } = served;
  return {
    label: archives.join(", "),
    repositories,
    fileBody: senderOf(paths),
    holds,
    check: (signal) => repositories.list({ signal }),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** How long that is if nobody has said anything, in milliseconds. */
const LOCK_TIMEOUT = 60_000;

/**
 * How long clients wait for a locked store, in milliseconds. People see what a command waits for, clients do not: they are answered and
 * come again, and what they sent is let go of.
 */
export function lockTimeoutOf({ lockTimeout = LOCK_TIMEOUT }: Pick<Settings, "lockTimeout">): number {
  return lockTimeout;
}

async function openStored(
  { isWritable }: ServeOptions,
  settings: Settings,
  reporter: Reporter,
  { signal, onError }: ContentOptions,
): Promise<Content> {
  const store = openLocalStore({ ...settings, lockTimeout: lockTimeoutOf(settings) }, reporter);
  if (isWritable || isThere(store.path)) warnOfSparse(await store.snapshot({ signal }), reporter);
  else reporter.warn(`there is no store in ${store.path}: nothing can be pulled until something is brought there`);
  const files = new CheckedFiles({ onDamaged: onError });
  const repositories = storedRepositories(store, files);
  return {
    label: store.path,
    repositories: {
      ...repositories,
      ...(isWritable && { writable: storedWrites(store, { files, signal, onError }) }),
    },
    fileBody: senderOf([store.path]),
    holds: ({ digest, size }) => store.fileOf(digest)?.size === size,
    async check(signal) {
      // What is pushed makes a store; where nothing can be, one that is not there was moved, or its disk is not mounted.
      if (!isWritable && !isThere(store.path)) {
        throw new SatchelError("not-found", `there is no store in ${store.path}`);
      }
      await repositories.list({ signal });
    },
    async [Symbol.asyncDispose]() {},
  };
}

function isThere(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false }) !== undefined;
}

/** Clients that take all platforms of an image fail with what is there for some alone. */
function warnOfSparse(snapshot: Snapshot, { warn }: Reporter): void {
  const isSparse = (name: string) => {
    try {
      return snapshot.find(name).platforms !== undefined;
    } catch {
      // No valid entry; who asks for it is told.
      return false;
    }
  };
  const count = snapshot.names.filter(isSparse).length;
  if (count > 0) warn(sparseWarning(count, snapshot.name));
}

/** Sends files from below these paths. What somebody else owns they could exchange while it is served. */
function senderOf(paths: readonly string[]): HandlerOptions["fileBody"] {
  const owners = paths.map((path) => ({ path, owner: foreignOwner(path) })).filter(({ owner }) => owner !== undefined);
  return fileSender((file) => owners.find(({ path }) => file === path || file.startsWith(`${path}/`))?.owner);
}

/** Who owns it, if that is neither root nor who runs this. */
function foreignOwner(path: string): number | undefined {
  const uid = statSync(path, { throwIfNoEntry: false })?.uid;
  return uid === undefined || uid === 0 || uid === effectiveUser() ? undefined : uid;
}
