import { formatReference } from "../../lib/oci/mod.ts";
import { isSet } from "../line/flags.ts";
import { EXIT_OK } from "../output/exit.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { openRemoteSource, servedLine } from "../open/remote.ts";
import { openReporter } from "../output/reporter.ts";
import { openPolicyGate } from "../policy/gate.ts";
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
  await using policy = await openPolicyGate(settings, invocation, reporter);
  const place = openLocalStore(settings, reporter).repository(image);
  const source = await openRemoteSource(image, { settings, reporter, plugins });
  const from = image.digest ?? image.tag!;
  const allowed = policy.source(source, from, [image]);
  const ends = guardedPull({ source: allowed, from, target: place }, { plugins, image, store: settings.store });
  const target = policy.target(ends.target, {
    names: [image],
    place,
    ...(!isSet(invocation.flags, "referrers", true) && { elsewhere: source }),
  });
  await transfer({ verb: "pull", image, ...ends, from, target, tag: from }, invocation, settings, reporter);
  if (source.served) reporter.detail(servedLine(source.served()));
  return EXIT_OK;
}
