/**
 * The store: an OCI image layout on disk that `ig` and satchel use at the same time. Here is all that knows of its
 * files, its lock and its index. It must not know of registries, commands or how anything is shown.
 *
 * @module
 */
export * from "./store.ts";
