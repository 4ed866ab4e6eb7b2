import { withContext } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { localName, openLocalStore } from "../open/local_store.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** `satchel image remove IMAGE`: a local name, and with the last one the image and what refers to it. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const [typed] = invocation.arguments;
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const name = await localName(store, typed, { signal: invocation.signal });
  const result = await store.remove(name, { signal: invocation.signal }).catch((error: unknown) => {
    throw withContext("removing image", error);
  });
  const text = () => settings.quiet ? "" : `Successfully removed ${printable(typed)}\n`;
  await printResult(outputMode(invocation.flags), result, text);
  return EXIT_OK;
}
