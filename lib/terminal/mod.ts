/**
 * Everything that draws: columns, ages, sizes, progress bars, questions.
 * It must not know what is drawn: no registries, no stores, no commands, and no environment but what it is told.
 *
 * @module
 */
export * from "./age.ts";
export * from "./bytes.ts";
export * from "./columns.ts";
export * from "./progress.ts";
export * from "./prompt.ts";
export * from "./stdin.ts";
export * from "./streams.ts";
