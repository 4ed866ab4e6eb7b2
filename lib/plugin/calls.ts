import type { CredentialSource, CredentialSourceOptions } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import type { Json } from "./contract.ts";
import type { FoundPlugin, PluginHost, PluginOptions, PluginVerdict } from "./host.ts";
import type { PluginCalls, PluginEntry } from "./load.ts";

/** How much of a reason that a plugin gives is shown, in UTF-16 units. */
const REASON_LENGTH = 1000;

/** Makes the host of plugins that were loaded. */
export function createHost(entries: readonly PluginEntry[], options: PluginOptions): PluginHost {
  const byPlugin = new Map(entries.map(({ found, calls }) => [found, calls]));
  const later: Promise<PluginEntry>[] = [];
  const { signal } = options;

  return {
    plugins: entries.map(({ found }) => found),

    credentialSources: () =>
      entries.flatMap(({ found, calls }) =>
        calls && found.hooks.includes("credentials.get")
          ? [
            sourceOf(
              `the plugin ${found.name} (${printable(found.path)})`,
              async () => ({ found, calls }),
              found,
              signal,
            ),
          ]
          : []
      ),

    credentialSource: (location, name) => {
      let loading: Promise<PluginEntry> | undefined;
      const load = () => {
        if (!loading) later.push(loading = import("./load.ts").then(({ loadPlugin }) => loadPlugin(location, options)));
        return loading;
      };
      return sourceOf(name, load, undefined, signal);
    },

    check: async (hook, request) => {
      for (const { found, calls } of entries) {
        // It may have been the one that would refuse.
        if (!calls) throw notLoaded(found, "refused");
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
              return { plugin, verified: false, reason: error.message, evidence: [] };
            }
          }),
      ),

    call: async (plugin, hook, request) => {
      const entry = { found: plugin, calls: byPlugin.get(plugin) };
      return json(await callsFor(entry, hook).call(hook, request, signal));
    },

    runCommand: async (plugin, command, invocation) => {
      const calls = byPlugin.get(plugin);
      if (!calls) throw notLoaded(plugin, "plugin");
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

/** The calls of a plugin that has a hook. */
function callsFor({ found, calls }: PluginEntry, hook: FoundPlugin["hooks"][number]): PluginCalls {
  if (!calls) throw notLoaded(found, "plugin");
  if (found.hooks.includes(hook)) return calls;
  throw new SatchelError("plugin", `the plugin ${found.name} (${printable(found.path)}) has no hook ${hook}`);
}

/**
 * @param load gets the plugin, when it is needed
 * @param known what it is, if that is known already: then the source has only what the plugin has
 */
function sourceOf(
  name: string,
  load: () => Promise<PluginEntry>,
  known: FoundPlugin | undefined,
  ended: AbortSignal,
): CredentialSource {
  const has = (hook: FoundPlugin["hooks"][number]) => known === undefined || known.hooks.includes(hook);
  const signalOf = (options: CredentialSourceOptions) =>
    options.signal ? AbortSignal.any([ended, options.signal]) : ended;
  return {
    name,
    get: async (subject, options = {}) => {
      const calls = callsFor(await load(), "credentials.get");
      return (await calls.call("credentials.get", json(subject), signalOf(options))).credential;
    },
    ...(has("credentials.store") && {
      store: async (subject, credential, options = {}) => {
        const calls = callsFor(await load(), "credentials.store");
        const request = json({ ...subject, credential });
        return (await calls.call("credentials.store", request, signalOf(options))).stored;
      },
    }),
    ...(has("credentials.erase") && {
      erase: async (subject, options = {}) => {
        const calls = callsFor(await load(), "credentials.erase");
        return (await calls.call("credentials.erase", json(subject), signalOf(options))).erased;
      },
    }),
    ...(has("credentials.list") && {
      list: async (options = {}) => {
        const calls = callsFor(await load(), "credentials.list");
        return (await calls.call("credentials.list", {}, signalOf(options))).registries;
      },
    }),
  };
}

/** Requests and answers are made of what JSON can say, which their types cannot. */
function json(value: object): Json {
  return value as unknown as Json;
}

function refusal(plugin: string, reason: string): SatchelError {
  return new SatchelError("refused", `refused by the plugin ${plugin}: ${printable(reason, REASON_LENGTH)}`);
}

function notLoaded({ name, path, failure }: FoundPlugin, code: "plugin" | "refused"): SatchelError {
  const message = `the plugin ${printable(name)} (${printable(path)}) cannot be used: ${
    failure?.message ?? "not loaded"
  }`;
  return new SatchelError(code, message, {
    hint: failure?.hint ?? "Mend or remove it, or leave plugins out with --no-plugins.",
    cause: failure,
  });
}

function withCode(code: "refused", error: SatchelError): SatchelError {
  return new SatchelError(code, error.message, { hint: error.hint, cause: error });
}
