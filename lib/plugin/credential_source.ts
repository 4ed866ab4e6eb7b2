import type { CredentialSource, CredentialSourceOptions } from "../credential.ts";
import type { HookName } from "./contract.ts";
import { callsFor, json, type PluginEntry } from "./entry.ts";

/**
 * The `credentials` hooks of a plugin as a place where accounts are kept. Of a plugin that is known it has what the plugin has;
 * of one that could not be loaded, everything, and everything fails.
 *
 * @param name what the source is called
 * @param plugin gets the plugin when it is needed, if it is not known yet
 * @param ended ends every call
 */
export function credentialSource(
  name: string,
  plugin: PluginEntry | (() => Promise<PluginEntry>),
  ended: AbortSignal,
): CredentialSource {
  const known = typeof plugin === "function" ? undefined : plugin.found;
  const has = (hook: HookName) => !known || known.failure !== undefined || known.hooks.includes(hook);
  const callsWith = async (hook: HookName) => callsFor(typeof plugin === "function" ? await plugin() : plugin, hook);
  const signalOf = (options: CredentialSourceOptions) =>
    options.signal ? AbortSignal.any([ended, options.signal]) : ended;
  return {
    name,
    get: async (subject, options = {}) => {
      const calls = await callsWith("credentials.get");
      return (await calls.call("credentials.get", json(subject), signalOf(options))).credential;
    },
    ...(has("credentials.store") && {
      store: async (subject, credential, options = {}) => {
        const calls = await callsWith("credentials.store");
        const request = json({ ...subject, credential });
        return (await calls.call("credentials.store", request, signalOf(options))).stored;
      },
    }),
    ...(has("credentials.erase") && {
      erase: async (subject, options = {}) => {
        const calls = await callsWith("credentials.erase");
        return (await calls.call("credentials.erase", json(subject), signalOf(options))).erased;
      },
    }),
    ...(has("credentials.list") && {
      list: async (options = {}) => {
        const calls = await callsWith("credentials.list");
        return (await calls.call("credentials.list", {}, signalOf(options))).registries;
      },
    }),
  };
}
