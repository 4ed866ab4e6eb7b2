/** What an artifact is, for people. */
export interface Kind {
  label: string;
  isGadget: boolean;
  /** Whether container engines run it. */
  isContainer: boolean;
}

/** The longest type that is shown, in UTF-16 units. */
const MAX_TYPE = 150;

const CONTAINERS = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

const LABELS: Readonly<Record<string, string>> = {
  "application/vnd.cncf.helm.config.v1+json": "Helm chart",
  "application/vnd.wasm.config.v0+json": "WebAssembly module",
  "application/vnd.dev.cosign.artifact.sig.v1+json": "Signature by cosign",
  "application/vnd.cncf.notary.signature": "Signature by Notation",
  "application/vnd.in-toto+json": "Attestation",
  "application/spdx+json": "Bill of materials (SPDX)",
  "text/spdx+json": "Bill of materials (SPDX)",
  "application/vnd.cyclonedx+json": "Bill of materials (CycloneDX)",
};

/** @param artifactType that of the manifest, else the type of its config */
export function kindOf(artifactType: string | undefined): Kind {
  const type = artifactType ?? "";
  if (type.startsWith("application/vnd.gadget.")) return { label: "Gadget", isGadget: true, isContainer: false };
  if (CONTAINERS.includes(type)) return { label: "Container image", isGadget: false, isContainer: true };
  const isBundle = type.startsWith("application/vnd.dev.sigstore.bundle");
  const label = LABELS[type] ?? (isBundle ? "Sigstore bundle" : type.slice(0, MAX_TYPE) || "of an unknown kind");
  return { label, isGadget: false, isContainer: false };
}
