/**
 * What a gadget is made of: for now its gadget.yaml, read for people. Here is all that knows of Inspektor Gadget's own formats.
 * It must not know of images, registries, stores, or how anything is shown.
 *
 * @module
 */
export * from "./metadata.ts";
