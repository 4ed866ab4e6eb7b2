/**
 * The contract that plugins keep (`contract.ts`), and the host that finds, checks, loads and calls them.
 * It must not know what the commands do with an answer, where settings come from, or which plugins are built in.
 *
 * @module
 */
export type * from "./contract.ts";
export { cannotBeUsed } from "./entry.ts";
export { executableEnvironment, HOOKS } from "./hooks.ts";
export * from "./host.ts";
export type * from "./host_types.ts";
export * from "./names.ts";
export * from "./on_path.ts";
