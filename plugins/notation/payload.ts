import type { PluginDescriptor } from "../../lib/plugin/contract.ts";
import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, parseStrictObject } from "../signing/strict_json.ts";

/** What a signature says of an image: a descriptor, with what the signer has put in. */
export interface TargetArtifact extends PluginDescriptor {
  annotations: ReadonlyMap<string, string>;
}

/**
 * Reads what was signed (signature specification, "Payload").
 *
 * @throws {FormatError} if it is something else
 */
export function readPayload(bytes: Uint8Array): TargetArtifact {
  const { targetArtifact } = parseStrictObject(bytes, "the payload");
  if (!isObject(targetArtifact)) throw new FormatError("the payload names no artifact");
  const { mediaType, digest, size, annotations } = targetArtifact;
  if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number") {
    throw new FormatError("what the payload names is no descriptor");
  }
  if (annotations !== undefined && annotations !== null && !isObject(annotations)) {
    throw new FormatError("the annotations of the payload are no object");
  }
  const entries = Object.entries(annotations ?? {});
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) {
    throw new FormatError("the payload has an annotation that is no text");
  }
  return { mediaType, digest, size, annotations: new Map(entries) };
}

/** What of a payload is not as it has to be; `undefined` if all is. */
export function findMismatch(
  target: TargetArtifact,
  subject: PluginDescriptor,
  annotations: Readonly<Record<string, string>> = {},
): string | undefined {
  if (target.digest !== subject.digest) return `it is for another image, ${quoted(target.digest)}`;
  if (target.size !== subject.size) return `it is for an image whose manifest has ${target.size} bytes`;
  if (target.mediaType !== subject.mediaType) return `it is for an image of the type ${quoted(target.mediaType)}`;
  const missing = Object.entries(annotations).find(([name, value]) => target.annotations.get(name) !== value);
  if (!missing) return undefined;
  const found = target.annotations.get(missing[0]);
  const what = found === undefined ? "is not in it" : `is ${quoted(found)} in it`;
  return `the annotation ${quoted(missing[0])} ${what}`;
}
