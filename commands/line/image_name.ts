import { hasCode, SatchelError } from "../../lib/error.ts";
import { parseReference, type Reference } from "../../lib/oci/mod.ts";

/** What somebody called an image or a repository. */
export interface TypedName {
  /** With the tag `latest` if there was none. */
  reference: Reference;
  /** Whether there was one, or a digest. */
  isTagged: boolean;
}

/**
 * Reads the name of an image or of a repository that somebody typed.
 *
 * @throws {SatchelError} `usage`, as {@link readImageName}
 */
export function readTypedName(text: string): TypedName {
  return { reference: readImageName(text), isTagged: /[:@]/.test(text.slice(text.lastIndexOf("/") + 1)) };
}

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
