import { formatReference } from "../../lib/oci/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openRemoteSource, servedLine } from "../open/remote.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { guardedPull } from "./plugin_hooks.ts";
import { transfer } from "./transfer.ts";

/** `satchel image pull IMAGE`: from a registry into the store. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const image = readImageName(invocation.arguments[0]);
  using reporter = openReporter(settings, invocation.signal);
  reporter.status(`Pulling ${formatReference(image)}...`);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const store = openLocalStore(settings, reporter);
  const source = await openRemoteSource(image, { settings, reporter, plugins });
  const from = image.digest ?? image.tag!;
  const ends = guardedPull({ source, from, target: store.repository(image) }, {
    plugins,
    image,
    store: settings.store,
  });
  await transfer({ verb: "pull", image, ...ends, from, tag: from }, invocation, settings, reporter);
  if (source.served) reporter.detail(servedLine(source.served()));
  return EXIT_OK;
}
