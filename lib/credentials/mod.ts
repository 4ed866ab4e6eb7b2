/**
 * Where accounts for registries come from and where they are kept: plugins, auth files in Docker's format, and the helpers
 * that those name, in a fixed order.
 * It must not know how a registry asks for them or how a helper is run, and never prints or logs what it finds.
 *
 * @module
 */
export * from "./auth_file.ts";
export * from "./auth_file_edit.ts";
export * from "./auth_files.ts";
export * from "./forget.ts";
export * from "./helpers.ts";
export * from "./keep.ts";
export * from "./lookup.ts";
export * from "./place.ts";
export * from "./registry_key.ts";
