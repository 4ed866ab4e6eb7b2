/**
 * Folders of certificates for registries, as containers-certs.d(5) and Docker have them, and which host gets what of them.
 * It must not know how a connection is made, or what is asked over it.
 *
 * @module
 */
export type { ClientCertificate, TlsLookup, TlsOptions } from "../runtime/tls.ts";
export * from "./folder.ts";
export * from "./lookup.ts";
export * from "./places.ts";
