import { Buffer } from "node:buffer";
import { crc32, deflateRawSync } from "node:zlib";
import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";

/** A file for {@link tarGzip}. */
export interface TarFile {
  /** Without a folder. */
  name: string;
  bytes: Uint8Array;
}

const BLOCK = 512;

/** The longest name that a header has room for, in bytes, beside the `./` that it begins with. */
const MAX_NAME = 98;

/**
 * Files as `tar czf X -C FOLDER .` packs them, in a form in which nothing depends on when, where or by whom it is made: sorted by their names, of
 * root, from the year 1970.
 *
 * @throws {SatchelError} `invalid` if a name is too long for the format
 */
export function tarGzip(files: readonly TarFile[]): Uint8Array {
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const parts = [header("./", 0, "5")];
  for (const { name, bytes } of sorted) {
    const padding = new Uint8Array((BLOCK - bytes.length % BLOCK) % BLOCK);
    parts.push(header(`./${fitting(name)}`, bytes.length, "0"), bytes, padding);
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return gzip(Buffer.concat(parts));
}

function fitting(name: string): string {
  if (Buffer.byteLength(name) <= MAX_NAME) return name;
  throw new SatchelError(
    "invalid",
    `the name ${printable(name, 200)} is too long for a tar: more than ${MAX_NAME} bytes`,
  );
}

/** A header of POSIX.1-1988 (ustar). */
function header(name: string, size: number, type: "0" | "5"): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  block.write(name, 0);
  octal(type === "5" ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.fill(" ", 148, 156);
  block.write(type, 156);
  block.write("ustar\x0000", 257);
  block.write("root", 265);
  block.write("root", 297);
  octal(block.reduce((sum, each) => sum + each, 0), 148, 7);
  return block;
}

/** RFC 1952 with a header of ours: libraries write different things about the system that they run on. */
function gzip(bytes: Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length % 2 ** 32, 4);
  // Deflate, no flags, no time, the best compression, Unix.
  const head = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3);
  return new Uint8Array(Buffer.concat([head, deflateRawSync(bytes, { level: 9 }), trailer]));
}
