import { cancelled, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { type PluginManifest, readManifest } from "./answers.ts";
import type { Hook, Json, Plugin, PluginContext } from "./contract.ts";
import type { PluginOptions } from "./host.ts";
import { type CallLimits, ERROR_LENGTH, type LoadedPlugin, tooLate } from "./loaded.ts";
import { createLog } from "./log.ts";
import { runForPlugin } from "./run.ts";

/**
 * Loads a built-in plugin. It keeps the same contract as any other, but runs in this program.
 *
 * @param name behind `builtin:`
 * @param log gets what it says
 * @throws {SatchelError} `not-found` if there is no such plugin
 */
export async function loadBuiltin(
  name: string,
  settings: { readonly [key: string]: Json },
  options: PluginOptions,
  log: (line: string) => void,
): Promise<LoadedPlugin> {
  const { environment, version, builtin } = options;
  if (!Object.hasOwn(builtin, name)) {
    throw new SatchelError("not-found", "there is no such built-in plugin", {
      hint: `There are: ${Object.keys(builtin).join(", ") || "none"}.`,
    });
  }
  const plugin = await builtin[name]();
  const { text } = createLog(log);
  const context = (signal: AbortSignal, print: (text: string) => void): PluginContext => ({
    settings,
    environment,
    version,
    signal,
    log: text,
    print,
    run: (program, args, runOptions = {}) => runForPlugin(program, args, runOptions, environment, signal),
  });
  return {
    manifest: manifestOf(plugin),
    call: async (hook, request, limits) => {
      const answer = await within(limits, (signal) => hookOf(plugin, hook)(request, context(signal, text)));
      return new TextEncoder().encode(JSON.stringify(answer));
    },
    runCommand: (name, invocation, signal) => {
      const command = plugin.commands?.find((each) => each.name === name);
      return within({ signal }, (signal) => command?.run(invocation, context(signal, options.onPrint)));
    },
    dispose: () => {},
  };
}

function manifestOf(plugin: Plugin): PluginManifest {
  const { credentials = {}, commands = [], ...rest } = plugin;
  const isHook = (entry: readonly [string, unknown]) => typeof entry[1] === "function";
  const entries = Object.entries(rest);
  const hooks = [
    ...Object.entries(credentials).filter(isHook).map(([name]) => `credentials.${name}`),
    ...entries.filter(isHook).map(([name]) => name),
  ];
  const described = commands.map((command) => ({ ...command, run: undefined }));
  const members = Object.fromEntries(entries.filter((entry) => !isHook(entry)));
  return readManifest(new TextEncoder().encode(JSON.stringify({ ...members, hooks, commands: described })));
}

function hookOf(plugin: Plugin, name: string): Hook<Json, unknown> {
  const [group, inner] = name.split(".");
  const owner = (inner === undefined ? plugin : plugin.credentials) as unknown as Record<string, Hook<Json, unknown>>;
  const key = inner ?? group;
  return (request, context) => owner[key](request, context);
}

/** Waits for something until its time is up or it is cancelled. */
async function within<T>(
  { timeout, signal }: Pick<CallLimits, "signal"> & Partial<CallLimits>,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  if (signal.aborted) throw cancelled(signal);
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let interrupt: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    const stop = (error: SatchelError) => {
      controller.abort(error);
      reject(error);
    };
    interrupt = () => stop(cancelled(signal));
    signal.addEventListener("abort", interrupt, { once: true });
    if (timeout !== undefined) timer = setTimeout(() => stop(tooLate(timeout)), timeout);
  });
  try {
    return await Promise.race([work(controller.signal), end]);
  } catch (error) {
    if (error instanceof SatchelError || !(error instanceof Error)) throw error;
    // It has thrown by the contract, which knows no SatchelError.
    throw new SatchelError("plugin", printable(error.message, ERROR_LENGTH), { cause: error });
  } finally {
    clearTimeout(timer);
    if (interrupt) signal.removeEventListener("abort", interrupt);
  }
}
