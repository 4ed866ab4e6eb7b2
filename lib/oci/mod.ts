/**
 * The formats of the OCI image and distribution specifications as checked types and pure functions.
 * It reads bytes and text that it is given and knows of no file, no network, no runtime and no command.
 *
 * @module
 */
export * from "./descriptor.ts";
export * from "./digest.ts";
export * from "./encode_index.ts";
export * from "./json.ts";
export * from "./manifest.ts";
export * from "./media_types.ts";
export * from "./platform.ts";
export * from "./reference.ts";
export * from "./unambiguous.ts";
