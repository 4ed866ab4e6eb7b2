/**
 * The built-in plugins: what `builtin:NAME` stands for. Each keeps the contract of `lib/plugin/contract.ts` and uses nothing
 * else of satchel, so it could have been somebody else's. One that is not used is not loaded.
 *
 * @module
 */
import type { Plugin } from "../lib/plugin/contract.ts";
import type { KeyPair, KeyType } from "./cosign.ts";

export type { KeyPair, KeyType };

/** The built-in plugins by their names. */
export const BUILTIN_PLUGINS: { readonly [name: string]: () => Promise<Plugin> } = {
  "cosign": async () => (await import("./cosign.ts")).default,
  "docker-credential": async () => (await import("./docker_credential.ts")).default,
  "notation": async () => (await import("./notation.ts")).default,
};

/** Makes a pair of keys in cosign's format; loads what that takes. */
export async function makeCosignKeyPair(type: KeyType, password: string): Promise<KeyPair> {
  return await (await import("./cosign.ts")).makeKeyPair(type, password);
}
