import { parseJson } from "../oci/json.ts";
import { printable } from "../printable.ts";
import { invalid, type Shape } from "./shape.ts";

/** How many of the members that nobody knows are named, and how much of each name is shown, in UTF-16 units. */
const UNKNOWN_SHOWN = 10;
const NAME_LENGTH = 100;

/** Options of {@link readJson}. */
export interface ReadOptions {
  /** What is read, for error texts: `the answer of beforePull`. */
  whole: string;
  /** In bytes; what is longer is not parsed. */
  limit: number;
  /** Gets one line about the members that were passed over. */
  onUnknown(line: string): void;
}

/**
 * Reads JSON that came from a plugin.
 *
 * @param json UTF-8
 * @throws {SatchelError} `invalid`, which says what about it is against the contract, never what stands in it
 */
export function readJson<T>(json: Uint8Array, shape: Shape<T>, { whole, limit, onUnknown }: ReadOptions): T {
  const unknown: string[] = [];
  const value = shape(parsed(json, whole, limit), { whole, at: "", onUnknown: (at) => unknown.push(at) });
  if (unknown.length > 0) onUnknown(`passed over in ${whole}: ${namesOf(unknown)}`);
  return value;
}

function parsed(json: Uint8Array, whole: string, limit: number): unknown {
  if (json.length === 0) throw invalid(`${whole} is empty`);
  if (json.length > limit) throw invalid(`${whole} is longer than ${limit} bytes`);
  try {
    return parseJson(json, whole);
  } catch {
    // The parser's own error would show how the text begins, and that could be a secret.
    throw invalid(`${whole} is not JSON in UTF-8, or nests too deep`);
  }
}

function namesOf(unknown: readonly string[]): string {
  const shown = unknown.slice(0, UNKNOWN_SHOWN).map((at) => printable(at, NAME_LENGTH));
  return [...shown, ...unknown.length > UNKNOWN_SHOWN ? [`and ${unknown.length - UNKNOWN_SHOWN} more`] : []].join(", ");
}
