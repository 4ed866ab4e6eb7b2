/**
 * The distribution API as a server: requests in, responses out, over anything that has repositories. Here is all that
 * knows of its paths, headers and error codes. It must not know of a store, an archive, a listener or the command line.
 *
 * @module
 */
export * from "./api_error.ts";
export type { AccessRules, Accounts } from "./authorization.ts";
export type { Exchange } from "./exchange.ts";
export * from "./handler.ts";
export * from "./htpasswd.ts";
export * from "./htpasswd_accounts.ts";
export * from "./names.ts";
export * from "./repositories.ts";
