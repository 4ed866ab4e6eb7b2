import { copy } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { type Descriptor, type Digest, formatReference, isDigest, type Reference } from "../../lib/oci/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { localName, openLocalStore } from "../open/local_store.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { nameWithDigest } from "./transfer.ts";

/** `satchel image tag SRC_IMAGE DST_IMAGE`: another name for a local image. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const [from, to] = invocation.arguments;
  const destination = readImageName(to);
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const { digest, mediaType, size } = await tag(store, from, destination, invocation.signal).catch((error: unknown) => {
    throw withContext("tagging image", error);
  });
  const text = () => settings.quiet ? "" : `Successfully tagged with ${nameWithDigest(destination, { digest })}\n`;
  const result = { name: formatReference(destination), digest, mediaType, size };
  await printResult(outputMode(invocation.flags), result, text);
  return EXIT_OK;
}

async function tag(store: Store, from: string, to: Reference, signal: AbortSignal): Promise<Descriptor> {
  if (isDigest(from)) return await tagDigest(store, from, to, signal);
  return await store.tag(await localName(store, from, { signal }), to, { signal });
}

/** An image that was built without a name is of no repository, so it is copied to where it is, under its new name. */
async function tagDigest(store: Store, digest: Digest, to: Reference, signal: AbortSignal): Promise<Descriptor> {
  if (to.digest !== undefined && to.digest !== digest) {
    throw new SatchelError("usage", `${digest} cannot be named ${formatReference(to)}`);
  }
  const repository = store.repository(to);
  // So that a digest that is not there creates no store.
  await repository.resolve(digest, { signal });
  const { root } = await copy(repository, digest, repository, {
    tag: to.tag ?? digest,
    referrers: false,
    signal,
  });
  return root;
}
