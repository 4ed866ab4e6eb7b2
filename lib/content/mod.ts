/**
 * Every transfer is one operation: copy a graph of content from a source to a target. Here are the interfaces of the
 * two, and the one engine that knows about graphs, concurrency, deduplication, progress and what refers to an image.
 * It must not know which medium it reads or writes: no URLs, no paths, no index.json, no tar.
 *
 * @module
 */
export * from "./any_place.ts";
export * from "./attachments.ts";
export * from "./bytes.ts";
export * from "./content.ts";
export * from "./copy.ts";
export * from "./copy_options.ts";
export * from "./gate.ts";
export * from "./keeping_nothing.ts";
export * from "./lacking.ts";
export * from "./listed_children.ts";
export * from "./memory.ts";
export * from "./plan.ts";
export * from "./platforms.ts";
export * from "./read_ahead.ts";
export * from "./remembering.ts";
export * from "./signature_format.ts";
