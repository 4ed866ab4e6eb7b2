/**
 * cosign's signatures: the tag `sha256-<hex>.sig`, the referrer of OCI 1.1, the Sigstore bundle v0.3. `docs/signing.md` says what is
 * checked.
 *
 * @module
 */
import type { Plugin } from "../lib/plugin/contract.ts";
import type { KeyPair, KeyType } from "./cosign/key_pair.ts";

export type { KeyPair, KeyType };

const plugin: Plugin = {
  contract: 1,
  name: "cosign",
  description: "Signatures in the formats of cosign and Sigstore",
  sign: async (request) => (await import("./cosign/sign.ts")).sign(request),
  verify: async (request) => (await import("./cosign/verify.ts")).verify(request),
};

export default plugin;

/** Makes a pair of keys for `satchel key generate`. It is no hook: no plugin of somebody else's has to make keys. */
export async function makeKeyPair(type: KeyType, password: string): Promise<KeyPair> {
  return await (await import("./cosign/key_pair.ts")).makeKeyPair(type, password);
}
