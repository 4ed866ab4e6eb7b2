import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Artifact, ArtifactLayer, SignRequest } from "../../lib/plugin/contract.ts";
import type { PrivateKey } from "../signing/private_key.ts";
import { signBytes } from "./sign_bytes.ts";
import { sorted } from "./sign_bundle.ts";
import { PAYLOAD_TYPE, SIGNATURE_ANNOTATION, SIGNATURE_TYPE } from "./simple_signing.ts";

const ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";

/** A signature as cosign 1 and 2 write it: tied to the image by the tag `sha256-<hex>.sig`. */
export function taggedSignature(request: SignRequest, key: PrivateKey): Artifact {
  const layer = signedLayer(request, key);
  return {
    artifactType: CONFIG_TYPE,
    layers: [layer],
    config: { mediaType: CONFIG_TYPE, data: configOf(layer) },
    tag: `${request.subject.digest.replace(":", "-")}.sig`,
  };
}

/** The same as a referrer, as cosign writes it with `--registry-referrers-mode=oci-1-1`. */
export function referringSignature(request: SignRequest, key: PrivateKey): Artifact {
  const layer = signedLayer(request, key);
  return { artifactType: ARTIFACT_TYPE, layers: [layer], config: { mediaType: ARTIFACT_TYPE, data: configOf(layer) } };
}

function signedLayer(request: SignRequest, key: PrivateKey): ArtifactLayer {
  const payload = new TextEncoder().encode(payloadOf(request));
  return {
    mediaType: PAYLOAD_TYPE,
    data: Buffer.from(payload).toString("base64"),
    annotations: { [SIGNATURE_ANNOTATION]: Buffer.from(signBytes(key, payload)).toString("base64") },
  };
}

/** "Simple signing" of containers/image, with the bytes that cosign would write. */
function payloadOf({ reference, subject, annotations }: SignRequest): string {
  const optional = Object.keys(annotations).length === 0 ? null : sorted(annotations);
  const critical = {
    identity: { "docker-reference": repositoryOf(reference) },
    image: { "docker-manifest-digest": subject.digest },
    type: SIGNATURE_TYPE,
  };
  // Go's encoder escapes what would mean something in HTML.
  return JSON.stringify({ critical, optional })
    .replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The name without tag and digest; cosign calls Docker Hub by the name that it has for indexes. */
function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/s, "").replace(/:[^:/]*$/, "").replace(/^docker\.io\//, "index.docker.io/");
}

/** A config that is none: its only content is what the manifest has as layers. */
function configOf(layer: ArtifactLayer): string {
  const diffId = `sha256:${createHash("sha256").update(Buffer.from(layer.data, "base64")).digest("hex")}`;
  const created = "0001-01-01T00:00:00Z";
  const config = {
    architecture: "",
    created,
    history: [{ created }],
    os: "",
    rootfs: { type: "layers", diff_ids: [diffId] },
    config: {},
  };
  return Buffer.from(JSON.stringify(config)).toString("base64");
}
