import type { Environment, Invocation } from "../line/invocation.ts";
import { textOf } from "../line/flags.ts";

/** The flags that name a private key. */
const KEY_FLAGS = ["key", "notation-key"];

/**
 * The environment that plugins, and programs that they run, get where something is signed: without the private key and its password, which are
 * for satchel alone. Where a plugin has the key itself, all of it.
 */
export function pluginEnvironment({ flags, environment }: Pick<Invocation, "flags" | "environment">): Environment {
  const keys = KEY_FLAGS.map((name) => textOf(flags, name)?.trim() ?? "");
  if (keys.some((key) => key.startsWith("plugin:"))) return environment;
  const secrets = ["COSIGN_PASSWORD", ...keys.flatMap((key) => /^env:\/\/(.+)$/s.exec(key)?.[1] ?? [])];
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secrets.includes(name)));
}
