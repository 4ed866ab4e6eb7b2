/**
 * A Sigstore of the test's own, in memory: certificates of all kinds, good and bad, transparency logs and timestamps. It is written by
 * the specifications and uses no library, so that a test does not check one by itself.
 *
 * @module
 */
export * from "./authority.ts";
export { KEY_ENCIPHERMENT, type KeyPair, makeKeyPair, pemOf } from "./certificate.ts";
export * as der from "./der.ts";
export { canonical, type LogBody, type LogEntryJson } from "./logs.ts";
export { makeTimestampAuthority } from "./timestamps.ts";
export { identityToken, serveSigstore, type SigstoreServices } from "./services.ts";
