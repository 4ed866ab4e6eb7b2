/**
 * Notary Project's signatures, as notation makes them: JWS and COSE envelopes, judged by a trust policy. `docs/signing.md` says what is
 * checked.
 *
 * @module
 */
import type { Plugin } from "../lib/plugin/contract.ts";

const plugin: Plugin = {
  contract: 1,
  name: "notation",
  description: "Signatures in the formats of Notary Project (notation)",
  sign: async (request, { version }) => (await import("./notation/sign.ts")).sign(request, version),
  verify: async (request) => (await import("./notation/verify.ts")).verify(request),
};

export default plugin;
