import { type ErrorCode, SatchelError } from "../../lib/error.ts";
import { cannotBeUsed, type FoundPlugin } from "../../lib/plugin/mod.ts";

/** What is wrong on the user's side, and so has a status of its own; anything else is a failure of the plugin. */
const CODES: Partial<Record<ErrorCode, ErrorCode>> = { "not-found": "usage", usage: "usage", refused: "refused" };

/** The error for a plugin that somebody asked for and that could not be loaded: `usage`, `refused` or `plugin`. */
export function unusable(plugin: FoundPlugin): SatchelError {
  const { message, hint } = cannotBeUsed(plugin);
  const code = CODES[plugin.failure?.code ?? "plugin"] ?? "plugin";
  return new SatchelError(code, message, { hint, cause: plugin.failure });
}
