import { statSync } from "node:fs";
import { fileSender } from "../../lib/runtime/mod.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import type { HandlerOptions } from "../../lib/server/mod.ts";
import { openLocalStore } from "../open/local_store.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { ServeOptions } from "./options.ts";
import { CheckedFiles } from "./checked_files.ts";
import { storedRepositories } from "./stored.ts";
import { storedWrites } from "./stored_writes.ts";

/** What a server offers; disposing closes it. */
export interface Content extends Pick<HandlerOptions, "repositories" | "fileBody">, AsyncDisposable {
  /** Where it comes from, for people. */
  label: string;
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
    : openStored(options, settings, reporter, told);
}

async function openArchived(
  { archives }: ServeOptions,
  { spoolFolder }: Settings,
  { warn, status }: Reporter,
  { signal, onError }: ContentOptions,
): Promise<Content> {
  const { openArchives } = await import("./archived.ts");
  const served = await openArchives(archives, {
    spoolFolder,
    signal,
    onWarning: warn,
    onStatus: status,
    onDamaged: onError,
  });
  const { repositories, paths } = served;
  const close = () => served[Symbol.asyncDispose]();
  return { label: archives.join(", "), repositories, fileBody: senderOf(paths), [Symbol.asyncDispose]: close };
}

function openStored(
  { isWritable }: ServeOptions,
  settings: Settings,
  reporter: Reporter,
  { signal, onError }: ContentOptions,
): Content {
  const store = openLocalStore(settings, reporter);
  const files = new CheckedFiles({ onDamaged: onError });
  return {
    label: store.path,
    repositories: {
      ...storedRepositories(store, files),
      ...(isWritable && { writable: storedWrites(store, { files, signal, onError }) }),
    },
    fileBody: senderOf([store.path]),
    async [Symbol.asyncDispose]() {},
  };
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
