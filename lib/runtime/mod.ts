/**
 * The only place that knows Deno from Bun: file locks, hashes, TLS options, the process itself, pauses.
 * It must not know what satchel does with them.
 *
 * @module
 */
export * from "./bcrypt.ts";
export * from "./companion.ts";
export * from "./exec.ts";
export * from "./file_hasher.ts";
export * from "./flock.ts";
export * from "./hash.ts";
export * from "./hash_aside.ts";
export * from "./http.ts";
export * from "./pause.ts";
export * from "./peer_certificate.ts";
export * from "./process.ts";
export * from "./serve.ts";
export * from "./sync_file_system.ts";
export * from "./tls.ts";
export * from "./worker.ts";
export * from "./x509.ts";
