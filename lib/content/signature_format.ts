import type { Annotations } from "../oci/mod.ts";
import type { CopiedAttachment } from "./copy_options.ts";

/**
 * How a signature is kept.
 *
 * - `cosign-tag`: in the manifest that is named `sha256-<hex>.sig`
 * - `cosign-referrer`: in a referrer of cosign's own artifact type (cosign 2, OCI 1.1)
 * - `sigstore-bundle`: in a referrer that is a Sigstore bundle (cosign 3)
 * - `notation`: in a referrer of Notary Project's type
 */
export type SignatureFormat = "cosign-tag" | "cosign-referrer" | "sigstore-bundle" | "notation";

/** Says what a Sigstore bundle states; a signature by cosign is one such statement, an attestation another. */
const PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType";
const COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1";

/**
 * The format of what refers to an image, if it looks like a signature; whether it is a valid one is another question.
 *
 * @param annotations those of its manifest
 */
export function signatureFormat(
  { tag, artifactType }: Pick<CopiedAttachment, "tag" | "artifactType">,
  annotations: Annotations,
): SignatureFormat | undefined {
  if (tag !== undefined) return tag.endsWith(".sig") ? "cosign-tag" : undefined;
  if (artifactType === "application/vnd.dev.cosign.artifact.sig.v1+json") return "cosign-referrer";
  if (artifactType === "application/vnd.cncf.notary.signature") return "notation";
  if (!artifactType?.startsWith("application/vnd.dev.sigstore.bundle")) return undefined;
  const predicate = annotations[PREDICATE_ANNOTATION];
  return predicate === undefined || predicate === COSIGN_SIGNATURE ? "sigstore-bundle" : undefined;
}
