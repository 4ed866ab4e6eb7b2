/**
 * What signatures need that no format of them is: reading what refers to an image, attaching to it, and what is trusted. The
 * formats are in the plugins.
 *
 * @module
 */
export * from "./attach.ts";
export * from "./collect.ts";
export * from "./committed_source.ts";
export * from "./name_pattern.ts";
export * from "./policy.ts";
export * from "./verify.ts";
