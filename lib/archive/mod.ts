/**
 * Archives: OCI image layouts and what `docker save` writes, in a tar, a compressed tar, volumes of one, or a folder; read
 * as a source to copy from, written from the plan of a copy. It must not know of stores, registries, or how anything is shown.
 *
 * @module
 */
export * from "./archive.ts";
export * from "./volumes.ts";
