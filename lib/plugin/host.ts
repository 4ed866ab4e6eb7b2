import { statSync } from "node:fs";
import { hasCode, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { credentialSource } from "./credential_source.ts";
import { callsFor, cannotBeUsed, json, type PluginEntry } from "./entry.ts";
import type { PluginHost, PluginOptions, PluginVerdict } from "./host_types.ts";

/** How much of a reason that a plugin gives is shown, in UTF-16 units. */
const REASON_LENGTH = 1000;

/**
 * Finds and loads plugins. Nothing of a plugin runs before its file and all folders above it were found to be safe. One that
 * cannot be loaded is among the results, with the reason.
 *
 * @throws {SatchelError} `cancelled`
 */
export async function openPlugins(options: PluginOptions): Promise<PluginHost> {
  // Most users have no plugins, and shall not pay for the code that loads them.
  const mayHaveSome = options.named.length > 0 || options.folders.some(mayExist);
  const entries = mayHaveSome ? await (await import("./load.ts")).loadPlugins(options) : [];
  return createHost(entries, options);
}

/** A folder that cannot be looked at counts: loading it will fail, and its guards are not passed over. */
function mayExist(folder: string): boolean {
  try {
    return statSync(folder, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function createHost(entries: readonly PluginEntry[], options: PluginOptions): PluginHost {
  const byPlugin = new Map(entries.map(({ found, calls }) => [found, calls]));
  const later: Promise<PluginEntry>[] = [];
  const { signal } = options;

  return {
    plugins: entries.map(({ found }) => found),

    credentialSources: () =>
      entries.filter(({ found }) => found.failure || found.hooks.includes("credentials.get"))
        .map((entry) => {
          const { name, path } = entry.found;
          return credentialSource(`the plugin ${printable(name)} (${printable(path)})`, entry, signal);
        }),

    credentialSource: (location, name) => {
      let loading: Promise<PluginEntry> | undefined;
      const load = () => {
        if (!loading) later.push(loading = import("./load.ts").then(({ loadPlugin }) => loadPlugin(location, options)));
        return loading;
      };
      return credentialSource(name, load, signal);
    },

    check: async (hook, request) => {
      for (const { found, calls } of entries) {
        // It may have been the one that would refuse.
        if (!calls) throw withCode("refused", cannotBeUsed(found));
        if (!found.hooks.includes(hook)) continue;
        const answer = await calls.call(hook, json(request), signal).catch((error) => {
          throw hasCode(error, "plugin") ? withCode("refused", error) : error;
        });
        if (!answer.allow) throw refusal(found.name, answer.reason);
      }
    },

    sign: async (plugin, request) => {
      const entry = entries.find(({ found }) => found.name === plugin);
      if (!entry) {
        throw new SatchelError("not-found", `there is no plugin ${printable(plugin)}`, {
          hint: "`satchel plugin list` shows what there is.",
        });
      }
      return await callsFor(entry, "sign").call("sign", json(request), signal);
    },

    verify: (request) =>
      Promise.all(
        entries.filter(({ found }) => found.failure || found.hooks.includes("verify"))
          .map(async (entry): Promise<PluginVerdict> => {
            const plugin = entry.found.name;
            try {
              return { plugin, ...await callsFor(entry, "verify").call("verify", json(request), signal) };
            } catch (error) {
              if (!hasCode(error, "plugin")) throw error;
              return { plugin, verdict: "rejected", reason: error.message, evidence: [] };
            }
          }),
      ),

    call: async (plugin, hook, request) => {
      const entry = { found: plugin, calls: byPlugin.get(plugin) };
      return json(await callsFor(entry, hook).call(hook, request, signal));
    },

    runCommand: async (plugin, command, invocation) => {
      const calls = byPlugin.get(plugin);
      if (!calls) throw cannotBeUsed(plugin);
      return await calls.runCommand(command, invocation);
    },

    [Symbol.asyncDispose]: async () => {
      for (const { calls } of entries) calls?.dispose();
      for (const entry of await Promise.allSettled(later)) {
        if (entry.status === "fulfilled") entry.value.calls?.dispose();
      }
    },
  };
}

function refusal(plugin: string, reason: string): SatchelError {
  return new SatchelError("refused", `refused by the plugin ${plugin}: ${printable(reason, REASON_LENGTH)}`);
}

function withCode(code: "refused", error: SatchelError): SatchelError {
  return new SatchelError(code, error.message, { hint: error.hint, cause: error });
}
