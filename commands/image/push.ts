import { withContext } from "../../lib/error.ts";
import { formatReference } from "../../lib/oci/mod.ts";
import { EXIT_OK } from "../exit.ts";
import { readImageName } from "../image_name.ts";
import type { Invocation } from "../invocation.ts";
import { openLocalStore } from "../local_store.ts";
import { openCommandPlugins } from "../plugins.ts";
import { openRemote } from "../remote.ts";
import { openReporter } from "../reporter.ts";
import { loadSettings } from "../settings.ts";
import { transfer } from "./transfer.ts";

/** `satchel image push IMAGE`: from the store to a registry. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const image = readImageName(invocation.arguments[0]);
  using reporter = openReporter(settings, invocation.signal);
  reporter.status(`Pushing ${formatReference(image)}...`);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const store = openLocalStore(settings, reporter);
  // Fails before any request if the image is not there, or its tag stands for another digest.
  const { digest } = await store.resolve(image, { signal: invocation.signal }).catch((error: unknown) => {
    throw withContext(`pushing ${formatReference(image)}`, error);
  });
  const mountFrom = await store.repositoriesHolding(image.registry, { signal: invocation.signal });
  const target = await openRemote(image, { settings, reporter, plugins }, { access: "push", mountFrom });
  await transfer(
    {
      verb: "push",
      image,
      source: store.repository(image),
      from: digest,
      target,
      ...(image.tag !== undefined && { tag: image.tag }),
    },
    invocation,
    settings,
    reporter,
  );
  return EXIT_OK;
}
