import { SatchelError } from "../../lib/error.ts";
import { isRegistry } from "../../lib/oci/reference.ts";
import type { MirrorRule } from "../../lib/registry/mod.ts";
import type { ConfigFile, LoadedConfig } from "./config_file.ts";
import { concurrencyOf, durationOf, type FlagValues, listOf, pathOf, splitList } from "../line/flags.ts";
import type { Environment } from "../line/invocation.ts";

/** A value, and where it comes from: `--store`, `SATCHEL_STORE`, `/etc/satchel/config.yaml:3`, {@link DEFAULT}. */
export interface Sourced<T> {
  value: T;
  from: string;
}

/** Stands for a value that nobody gave. */
export const DEFAULT = "default";

/** What a configuration file may set, but for plugins, by whoever has the last word about it. */
export interface Effective {
  store: Sourced<string | undefined>;
  authfile: Sourced<string | undefined>;
  insecureRegistries: Sourced<readonly string[]>;
  mirrors: Sourced<readonly MirrorRule[]>;
  concurrency: Sourced<number | undefined>;
  /** In milliseconds. */
  lockTimeout: Sourced<number | undefined>;
}

/**
 * The value of each key: flags come before the environment, that before configuration files. Insecure registries of all three
 * add up.
 *
 * @throws {SatchelError} `usage` for values that make no sense
 */
export function effectiveValues(flags: FlagValues, environment: Environment, config: LoadedConfig): Effective {
  const flag = <T>(name: string, value: T | undefined) => sourced(value, `--${name}`);
  const variable = (name: string) => sourced(environment[name] || undefined, name);
  const file = <Key extends keyof ConfigFile>(key: Key) =>
    sourced(config.values[key] ?? undefined, config.places[key] ?? "");
  const nobody = { value: undefined, from: DEFAULT };
  return {
    store: flag("store", pathOf(flags, "store")) ?? variable("SATCHEL_STORE") ?? file("store") ?? nobody,
    authfile: flag("authfile", pathOf(flags, "authfile")) ?? variable("REGISTRY_AUTH_FILE") ?? file("authfile") ??
      nobody,
    insecureRegistries: together([
      registries(listOf(flags, "insecure-registries"), "--insecure-registries"),
      registries(splitList(environment.SATCHEL_INSECURE_REGISTRIES ?? ""), "SATCHEL_INSECURE_REGISTRIES"),
      file("insecureRegistries"),
    ]),
    mirrors: file("mirrors") ?? { value: [], from: DEFAULT },
    concurrency: flag("concurrency", concurrencyOf(flags, "concurrency")) ?? file("concurrency") ?? nobody,
    lockTimeout: flag("lock-timeout", durationOf(flags, "lock-timeout")) ?? file("lockTimeout") ?? nobody,
  };
}

/** Lists that add up, and where they come from, those that are empty left out. */
export function together<T>(lists: readonly (Sourced<readonly T[]> | undefined)[]): Sourced<readonly T[]> {
  const given = lists.flatMap((list) => list && list.value.length > 0 ? [list] : []);
  const from = [...new Set(given.map((list) => list.from))];
  return { value: given.flatMap(({ value }) => value), from: from.length === 0 ? DEFAULT : from.join(", ") };
}

function sourced<T>(value: T | undefined, from: string): Sourced<T> | undefined {
  return value === undefined ? undefined : { value, from };
}

/** Checks names of registries, and makes them lower case. */
function registries(entries: readonly string[], from: string): Sourced<string[]> {
  const value = entries.map((entry) => {
    if (isRegistry(entry)) return entry.toLowerCase();
    throw new SatchelError("usage", `invalid registry ${JSON.stringify(entry)} in ${from}`, {
      hint: "Write host or host:port, without a scheme and without a path.",
    });
  });
  return { value, from };
}
