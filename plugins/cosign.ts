/**
 * cosign's signatures: the tag `sha256-<hex>.sig`, the referrer of OCI 1.1, the Sigstore bundle v0.3. `docs/signing.md` says what is
 * checked.
 *
 * @module
 */
import type { Plugin } from "../lib/plugin/contract.ts";

const plugin: Plugin = {
  contract: 1,
  name: "cosign",
  description: "Signatures in the formats of cosign and Sigstore",
  sign: async (request) => (await import("./cosign/sign.ts")).sign(request),
  verify: async (request) => (await import("./cosign/verify.ts")).verify(request),
};

export default plugin;
