/** Content of a signature that is not what its format says. The message is for the user, and repeats little of the content. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** How much of what stands in a signature is repeated in a message, in UTF-16 units. */
const QUOTED_LENGTH = 100;

/** Text from a signature, for a message: in quotes, on one line, not too long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}...` : text);
}
