/**
 * The pages for people: what is served, as HTML made here of checked data. Works over all that has repositories. It must not know of
 * a store, an archive, or what a gadget.yaml, a certificate or an age is: that it is told.
 *
 * @module
 */
export * from "./error_page.ts";
export * from "./page.ts";
export type * from "./tools.ts";
