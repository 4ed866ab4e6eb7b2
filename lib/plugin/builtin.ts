import { cancelled, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { evaluateText } from "../runtime/worker.ts";
import type { CommandContext, Json, PluginContext } from "./contract.ts";
import { execForPlugin } from "./exec.ts";
import { satchelInfo } from "./hooks.ts";
import type { PluginOptions } from "./host_types.ts";
import { type CallLimits, ERROR_LENGTH, type LoadedPlugin, tooLate } from "./loaded.ts";
import { createLog } from "./log.ts";
import { readManifest } from "./manifest.ts";
// As text, which the worker of modules needs too: Bun cannot bundle one file both as text and as code.
import source from "./plugin_object.ts" with { type: "text" };

/**
 * Loads a built-in plugin. It keeps the same contract as any other, but runs in this program, and the programs that it runs may ask
 * somebody at the terminal.
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
  const { environment, version, builtin, onPrint } = options;
  if (!Object.hasOwn(builtin, name)) {
    throw new SatchelError("not-found", "there is no such built-in plugin", {
      hint: `There are: ${Object.keys(builtin).join(", ") || "none"}.`,
    });
  }
  const readPlugin = evaluateText<typeof import("./plugin_object.ts").readPlugin>(source, "readPlugin");
  const plugin = readPlugin(await builtin[name](), satchelInfo(version));
  const { text } = createLog(log);
  const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value) ?? "null");
  const context = (signal: AbortSignal): PluginContext => ({
    settings,
    environment,
    version,
    signal,
    log: text,
    exec: (program, args, execOptions = {}) =>
      execForPlugin(program, args, execOptions, { environment, signal, terminal: "shared" }),
  });
  return {
    manifest: readManifest(bytesOf(plugin.manifest), "module", log),
    call: (hook, request, limits) =>
      within(limits, async (signal) => bytesOf(await plugin.call(hook, request, context(signal)))),
    runCommand: (name, invocation, signal) =>
      within({ signal }, (signal) => {
        const commandContext: CommandContext = { ...context(signal), print: onPrint };
        return plugin.runCommand(name, invocation, commandContext);
      }),
    dispose: () => {},
  };
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
