import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";

/** What extended headers say of the entry that follows them. */
export interface Extension {
  path?: string;
  /** In bytes. */
  size?: number;
  /** Where a link leads to. */
  target?: string;
  /** Whether the entry's bytes are not those of the file, but of its parts (GNU's sparse files). */
  sparse?: boolean;
}

const SPACE = 0x20;
const LINE_FEED = 0x0a;

/** The longest length of a record that is read, in digits. */
const MAX_DIGITS = 9;

/**
 * Reads the records of an extended header (POSIX.1-2017, pax, "pax Extended Header"): `<length> <key>=<value>\n`, where the
 * length counts itself.
 *
 * @param what for the error text
 * @throws {SatchelError} `invalid`
 */
export function parsePax(bytes: Uint8Array, what: string): Extension {
  const extension: Extension = {};
  for (let at = 0; at < bytes.length;) {
    const end = at + recordLength(bytes.subarray(at), what);
    const record = new TextDecoder().decode(bytes.subarray(bytes.indexOf(SPACE, at) + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw broken(what);
    apply(extension, record.slice(0, equals), record.slice(equals + 1), what);
    at = end;
  }
  return extension;
}

function recordLength(bytes: Uint8Array, what: string): number {
  const space = bytes.subarray(0, MAX_DIGITS + 1).indexOf(SPACE);
  const digits = new TextDecoder().decode(bytes.subarray(0, Math.max(space, 0)));
  const length = /^\d+$/.test(digits) ? Number(digits) : 0;
  if (length < space + 3 || length > bytes.length || bytes[length - 1] !== LINE_FEED) throw broken(what);
  return length;
}

function apply(extension: Extension, key: string, value: string, what: string): void {
  if (key === "path") extension.path = withoutZero(value, what);
  else if (key === "linkpath") extension.target = withoutZero(value, what);
  else if (key === "size") extension.size = readSize(value, what);
  else if (key.startsWith("GNU.sparse.")) extension.sparse = true;
}

function withoutZero(value: string, what: string): string {
  if (value.includes("\0")) throw broken(what);
  return value;
}

function readSize(value: string, what: string): number {
  const size = /^\d+$/.test(value) ? Number(value) : NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new SatchelError("invalid", `${what} has a size that cannot be: ${printable(value, 40)}`);
}

function broken(what: string): SatchelError {
  return new SatchelError("invalid", `${what} is damaged: its records are not those of a pax header`);
}
