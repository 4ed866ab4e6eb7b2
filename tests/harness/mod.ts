/**
 * What the end-to-end tests stand on: the built binary, real registries and clients on ports of their own, scratch
 * folders, and images made in memory. Nothing here uses satchel's own code, so that a test does not check satchel by
 * itself.
 *
 * @module
 */
export * from "./accounts.ts";
export * from "./bpf.ts";
export * from "./certificates.ts";
export * from "./clients.ts";
export * from "./containerd.ts";
export * from "./cosign.ts";
export * from "./gadget.ts";
export * from "./http_proxy.ts";
export * from "./notation.ts";
export * from "./paths.ts";
export * from "./peers.ts";
export * from "./podman.ts";
export * from "./process.ts";
export * from "./registry.ts";
export * from "./satchel.ts";
export * from "./scratch.ts";
export * from "./serve.ts";
export * from "./tcp_proxy.ts";
export * from "./token_service.ts";
