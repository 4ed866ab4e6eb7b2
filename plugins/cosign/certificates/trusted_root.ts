import { Buffer } from "node:buffer";
import type { X509Certificate } from "@sigstore/core";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify";
import { isObject, type JsonObject, parseStrictObject } from "../../signing/strict_json.ts";
import { EXTENSION, findUnknownCritical, hasUsage, USAGE } from "./extensions.ts";

/** Whom certificates, logs and timestamps are checked against, and what a signature has to have because of it. */
export interface TrustRoot {
  material: TrustMaterial;
  /** How many entries in transparency logs; 0 where no log is trusted. */
  logEntries: 0 | 1;
  /** How many proofs that the certificate itself was logged (SCT, RFC 6962); 0 where no log of certificates is trusted. */
  certificateLogEntries: 0 | 1;
}

/** The ways to write the versions that are read. */
const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.[12]|\.v0\.[12]\+json)$/;

const LOGS = ["tlogs", "ctlogs"];
const AUTHORITIES = ["certificateAuthorities", "timestampAuthorities"];

/** What the certificates of an authority may say as critical: what is checked of them. */
const AUTHORITY_EXTENSIONS = [EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage];

/**
 * Reads a trusted root: JSON of `sigstore_trustroot.proto`, as Sigstore publishes one and `cosign trusted-root create` writes it.
 *
 * What is in it is wanted of a signature: with logs an entry in one of them, with logs of certificates a proof of one of them.
 *
 * @throws {Error} if it cannot be read, or nobody can be trusted by it
 */
export function readTrustedRoot(text: string): TrustRoot {
  try {
    const json = parseStrictObject(Buffer.from(text), "it");
    const { mediaType } = json;
    if (typeof mediaType !== "string" || !MEDIA_TYPE.test(mediaType)) {
      throw new Error("its mediaType is not that of a trusted root 0.1 or 0.2");
    }
    for (const name of AUTHORITIES) membersOf(json, name).forEach((each) => checkTimes(each, name));
    for (const name of LOGS) {
      for (const { publicKey } of membersOf(json, name)) {
        const key: JsonObject = isObject(publicKey) ? publicKey : {};
        checkTimes(key, name);
        // The certificates of authorities have a beginning of their own; a log would be believed about any time before.
        if (!isObject(key.validFor) || key.validFor.start === undefined) {
          throw new Error(`a member of ${name} does not say since when its key is valid`);
        }
      }
    }
    const material = toTrustMaterial(TrustedRoot.fromJSON(json));
    checkAuthorities(material);
    const { tlogs, ctlogs } = material;
    return { material, logEntries: tlogs.length > 0 ? 1 : 0, certificateLogEntries: ctlogs.length > 0 ? 1 : 0 };
  } catch (error) {
    throw new Error(`the trusted root cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function membersOf(json: JsonObject, name: string): JsonObject[] {
  const list = json[name] ?? [];
  if (!Array.isArray(list) || !list.every(isObject)) throw new Error(`${name} is no list of objects`);
  return list;
}

function checkTimes({ validFor }: JsonObject, name: string): void {
  if (validFor === undefined) return;
  const times = isObject(validFor) ? Object.values(validFor) : [undefined];
  if (times.some((time) => typeof time !== "string" || Number.isNaN(Date.parse(time)))) {
    throw new Error(`a member of ${name} has a time that is none`);
  }
}

function checkAuthorities({ certificateAuthorities, timestampAuthorities, tlogs }: TrustMaterial): void {
  if (certificateAuthorities.length === 0) throw new Error("it has no certificateAuthorities");
  if (tlogs.length === 0 && timestampAuthorities.length === 0) {
    throw new Error("it has neither tlogs nor timestampAuthorities, so nothing says when something was signed");
  }
  for (const { certChain } of certificateAuthorities) certChain.forEach(checkAuthority);
  for (const { certChain: [signer, ...authorities] } of timestampAuthorities) {
    authorities.forEach(checkAuthority);
    // RFC 3161, section 2.3
    if (!signer || !hasUsage(signer, USAGE.timeStamping)) {
      throw new Error("the first certificate of a timestamp authority is not for timestamps");
    }
  }
}

function checkAuthority(certificate: X509Certificate): void {
  const unknown = findUnknownCritical(certificate, AUTHORITY_EXTENSIONS);
  if (unknown === undefined) return;
  throw new Error(`the certificate of an authority has the critical extension ${unknown}, which is not known`);
}
