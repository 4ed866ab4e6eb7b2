import { SatchelError, withContext } from "../../lib/error.ts";
import { type Digest, formatReference, type Reference } from "../../lib/oci/mod.ts";
import { type AllowedName, judgeName, parseNamePattern, type Policy } from "../../lib/signing/mod.ts";

const FLAG = "--allowed-gadgets";

/**
 * The lists of names that may come in: of each configuration file that has one, and of the flag. A name has to be on all of them.
 *
 * @throws {SatchelError} `usage` for what is no pattern of names
 */
export function allowedLists(policies: readonly Policy[], byFlag: readonly string[]): AllowedName[][] {
  const ofFiles = policies.flatMap(({ allowed }) => allowed ? [[...allowed]] : []);
  if (byFlag.length === 0) return ofFiles;
  return [...ofFiles, byFlag.map((text) => ({ pattern: readPattern(text), from: FLAG }))];
}

/**
 * Makes sure that a name is on each list.
 *
 * @returns the entries that mean it
 * @throws {SatchelError} `refused`
 */
export function checkAllowed(lists: readonly AllowedName[][], reference: Reference, digest?: Digest): AllowedName[] {
  const judged = judgeName(lists, { reference, ...(digest && { digest }) });
  if (!judged.denial) return judged.allowed;
  throw new SatchelError(
    "refused",
    `${formatReference(reference)} may not come in: it is none of those that ${judged.denial.from} allows`,
    {
      hint: "`satchel policy check IMAGE` shows what counts for an image.",
    },
  );
}

function readPattern(text: string): AllowedName["pattern"] {
  try {
    return parseNamePattern(text);
  } catch (error) {
    throw withContext(FLAG, error);
  }
}
