/**
 * Where accounts for registries come from: auth files in Docker's format, in a fixed order.
 * It must not know how a registry asks for them, and never prints or logs what it finds.
 *
 * @module
 */
export * from "./auth_file.ts";
export * from "./lookup.ts";
