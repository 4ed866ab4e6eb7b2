import { Buffer } from "node:buffer";
import { sign as signBytes } from "node:crypto";
import type { Artifact, SignAnswer, SignRequest } from "../../lib/plugin/contract.ts";
import { signEcdsa } from "../signing/ecdsa.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { type PrivateKey, readPrivateKey } from "../signing/private_key.ts";
import { type Algorithm, algorithmOf, withScheme } from "./algorithm.ts";
import { type Certificate, readPemCertificates, thumbprint } from "./certificate.ts";
import { checkChain, findInvalidAt } from "./chain.ts";
import { Header, PAYLOAD_TYPE } from "./envelope.ts";
import { JWS_TYPE, readJws } from "./jws.ts";
import { verifyIntegrity } from "./judge.ts";
import { SIGNATURE_TYPE } from "./signature_type.ts";
import { formatTime } from "./time.ts";

/** In the manifest: SHA-256 of each certificate. */
const THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256";

const CREATED = "org.opencontainers.image.created";

/** Names of annotations that are Notary Project's own. */
const RESERVED = "io.cncf.notary";

/**
 * Signs an image as notation does: a JWS envelope by the scheme `notary.x509`, with all certificates in it. By ECDSA the same request
 * gives the same bytes; RSASSA-PSS takes a random salt.
 *
 * @param version of satchel, which the signature names as what made it
 * @throws {Error} if the key or the certificates are not such that signatures are made by them, or do not belong together
 */
export function sign(request: SignRequest, version: string): SignAnswer {
  const { subject, annotations, time, format = "jws" } = request;
  if (format !== "jws") throw new FormatError(`notation's signatures are not made in the format ${format}, but in jws`);
  const reserved = Object.keys(annotations).find((name) => name.startsWith(RESERVED));
  if (reserved !== undefined) {
    throw new FormatError(`the annotation ${quoted(reserved)} is reserved for Notary Project`);
  }
  if (request.key === undefined) throw new FormatError("there is no key to sign with");
  const key = readPrivateKey(request.key, request.password);
  const signingTime = new Date(time * 1000);
  const chain = readChain(request, signingTime);
  if (!key.public.equals(chain[0].key)) throw new FormatError("the key is not that of the first certificate");
  const algorithm = algorithmOf(key.public);

  // In the order of notation's, which sorts names.
  const header = encoded({
    alg: algorithm.name,
    crit: [Header.signingScheme],
    cty: PAYLOAD_TYPE,
    [Header.signingScheme]: "notary.x509",
    [Header.signingTime]: formatTime(signingTime),
  });
  const { digest, mediaType, size } = subject;
  const hasAnnotations = Object.keys(annotations).length > 0;
  const payload = encoded({ targetArtifact: { ...(hasAnnotations && { annotations }), digest, mediaType, size } });
  const signature = signText(`${header}.${payload}`, key, algorithm);
  const envelope = Buffer.from(JSON.stringify({
    payload,
    protected: header,
    header: {
      x5c: chain.map(({ der }) => Buffer.from(der).toString("base64")),
      [Header.signingAgent]: `satchel/${version}`,
    },
    signature: Buffer.from(signature).toString("base64url"),
  }));
  verifyIntegrity(readJws(envelope));
  return { artifacts: [artifactOf(envelope, chain, signingTime)] };
}

function artifactOf(envelope: Buffer, chain: readonly Certificate[], time: Date): Artifact {
  return {
    artifactType: SIGNATURE_TYPE,
    // By its type notation knows a signature.
    config: { mediaType: SIGNATURE_TYPE, data: Buffer.from("{}").toString("base64") },
    layers: [{ mediaType: JWS_TYPE, data: envelope.toString("base64") }],
    annotations: { [THUMBPRINTS]: JSON.stringify(chain.map(thumbprint)), [CREATED]: formatTime(time) },
  };
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signText(text: string, key: PrivateKey, algorithm: Algorithm): Uint8Array {
  const bytes = Buffer.from(text, "ascii");
  if (algorithm.name.startsWith("ES")) return signEcdsa(key, bytes, algorithm.hash, "ieee-p1363");
  return signBytes(algorithm.hash, bytes, withScheme(key.key, algorithm));
}

function readChain({ certificateChain }: SignRequest, time: Date): Certificate[] {
  if (certificateChain === undefined) throw new FormatError("the certificates of the key are missing");
  const chain = readPemCertificates([certificateChain], "the certificates of the key");
  checkChain(chain, "code");
  const invalid = findInvalidAt(chain, time);
  if (invalid !== undefined) throw new FormatError(`on ${formatTime(time)}, ${invalid}`);
  return chain;
}
