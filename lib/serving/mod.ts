/**
 * What a registry server answers from: a store or archives as the repositories that lib/server asks, with what is known of damaged
 * files, the bounds of uploads, the accounts of a file, and counters. It must not know of listeners, flags or how anything is shown.
 * Archives are in archived.ts, which is loaded where there are some.
 *
 * @module
 */
export * from "./accounts.ts";
export * from "./checked_files.ts";
export * from "./metrics.ts";
export * from "./sparse_warning.ts";
export * from "./stored.ts";
export * from "./stored_writes.ts";
