import { withContext } from "../../lib/error.ts";
import { type Descriptor, formatReference } from "../../lib/oci/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
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
  await transfer(
    {
      verb: "push",
      image,
      source: store.repository(image),
      from: root.digest,
      target: guardedPush(target, () => root, guarded),
      ...(image.tag !== undefined && { tag: image.tag }),
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
