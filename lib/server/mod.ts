/**
 * The distribution API as a server: requests in, responses out, over anything that has repositories. Here is all that
 * knows of its paths, headers and error codes. It must not know of a store, an archive, a listener or the command line.
 *
 * @module
 */
export * from "./api_error.ts";
export * from "./handler.ts";
export * from "./names.ts";
export * from "./repositories.ts";
