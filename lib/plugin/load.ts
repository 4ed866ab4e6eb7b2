import { hasCode, SatchelError, withContext } from "../error.ts";
import { printable } from "../printable.ts";
import { readAnswer } from "./answers.ts";
import { loadBuiltin } from "./builtin.ts";
import type { HookName } from "./contract.ts";
import type { PluginCalls, PluginEntry } from "./entry.ts";
import { loadExecutable } from "./executable.ts";
import { type Candidate, candidateAt, fileName, findPlugins } from "./find.ts";
import { CONTRACT } from "./hooks.ts";
import type { PluginLocation, PluginOptions } from "./host_types.ts";
import type { LoadedPlugin } from "./loaded.ts";
import { loadModule } from "./module.ts";

/** How long a hook may take, in milliseconds, where nobody says otherwise. */
const HOOK_TIMEOUT = 30_000;

/** The same for hooks of credentials: a helper may wait for a PIN, or for a code to be typed on another device. */
const CREDENTIALS_TIMEOUT = 120_000;

/** Finds and loads all plugins, in their order. */
export async function loadPlugins(options: PluginOptions): Promise<PluginEntry[]> {
  const results = await Promise.allSettled(findPlugins(options).map((candidate) => loadCandidate(candidate, options)));
  const entries = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) {
    for (const { calls } of entries) calls?.dispose();
    throw failed.reason;
  }
  return entries.map((entry, index) => {
    const { name, failure } = entry.found;
    const first = entries.slice(0, index).find(({ found }) => found.name === name && !found.failure);
    return failure || !first ? entry : withoutSecond(entry, first);
  });
}

/** Loads one plugin that somebody named. */
export function loadPlugin(location: PluginLocation, options: PluginOptions): Promise<PluginEntry> {
  return loadCandidate(candidateAt(location), options);
}

/** @throws {SatchelError} `cancelled`; any other failure is in the result */
async function loadCandidate(candidate: Candidate, options: PluginOptions): Promise<PluginEntry> {
  const { form, path, from } = candidate;
  let name = fileName(path);
  const unusable = (failure: SatchelError): PluginEntry => ({
    found: { name, form, path, from, hooks: [], commands: [], failure },
  });
  if (candidate.failure) return unusable(candidate.failure);
  try {
    const plugin = await load(candidate, options, (line) => options.onLog(name, line));
    const { hooks, commands, description, version } = plugin.manifest;
    name = plugin.manifest.name;
    return {
      found: {
        name,
        form,
        path,
        from,
        contract: CONTRACT,
        ...(description !== undefined && { description }),
        ...(version !== undefined && { version }),
        hooks,
        commands,
      },
      calls: callsOf(name, candidate, plugin, options),
    };
  } catch (error) {
    if (error instanceof SatchelError && error.code !== "cancelled") return unusable(asPluginError(error));
    throw error;
  }
}

function load(
  { form, path, realPath, settings }: Candidate,
  options: PluginOptions,
  log: (line: string) => void,
): Promise<LoadedPlugin> {
  if (form === "builtin") return loadBuiltin(fileName(path), settings, options, log);
  if (form === "module") return loadModule(realPath, settings, options, log);
  return loadExecutable(path, settings, options, log);
}

function callsOf(
  name: string,
  { path, timeout }: Candidate,
  plugin: LoadedPlugin,
  options: PluginOptions,
): PluginCalls {
  const log = (line: string) => options.onLog(name, line);
  const timeoutOf = (hook: HookName) => timeout ?? options.timeout ?? defaultTimeout(hook);
  const within = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SatchelError) || hasCode(error, "cancelled")) throw error;
      throw withContext(`the plugin ${name} (${printable(path)}) failed in ${what}`, asPluginError(error));
    }
  };
  return {
    call: (hook, request, signal) =>
      within(
        hook,
        async () => readAnswer(hook, await plugin.call(hook, request, { timeout: timeoutOf(hook), signal }), log),
      ),
    runCommand: (command, invocation) =>
      within(`the command ${command}`, async () => {
        if (!plugin.runCommand) throw new SatchelError("plugin", "it has no commands of its own");
        return statusOf(await plugin.runCommand(command, invocation, options.signal));
      }),
    dispose: plugin.dispose,
  };
}

function defaultTimeout(hook: HookName): number {
  return hook.startsWith("credentials.") ? CREDENTIALS_TIMEOUT : HOOK_TIMEOUT;
}

function statusOf(returned: unknown): number {
  if (returned === undefined || returned === null) return 0;
  if (Number.isInteger(returned) && (returned as number) >= 0 && (returned as number) <= 255) return returned as number;
  throw new SatchelError("plugin", "what it returned is no exit status from 0 to 255");
}

/** Whatever is wrong with a plugin is a failure of the plugin, and not of what satchel was asked. */
function asPluginError(error: SatchelError): SatchelError {
  return new SatchelError("plugin", error.message, { hint: error.hint, cause: error });
}

/** Two plugins of one name could not be told apart. */
function withoutSecond({ found, calls }: PluginEntry, first: PluginEntry): PluginEntry {
  calls?.dispose();
  const failure = new SatchelError(
    "plugin",
    `the name ${found.name} belongs to ${printable(first.found.path)}, so ${printable(found.path)} is not used`,
    { hint: "Give one of them another name, or remove it." },
  );
  return { found: { ...found, hooks: [], commands: [], failure } };
}
