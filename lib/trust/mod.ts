/**
 * Whom a file may be believed: who owns it and its folders, who may write to them, where links lead; users and groups.
 * It must not know what the file is for.
 *
 * @module
 */
export * from "./accounts.ts";
export * from "./trust.ts";
