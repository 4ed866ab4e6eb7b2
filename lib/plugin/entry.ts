import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import type { Answers } from "./answers.ts";
import type { HookName, Json, PluginInvocation } from "./contract.ts";
import type { FoundPlugin } from "./host_types.ts";

/** A plugin that was found, and the way to call it if it could be loaded. */
export interface PluginEntry {
  found: FoundPlugin;
  calls?: PluginCalls;
}

/** The calls of one plugin. Their errors name it, its file, and what it failed in. */
export interface PluginCalls {
  /** @throws {SatchelError} `plugin`, `cancelled` */
  call<Hook extends HookName>(hook: Hook, request: Json, signal: AbortSignal): Promise<Answers[Hook]>;
  /** @throws {SatchelError} `plugin`, `cancelled` */
  runCommand(command: string, invocation: PluginInvocation): Promise<number>;
  dispose(): void;
}

/**
 * The calls of a plugin that has a hook.
 *
 * @throws {SatchelError} `plugin` if it has not, or could not be loaded
 */
export function callsFor({ found, calls }: PluginEntry, hook: HookName): PluginCalls {
  if (!calls) throw cannotBeUsed(found);
  if (found.hooks.includes(hook)) return calls;
  throw new SatchelError("plugin", `the plugin ${found.name} (${printable(found.path)}) has no hook ${hook}`);
}

/** The error for a plugin that could not be loaded, or for a command on `PATH` that is not run. */
export function cannotBeUsed({ name, path, failure }: Pick<FoundPlugin, "name" | "path" | "failure">): SatchelError {
  const which = `the plugin ${printable(name)} (${printable(path)})`;
  return new SatchelError("plugin", `${which} cannot be used: ${failure?.message ?? "it was not loaded"}`, {
    hint: failure?.hint ?? "Mend or remove it, or leave plugins out with --no-plugins.",
    cause: failure,
  });
}

/** Requests and answers are made of what JSON can say, which their types cannot. */
export function json(value: object): Json {
  return value as unknown as Json;
}
