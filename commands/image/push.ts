import { childrenFor, type Target } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  parseManifest,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openRemote } from "../open/remote.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { checkPush, type Guarded, guardedPush } from "./plugin_hooks.ts";
import { transfer } from "./transfer.ts";

/** `satchel image push IMAGE`: from the store to a registry. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const image = readImageName(invocation.arguments[0]);
  using reporter = openReporter(settings, invocation.signal);
  reporter.status(`Pushing ${formatReference(image)}...`);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const store = openLocalStore(settings, reporter);
  const guarded = { plugins, image, store: settings.store };
  // Fails before any request if the image is not there, its tag stands for another digest, or a plugin refuses.
  const root = await checkedRoot(store, guarded, invocation.signal);
  const mountFrom = await store.repositoriesHolding(image.registry, { signal: invocation.signal });
  const target = await openRemote(image, { settings, reporter, plugins }, { access: "push", mountFrom });
  const snapshot = await store.snapshot({ signal: invocation.signal });
  const platforms = await checkRest(snapshot, image, target, invocation.signal);
  await transfer(
    {
      verb: "push",
      image,
      source: store.repository(image),
      from: root.digest,
      target: guardedPush(target, () => root, guarded),
      ...(image.tag !== undefined && { tag: image.tag }),
      ...(platforms && { platforms }),
    },
    invocation,
    settings,
    reporter,
  );
  return EXIT_OK;
}

async function checkedRoot(store: Store, guarded: Guarded, signal: AbortSignal): Promise<Descriptor> {
  try {
    const root = await store.resolve(guarded.image, { signal });
    await checkPush(root, guarded);
    return root;
  } catch (error) {
    throw withContext(`pushing ${formatReference(guarded.image)}`, error);
  }
}

/**
 * Makes sure that of an image that has lost some of its platforms the registry has what the store has not: an index whose parts
 * are not there is taken by some registries, and then cannot be pulled.
 *
 * @returns the platforms that it still has; `undefined` for all
 * @throws {SatchelError} `not-found`
 */
async function checkRest(
  snapshot: Snapshot,
  image: Reference,
  target: Pick<Target, "has">,
  signal: AbortSignal,
): Promise<readonly Platform[] | undefined> {
  const { descriptor: root, platforms } = snapshot.find(image);
  const bytes = platforms && snapshot.readManifest(root);
  if (!bytes) return undefined;
  const manifest = parseManifest(bytes, root.mediaType, root.digest);
  const wanted = new Set(childrenFor(platforms, manifest));
  for (const child of manifest.children) {
    if (wanted.has(child) || snapshot.holds(child) || await target.has(child, { signal })) continue;
    const only = platforms.map(formatPlatform).join(", ");
    throw new SatchelError(
      "not-found",
      `pushing ${formatReference(image)}: the store has it for ${only} only, and ${image.registry} has not the rest`,
      { hint: "Registries take whole images alone. Pull or import it whole, then push it." },
    );
  }
  return platforms;
}
