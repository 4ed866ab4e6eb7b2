/**
 * The built-in plugins: what `builtin:NAME` stands for. Each keeps the contract of `lib/plugin/contract.ts` and uses nothing
 * else of satchel, so it could have been somebody else's. One that is not used is not loaded.
 *
 * @module
 */
import type { Plugin } from "../lib/plugin/contract.ts";

/** The built-in plugins by their names. */
export const BUILTIN_PLUGINS: { readonly [name: string]: () => Promise<Plugin> } = {
  "cosign": async () => (await import("./cosign.ts")).default,
  "docker-credential": async () => (await import("./docker_credential.ts")).default,
};
