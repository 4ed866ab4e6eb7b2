import type { ContentOptions } from "../../lib/content/mod.ts";
import { hasCode } from "../../lib/error.ts";
import type { Reference } from "../../lib/oci/mod.ts";
import { openStore, type Store } from "../../lib/store/mod.ts";
import { readImageName } from "../line/image_name.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** Opens the local store that the settings name. */
export function openLocalStore(settings: Settings, reporter: Reporter): Store {
  reporter.detail(`Using the store ${settings.store}`);
  return openStore({
    path: settings.store,
    ...(settings.lockTimeout !== undefined && { lockTimeout: settings.lockTimeout }),
    onWait: () => reporter.status(`Waiting for another process that has locked ${settings.store}...`),
    onWarning: reporter.warn,
  });
}

/**
 * What a user means by a name of something local: an image by the usual rules, or, if there is none, exactly what the
 * store has under these letters (`sha256-<hex>.sig`, names by tools with other rules).
 *
 * @throws {SatchelError} `usage` if it is no name at all
 */
export async function localName(store: Store, text: string, { signal }: ContentOptions): Promise<Reference | string> {
  let reference: Reference;
  try {
    reference = readImageName(text);
  } catch (error) {
    if (await isStored(store, text, signal)) return text;
    throw error;
  }
  try {
    await store.resolve(reference, { signal });
  } catch (error) {
    if (hasCode(error, "not-found") && await isStored(store, text, signal)) return text;
  }
  return reference;
}

async function isStored(store: Store, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  return (await store.names({ signal })).includes(name);
}
