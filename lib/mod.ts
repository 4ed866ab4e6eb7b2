/**
 * satchel as a library: what the commands are made of. Nothing in it prints, exits, or reads the environment.
 *
 * @example Pull an image into a store
 * ```ts
 * import { content, oci, registry, store } from "./mod.ts";
 *
 * const image = oci.parseReference("trace_open:latest");
 * const target = store.openStore({ path: "/tmp/store" }).repository(image);
 * const { root } = await content.copy(registry.openRepository(image, {}), "latest", target, { tag: "latest" });
 * console.log(root.digest);
 * ```
 *
 * @module
 */
export * as archive from "./archive/mod.ts";
export * as certificates from "./certificates/mod.ts";
export * as content from "./content/mod.ts";
export * as credentials from "./credentials/mod.ts";
export * from "./error.ts";
export * as oci from "./oci/mod.ts";
export * as plugin from "./plugin/mod.ts";
export * as registry from "./registry/mod.ts";
export * as signing from "./signing/mod.ts";
export * as store from "./store/mod.ts";
