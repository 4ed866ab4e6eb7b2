/**
 * A client of the OCI distribution API 1.1 on fetch: one repository of a registry as a Source and a Target, with
 * authentication, redirects, retries, resumed transfers, uploads and referrers.
 * It must not know of graphs, of the store, of files, or of the command line.
 *
 * @module
 */
export * from "./account.ts";
export * from "./mirror_place.ts";
export * from "./mirror_rules.ts";
export * from "./mirrors.ts";
export * from "./options.ts";
export * from "./pull_source.ts";
export * from "./repository.ts";
