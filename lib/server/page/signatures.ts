import type { SignatureFormat } from "../../content/mod.ts";
import { type Descriptor, type Digest, isJsonObject, type JsonObject, type Manifest } from "../../oci/mod.ts";
import type { PageAttachment } from "./attachments.ts";
import { type PageSource, readManifest, readSmallJson } from "./read.ts";
import type { CertificateIdentity } from "./tools.ts";

/** What a signature says of itself. Nobody has verified it. */
export interface PageSignature {
  format: SignatureFormat;
  /** Of the manifest that has it. */
  digest: Digest;
  /** Whom its certificate names, if it has one. */
  identity?: CertificateIdentity;
  /** What its key or certificate is known by, if it says so. */
  key?: string;
}

/** How many signatures of an image are read, and how many in one manifest. */
const MAX_SIGNATURES = 20;

/** The longest certificate that is looked at, in characters of PEM or base64. */
const MAX_CERTIFICATE = 32 * 1024;

/** The longest name of a key that is shown, in UTF-16 units. */
const MAX_KEY = 100;

const COSIGN_SIGNATURE = "dev.cosignproject.cosign/signature";
const COSIGN_CERTIFICATE = "dev.sigstore.cosign/certificate";
const NOTATION_THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256";

/** Reads what the signatures among what refers to an image say of themselves. */
export async function signaturesOf(
  source: PageSource,
  attachments: readonly PageAttachment[],
): Promise<PageSignature[]> {
  const found: PageSignature[] = [];
  for (const { format, descriptor: { digest } } of attachments) {
    if (!format || found.length >= MAX_SIGNATURES) continue;
    const read = await readManifest(source, digest);
    const said = read.state === "ok" ? await READERS[format](source, read.manifest) : [];
    // One that cannot be read is one nevertheless.
    for (const each of said.length > 0 ? said : [{}]) found.push({ format, digest, ...each });
  }
  return found.slice(0, MAX_SIGNATURES);
}

/** What one signature says. */
type Said = Pick<PageSignature, "identity" | "key">;

const READERS: Readonly<
  Record<SignatureFormat, (source: PageSource, manifest: Manifest) => Promise<Said[]> | Said[]>
> = {
  "cosign-tag": cosignSignatures,
  "cosign-referrer": cosignSignatures,
  "sigstore-bundle": readBundle,
  "notation": readNotation,
};

/** cosign's own format: each layer is a signature, its certificate an annotation. */
function cosignSignatures({ tools }: PageSource, manifest: Manifest): Said[] {
  return layersOf(manifest).filter(({ annotations }) => annotations?.[COSIGN_SIGNATURE] !== undefined).map(
    ({ annotations }) => identified(tools, annotations?.[COSIGN_CERTIFICATE]),
  );
}

/** A Sigstore bundle (sigstore/protobuf-specs, `sigstore_bundle.proto`): JSON with the certificate, or a hint of the key. */
async function readBundle(source: PageSource, manifest: Manifest): Promise<Said[]> {
  const [layer] = layersOf(manifest);
  const bundle = objectOf(layer && await readSmallJson(source, layer.digest));
  const material = objectOf(bundle.verificationMaterial);
  const [first] = listOf(objectOf(material.x509CertificateChain).certificates);
  const certificate = objectOf(material.certificate).rawBytes ?? objectOf(first).rawBytes;
  const { hint } = objectOf(material.publicKey);
  const said = identified(source.tools, fromBase64(certificate));
  return [typeof hint === "string" && hint !== "" ? { ...said, key: hint.slice(0, MAX_KEY) } : said];
}

/** Notary Project's signature: a JWS with its chain of certificates, or COSE, of which the thumbprints are in an annotation. */
async function readNotation(source: PageSource, manifest: Manifest): Promise<Said[]> {
  const [layer] = layersOf(manifest);
  const isJws = layer?.mediaType === "application/jose+json";
  const envelope = objectOf(isJws ? await readSmallJson(source, layer.digest) : undefined);
  const said = identified(source.tools, fromBase64(listOf(objectOf(envelope.header).x5c)[0]));
  const [, thumbprint] = /"([0-9a-f]{64})"/.exec(manifest.annotations[NOTATION_THUMBPRINTS] ?? "") ?? [];
  return [thumbprint === undefined ? said : { ...said, key: `sha256:${thumbprint}` }];
}

/** @param certificate PEM text or DER; anything else is none */
function identified({ identityOf }: PageSource["tools"], certificate: string | Uint8Array | undefined): Said {
  if (certificate === undefined || certificate.length > MAX_CERTIFICATE) return {};
  const identity = identityOf(certificate);
  return identity ? { identity } : {};
}

/** The layers of an image, whose first child is the config; the blobs of an artifact. */
function layersOf({ kind, children }: Manifest): readonly Descriptor[] {
  return (kind === "artifact" ? children : children.slice(1)).slice(0, MAX_SIGNATURES);
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fromBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string" || value.length > MAX_CERTIFICATE || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    return undefined;
  }
  try {
    return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
