import { SatchelError } from "../../lib/error.ts";
import { parseJson } from "../../lib/oci/json.ts";
import type { FoundPlugin, HookName, Json } from "../../lib/plugin/mod.ts";
import { printable } from "../../lib/printable.ts";
import { readStdin, write } from "../../lib/terminal/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { serialize } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { openPlugin } from "./find.ts";
import { unusable } from "./unusable.ts";

/** The longest request, in bytes: as long as an answer may be. */
const MAX_REQUEST = 4 << 20;

/**
 * `satchel plugin call PLUGIN HOOK`: hands a request to a hook and prints the answer. It prints what a hook of credentials
 * answers as well, since that is what somebody who tries such a plugin wants to see.
 */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const [name, hook] = invocation.arguments;
  using reporter = openReporter(settings, invocation.signal);
  await using opened = await openPlugin(name, settings, invocation, reporter);
  const { host, plugin } = opened;
  const known = hookOf(plugin, hook);
  const request = await readRequest(invocation.signal);
  const answer = await host.call(plugin, known, request);
  reporter.finish();
  write("stdout", await serialize("json", answer));
  return EXIT_OK;
}

function hookOf(plugin: FoundPlugin, text: string): HookName {
  const { name, path, hooks, failure } = plugin;
  if (failure) throw unusable(plugin);
  const hook = hooks.find((each) => each === text);
  if (hook) return hook;
  throw new SatchelError("usage", `the plugin ${printable(name)} (${printable(path)}) has no hook ${printable(text)}`, {
    hint: hooks.length === 0 ? "It has none at all." : `It has: ${hooks.join(", ")}.`,
  });
}

/** What stands on stdin; nothing is an empty request. */
async function readRequest(signal: AbortSignal): Promise<Json> {
  const bytes = await readStdin({ limit: MAX_REQUEST, what: "the request", signal });
  return bytes.length === 0 ? {} : parseJson(bytes, "the request on stdin") as Json;
}
