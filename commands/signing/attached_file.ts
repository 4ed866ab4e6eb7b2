import { Buffer } from "node:buffer";
import { basename } from "node:path";
import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { isJsonObject } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { readSmallFile } from "../../lib/small_file.ts";
import { readStdin } from "../../lib/terminal/mod.ts";

/** How large a file may be that is attached, in bytes: all of it is in memory. */
const MAX_FILE = 64 * 1024 * 1024;

/** A file that is to be attached. */
export interface AttachedFile {
  /** Without its folder; `undefined` for stdin. */
  name?: string;
  bytes: Uint8Array;
}

/** What is in a file, by its own word. */
export interface FileKind {
  mediaType: string;
  /** What clients look for in the annotations of the manifest. */
  annotations?: Record<string, string>;
  /** The SHA-256 digests that it is about, if it says so. */
  subjects?: readonly string[];
}

/**
 * Reads a file, or stdin for `-`.
 *
 * @throws {SatchelError} `usage` if it cannot be read or is larger than 64 MiB; `cancelled`
 */
export async function readAttachedFile(path: string, signal: AbortSignal): Promise<AttachedFile> {
  if (path === "-") return { bytes: await readStdin({ limit: MAX_FILE, what: "what is to be attached", signal }) };
  try {
    return { name: basename(path), bytes: readSmallFile(path, MAX_FILE) };
  } catch (error) {
    if (!(error instanceof SatchelError) && systemCode(error) === undefined) throw error;
    const reason = error instanceof SatchelError ? error.message : `cannot read ${path}: ${systemReason(error)}`;
    throw new SatchelError("usage", printable(reason, 500), { cause: error });
  }
}

/**
 * What kind of SBOM a file is: SPDX as JSON or as tags and values, CycloneDX as JSON or XML, Syft's own.
 *
 * @throws {SatchelError} `usage` for anything else
 */
export function sbomKind({ bytes, name = "stdin" }: AttachedFile): FileKind {
  const text = textOf(bytes);
  const json = objectIn(text);
  const mediaType = json ? jsonSbom(json) : textSbom(text);
  if (mediaType !== undefined) return { mediaType };
  throw new SatchelError(
    "usage",
    `${printable(name, 200)} is no SBOM of a kind that is known: SPDX, CycloneDX or Syft's`,
    {
      hint: "Say what it is by its media type: --type application/...",
    },
  );
}

/**
 * What kind of attestation a file is: an in-toto statement, a DSSE envelope around one, a Sigstore bundle.
 *
 * @throws {SatchelError} `usage` for anything else
 */
export function attestationKind({ bytes, name = "stdin" }: AttachedFile): FileKind {
  const json = objectIn(textOf(bytes));
  const kind = json && (bundleKind(json) ?? envelopeKind(json) ?? statementKind(json));
  if (kind) return kind;
  throw new SatchelError(
    "usage",
    `${
      printable(name, 200)
    } is no attestation of a kind that is known: an in-toto statement, a DSSE envelope or a Sigstore bundle`,
    { hint: "Say what it is by its media type: --type application/..." },
  );
}

function jsonSbom(json: Record<string, unknown>): string | undefined {
  if (typeof json.spdxVersion === "string" || isSpdx3(json)) return "application/spdx+json";
  if (json.bomFormat === "CycloneDX") return "application/vnd.cyclonedx+json";
  const url = isJsonObject(json.schema) ? json.schema.url : undefined;
  if (typeof url === "string" && url.includes("anchore/syft")) return "application/vnd.syft+json";
  return undefined;
}

/** SPDX 3 is JSON-LD. */
function isSpdx3(json: Record<string, unknown>): boolean {
  return typeof json["@context"] === "string" && json["@context"].startsWith("https://spdx.org/rdf/3.");
}

function textSbom(text: string): string | undefined {
  const start = text.slice(0, 4096);
  if (/^\s*(?:#[^\n]*\n\s*)*SPDXVersion:/.test(start)) return "text/spdx";
  if (/^\s*<[^]*http:\/\/cyclonedx\.org\/schema\/bom\//.test(start)) return "application/vnd.cyclonedx+xml";
  return undefined;
}

function bundleKind(json: Record<string, unknown>): FileKind | undefined {
  const { mediaType, dsseEnvelope } = json;
  if (typeof mediaType !== "string" || !/^application\/vnd\.dev\.sigstore\.bundle[\w.+;=-]*$/.test(mediaType)) {
    return undefined;
  }
  // Older bundles have their version in a parameter, which media types of manifests cannot have.
  const type = /^application\/vnd\.dev\.sigstore\.bundle\.v0\.\d+\+json$/.test(mediaType)
    ? mediaType
    : "application/vnd.dev.sigstore.bundle+json";
  const inner = isJsonObject(dsseEnvelope) ? statementIn(dsseEnvelope) : undefined;
  const content = inner ? "dsse-envelope" : "message-signature";
  return {
    mediaType: type,
    annotations: {
      "dev.sigstore.bundle.content": content,
      ...(inner?.predicateType && { "dev.sigstore.bundle.predicateType": inner.predicateType }),
    },
    ...(inner && { subjects: inner.subjects }),
  };
}

function envelopeKind(json: Record<string, unknown>): FileKind | undefined {
  if (typeof json.payload !== "string" || typeof json.payloadType !== "string" || !Array.isArray(json.signatures)) {
    return undefined;
  }
  const inner = statementIn(json);
  return {
    mediaType: "application/vnd.dsse.envelope.v1+json",
    ...(inner?.predicateType && { annotations: { "in-toto.io/predicate-type": inner.predicateType } }),
    ...(inner && { subjects: inner.subjects }),
  };
}

function statementKind(json: Record<string, unknown>): FileKind | undefined {
  const statement = readStatement(json);
  if (!statement) return undefined;
  const { predicateType, subjects } = statement;
  return {
    mediaType: "application/vnd.in-toto+json",
    ...(predicateType && { annotations: { "in-toto.io/predicate-type": predicateType } }),
    subjects,
  };
}

interface Statement {
  predicateType?: string;
  subjects: readonly string[];
}

function statementIn({ payload }: Record<string, unknown>): Statement | undefined {
  if (typeof payload !== "string") return undefined;
  const json = objectIn(Buffer.from(payload, "base64").toString());
  return json && readStatement(json);
}

/** in-toto Statement, v0.1 and v1. */
function readStatement(json: Record<string, unknown>): Statement | undefined {
  const { _type: type, subject, predicateType } = json;
  if (typeof type !== "string" || !type.startsWith("https://in-toto.io/Statement/") || !Array.isArray(subject)) {
    return undefined;
  }
  const subjects = subject.flatMap((each) => {
    const digest = isJsonObject(each) && isJsonObject(each.digest) ? each.digest.sha256 : undefined;
    return typeof digest === "string" ? [digest] : [];
  });
  return { subjects, ...(typeof predicateType === "string" && { predicateType }) };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function objectIn(text: string): Record<string, unknown> | undefined {
  // It may be an SBOM as text, of megabytes.
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
