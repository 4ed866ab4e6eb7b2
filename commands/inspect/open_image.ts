import type { Resolved, Source } from "../../lib/content/mod.ts";
import { formatReference, type Platform, type Reference } from "../../lib/oci/mod.ts";
import { readEnd } from "../copy/ends.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import { familiarName, readName } from "./image_names.ts";
import { openStored } from "./open_stored.ts";
import type { PullPolicy } from "./words.ts";

/** An image that is looked into, where it is. */
export interface OpenedImage extends AsyncDisposable {
  /** As somebody called it. */
  typed: string;
  /** Its full name; without one, its digest. */
  name: string;
  /** Where it is, in words: `the store /var/lib/ig/oci-store`. */
  place: string;
  /** Whether reading a layer means to fetch it over the network. */
  isRemote: boolean;
  source: Source;
  /** What the name stands for. */
  root: Resolved;
  /** The platforms whose content alone is there, if others were left out. */
  platforms?: readonly Platform[];
}

/** What opening an image takes. */
export interface OpenContext {
  invocation: Invocation;
  settings: Settings;
  reporter: Reporter;
  pull: PullPolicy;
}

/**
 * Finds an image: in the local store, else on the registry of its name, or in an archive. Nothing is stored.
 *
 * @throws {SatchelError} `not-found`, `usage`, and whatever the place adds
 */
export async function openImage(typed: string, context: OpenContext): Promise<OpenedImage> {
  if (/^(archive|dir):/.test(typed)) return await openArchived(typed, context);
  const text = typed.startsWith("store:") ? typed.slice("store:".length) : typed;
  const onlyBecause = text === typed ? keptFromRegistry(context) : "store:";
  const isStoreAsked = onlyBecause !== undefined || context.pull !== "always";
  const stored = isStoreAsked ? await openStored(text, onlyBecause, context) : undefined;
  return stored ?? await openRemoteImage(readName(text), text, context);
}

/** The flag because of which no registry is asked, if there is one. */
function keptFromRegistry({ pull, invocation: { flags } }: OpenContext): string | undefined {
  if (pull !== "never") return undefined;
  return isSet(flags, "disallow-pulling") ? "--disallow-pulling" : "--pull never";
}

async function openArchived(typed: string, { settings, reporter, invocation: { signal } }: OpenContext) {
  const end = readEnd(typed);
  if (end.kind !== "archive" && end.kind !== "dir") throw new Error("no archive");
  const { chooseImage, openArchiveEnd } = await import("../copy/archive_source.ts");
  const archive = await openArchiveEnd(end, { settings, reporter, signal }, true);
  try {
    const { name, reference, source, from, platforms } = chooseImage(archive, end.text);
    return {
      typed: end.text || (reference ? familiarName(reference) : name),
      name,
      place: `${end.kind === "dir" ? "the folder" : "the archive"} ${archive.name}`,
      isRemote: false,
      source,
      root: await source.resolve(from, { signal }),
      ...(platforms && { platforms }),
      [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
    };
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

async function openRemoteImage(reference: Reference, typed: string, context: OpenContext): Promise<OpenedImage> {
  const { invocation, settings, reporter } = context;
  const { signal } = invocation;
  const [{ openCommandPlugins }, { openRemoteSource }] = await Promise.all([
    import("../open/plugins.ts"),
    import("../open/remote.ts"),
  ]);
  const plugins = await openCommandPlugins(settings, invocation, reporter);
  try {
    const source = await openRemoteSource(reference, { settings, reporter, plugins });
    return {
      typed,
      name: formatReference(reference),
      place: `the registry ${reference.registry}`,
      isRemote: true,
      source,
      root: await source.resolve(reference.digest ?? reference.tag!, { signal }),
      [Symbol.asyncDispose]: () => plugins[Symbol.asyncDispose](),
    };
  } catch (error) {
    await plugins[Symbol.asyncDispose]();
    throw error;
  }
}
