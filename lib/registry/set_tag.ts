import type { NamedManifest } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import type { Digest } from "../oci/mod.ts";
import { pause } from "../runtime/mod.ts";
import type { Client } from "./client.ts";
import { findManifest, putManifest } from "./manifests.ts";
import { httpStatus } from "./registry_error.ts";

/** The shortest time before it is looked whether another writer was in the way, in milliseconds. */
const SHORTEST_LOOK = 100;

/**
 * Sets a tag, where that is wanted only in the place of what it stood for: most registries have no compare-and-swap, so it is looked at
 * right before, written on condition where the registry gave an ETag, and looked at again after a pause that is longer than another
 * writer takes from its look to its writing.
 *
 * @throws {SatchelError} `content-lost` if another has set it
 */
export async function setTag(
  client: Client,
  { tag, descriptor, bytes, replaces }: NamedManifest,
  signal?: AbortSignal,
): Promise<void> {
  if (replaces === undefined) {
    await putManifest(client, tag, descriptor, bytes, { signal });
    return;
  }
  const started = performance.now();
  const found = await findManifest(client, tag, signal);
  if ((found?.descriptor.digest ?? null) !== replaces) throw setByAnother(client, tag);
  const ifMatch = found?.etag;
  try {
    await putManifest(client, tag, descriptor, bytes, { signal, ...(ifMatch !== undefined && { ifMatch }) });
  } catch (error) {
    throw httpStatus(error) === 412 ? setByAnother(client, tag) : error;
  }
  const window = performance.now() - started;
  await pause(Math.max(SHORTEST_LOOK, 2 * window) * (1 + Math.random()), signal);
  const now: Digest | undefined = (await findManifest(client, tag, signal))?.descriptor.digest;
  if (now !== descriptor.digest) throw setByAnother(client, tag);
}

function setByAnother({ registry }: Client, tag: string): SatchelError {
  return new SatchelError("content-lost", `${registry.host}: the tag ${tag} was set by somebody else meanwhile`, {
    hint: "Try again.",
  });
}
