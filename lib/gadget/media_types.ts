// Apart from what reads and writes such content: whoever only looks for it needs the names alone.

/** The media type of a gadget.yaml, which is the config of a gadget's manifests. */
export const GADGET_CONFIG_TYPE = "application/vnd.gadget.config.v1+yaml";

/** The artifact type of a gadget's manifests. */
export const GADGET_ARTIFACT_TYPE = "application/vnd.gadget.v1+binary";

/** The media types of a gadget's layers, in the order in which they stand in a manifest. */
export const LAYER_TYPES = {
  ebpf: "application/vnd.gadget.ebpf.program.v1+binary",
  wasm: "application/vnd.gadget.wasm.program.v1+binary",
  btfgen: "application/vnd.gadget.btfgen.v1+binary",
} as const;
