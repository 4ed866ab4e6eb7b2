import { SatchelError } from "../../error.ts";
import { BLOCK } from "./header.ts";

/** The largest size that a ustar header can say, in bytes: eleven octal digits. */
const MAX_USTAR_SIZE = 0o77777777777;

/** The longest name that fits into a ustar header, in bytes. */
const MAX_USTAR_NAME = 100;

/** An entry of a tar: always a regular file of root's, from 1970. */
export interface FileEntry {
  /** ASCII. */
  path: string;
  /** In bytes. */
  size: number;
  /** Rights, `0o444`. */
  mode: number;
}

/** Ends a tar: two blocks of zeros. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/** How many bytes an entry takes in a tar, its header and what fills its last block included. */
export function tarEntrySize(entry: FileEntry): number {
  return tarHeader(entry).length + entry.size + tarPadding(entry.size).length;
}

/** What comes behind the bytes of an entry, so that the next one begins with a block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
}

/**
 * What comes before the bytes of an entry (POSIX.1-2017, pax, "ustar Interchange Format"). What ustar has no room for, a size over
 * 8 GiB and the path of a sha512 digest, stands in an extended header before it, as Go, Python and GNU tar write and read it.
 */
export function tarHeader(entry: FileEntry): Uint8Array {
  const records: [string, string][] = [];
  if (entry.path.length > MAX_USTAR_NAME) records.push(["path", entry.path]);
  if (entry.size > MAX_USTAR_SIZE) records.push(["size", String(entry.size)]);
  const header = ustarHeader({
    path: entry.path.slice(0, MAX_USTAR_NAME),
    size: entry.size > MAX_USTAR_SIZE ? 0 : entry.size,
    mode: entry.mode,
  }, "0");
  return records.length === 0 ? header : concat([extendedHeader(records), header]);
}

function extendedHeader(records: readonly [string, string][]): Uint8Array {
  const body = new TextEncoder().encode(records.map(paxRecord).join(""));
  const header = ustarHeader({ path: "PaxHeaders/entry", size: body.length, mode: 0o644 }, "x");
  return concat([header, body, tarPadding(body.length)]);
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord([key, value]: [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function ustarHeader({ path, size, mode }: FileEntry, type: "0" | "x"): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) throw new SatchelError("invalid", `${JSON.stringify(path)} has no place in a tar`);
      header[at + i] = code;
    }
  };
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(path, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108); // user
  put(octal(0, 7), 116); // group
  put(octal(size, 11), 124);
  put(octal(0, 11), 136); // time
  put("        ", 148); // counts as blanks in its own sum
  put(type, 156);
  put("ustar\x0000", 257);
  put("root", 265);
  put("root", 297);
  put(octal(0, 7), 329); // device
  put(octal(0, 7), 337);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return header;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
