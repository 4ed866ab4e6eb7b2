import { hasCode, SatchelError } from "../../lib/error.ts";
import { familiarRepository, formatReference, formatRepository, type Reference } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { isFile } from "../copy/ends.ts";
import { readImageName } from "../line/image_name.ts";

/** The name as one would type it. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + formatReference(reference).slice(formatRepository(reference).length);
}

/**
 * Reads the name of an image.
 *
 * @throws {SatchelError} `usage`, with a hint for what may be the path of an archive
 */
export function readName(typed: string): Reference {
  try {
    return readImageName(typed);
  } catch (error) {
    if (!hasCode(error, "usage") || !isFile(typed)) throw error;
    const hint = `An archive is archive:${printable(typed, 300)}`;
    throw new SatchelError("usage", error.message, { hint, cause: error });
  }
}
