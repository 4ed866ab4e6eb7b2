import { SatchelError } from "../error.ts";
import type { HookName, Json, PluginInvocation } from "./contract.ts";
import type { PluginManifest } from "./manifest.ts";

/** A plugin that can be called, whatever its form. What it answers has not been checked yet. */
export interface LoadedPlugin {
  readonly manifest: PluginManifest;

  /**
   * Calls a hook that the manifest names.
   *
   * @returns the answer as JSON
   * @throws {SatchelError} `plugin` or `program` if it fails or takes too long, `cancelled`
   */
  call(hook: HookName, request: Json, limits: CallLimits): Promise<Uint8Array>;

  /**
   * Runs a subcommand that the manifest names. Executables have none.
   *
   * @returns what it returned
   * @throws {SatchelError} `plugin` if it fails, `cancelled`
   */
  runCommand?(command: string, invocation: PluginInvocation, signal: AbortSignal): Promise<unknown>;

  /** Ends what still runs of it. */
  dispose(): void;
}

/** What a call may take. */
export interface CallLimits {
  /** Milliseconds. */
  timeout: number;
  signal: AbortSignal;
}

/** How much of an error of a plugin is shown, in UTF-16 units. */
export const ERROR_LENGTH = 1000;

/** How long a plugin may take to say what it is, in milliseconds, where nobody says otherwise. */
export const LOAD_TIMEOUT = 5000;

/** The error for a plugin that has used up its time. */
export function tooLate(timeout: number): SatchelError {
  return new SatchelError("plugin", `it did not answer within ${timeout / 1000} s`);
}
