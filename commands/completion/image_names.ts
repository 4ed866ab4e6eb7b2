import { familiarRepository, formatReference, formatRepository } from "../../lib/oci/mod.ts";
import { openStore } from "../../lib/store/mod.ts";
import { imageReference } from "../../lib/content/attachments.ts";
import type { Invocation } from "../line/invocation.ts";
import { loadSettings } from "../settings/settings.ts";

/** Names that no shell can take for anything but a word, whatever a store may hold. */
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/;

/** How long a Tab may wait for the lock of the store, in milliseconds. */
const PATIENCE = 500;

/** The names of local images, as `list` shows them; none if the store cannot be read. */
export async function imageNames(invocation: Pick<Invocation, "flags" | "environment" | "signal">): Promise<string[]> {
  try {
    const { store: path } = await loadSettings(invocation);
    const store = openStore({ path, lockTimeout: PATIENCE });
    return (await store.names({ signal: invocation.signal })).flatMap(shownName).filter((name) =>
      PLAIN_NAME.test(name)
    );
  } catch {
    return [];
  }
}

/** The name as `list` has it; none for the tags of attachments, and for what no image can be called by. */
function shownName(stored: string): string[] {
  const reference = imageReference(stored);
  if (!reference) return [];
  const tagAndDigest = formatReference(reference).slice(formatRepository(reference).length);
  return [`${familiarRepository(reference)}${tagAndDigest}`];
}
