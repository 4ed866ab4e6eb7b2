import { inventoryOf } from "../../lib/archive/mod.ts";
import { write } from "../../lib/terminal/mod.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { EXIT_OK } from "../output/exit.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** `satchel store inventory`: lists what is there, for `image export --have` elsewhere. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const inventory = inventoryOf(
    await store.content({ signal: invocation.signal, check: isSet(invocation.flags, "check") }),
  );
  write("stdout", `${JSON.stringify(inventory)}\n`);
  return EXIT_OK;
}
