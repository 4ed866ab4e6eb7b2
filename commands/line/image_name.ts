import { hasCode, SatchelError } from "../../lib/error.ts";
import { parseReference, type Reference } from "../../lib/oci/mod.ts";

/**
 * Reads the name of an image that somebody typed.
 *
 * @throws {SatchelError} `usage`, with a hint where another tool would want a scheme
 */
export function readImageName(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    const [scheme] = /^[a-z][a-z0-9+.-]{0,30}:\/\//i.exec(text) ?? [];
    if (scheme === undefined || !hasCode(error, "usage")) throw error;
    throw new SatchelError("usage", error.message, {
      hint: `A name has no scheme: leave ${scheme} out.`,
      cause: error.cause,
    });
  }
}
