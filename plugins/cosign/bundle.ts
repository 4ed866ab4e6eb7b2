import type { CosignSignature } from "./signature.ts";

/** The media types of Sigstore bundles that are read: version 0.3. */
export const BUNDLE_TYPES: readonly string[] = ["application/vnd.dev.sigstore.bundle.v0.3+json"];

/**
 * Reads a Sigstore bundle.
 *
 * @returns a reader for each signature in it
 * @throws {FormatError} if it is not what the format says
 */
export function readBundle(_bytes: Uint8Array): (() => CosignSignature)[] {
  return [];
}
