import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";

// Written by hand, since a reader of what strangers made has to tell of every lie; see docs/dependencies.md.

/** What a tar consists of, in bytes. */
export const BLOCK = 512;

/** A header block. */
export interface TarHeader {
  /** As it is written; an extended header before it may have another. */
  path: string;
  /** Of what follows, in bytes, without the padding. */
  size: number;
  /** One character, `0` for a regular file (POSIX.1-2017, pax, "ustar Interchange Format"). */
  type: string;
  /** Where a link leads to. */
  target: string;
}

/** Fields of a header block: where they start and end. */
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const CHECKSUM = [148, 156] as const;
const TYPE = 156;
const TARGET = [157, 257] as const;
const MAGIC = [257, 265] as const;
const PREFIX = [345, 500] as const;

/** A magic that has a prefix: GNU's own, `ustar  `, keeps times there. */
const USTAR_MAGIC = "ustar\x0000";

/** Types of which nothing follows, whatever size they say: links, devices, folders, FIFOs. */
const WITHOUT_BODY = new Set(["1", "2", "3", "4", "5", "6"]);

/** Whether a block marks the end. */
export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header block.
 *
 * @param path what an extended header has called the entry
 * @param archive for the error text
 * @param position of the block, in bytes, for the error text
 * @throws {SatchelError} `invalid`
 */
export function decodeHeader(
  block: Uint8Array,
  path: string | undefined,
  archive: string,
  position: number,
): TarHeader {
  if (!hasChecksum(block)) {
    throw new SatchelError(
      "invalid",
      `${archive} is damaged, or no tar: there is no header of an entry at byte ${position}`,
    );
  }
  const type = block[TYPE] === 0 ? "0" : String.fromCharCode(block[TYPE]);
  const name = nameOf(block);
  const size = WITHOUT_BODY.has(type) ? 0 : readSize(block.subarray(...SIZE));
  if (typeof size === "string") throw badSize(path ?? name, archive, size);
  return { path: name, size, type, target: decodeText(upToZero(block.subarray(...TARGET))) };
}

/** Whether a block has the sum that a header has; the oldest programs took bytes as signed numbers. */
export function hasChecksum(block: Uint8Array): boolean {
  const expected = readOctal(block.subarray(...CHECKSUM));
  let [unsigned, signed] = [0, 0];
  for (let at = 0; at < BLOCK; at++) {
    // Counts as blanks in its own sum.
    const byte = at >= CHECKSUM[0] && at < CHECKSUM[1] ? 0x20 : block[at];
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return expected !== undefined && (expected === unsigned || expected === signed);
}

/** The error for a size that cannot be. */
function badSize(path: string, archive: string, size: string): SatchelError {
  return new SatchelError(
    "invalid",
    `${entryName(path)} in ${archive} has a size that cannot be: ${printable(size, 40)}`,
  );
}

/** An entry, as messages call it. */
export function entryName(path: string): string {
  return `"${printable(path, 300)}"`;
}

function nameOf(block: Uint8Array): string {
  const name = decodeText(upToZero(block.subarray(...NAME)));
  if (decodeText(block.subarray(...MAGIC)) !== USTAR_MAGIC) return name;
  const prefix = decodeText(upToZero(block.subarray(...PREFIX)));
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** @returns what it says, as text, if that is no size */
function readSize(field: Uint8Array): number | string {
  if ((field[0] & 0x80) !== 0) return readBinary(field);
  return readOctal(field) ?? (decodeText(upToZero(field)).trim() || "none");
}

/** Octal digits, with blanks before them, and blanks or zeros behind; `undefined` for anything else. */
function readOctal(field: Uint8Array): number | undefined {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(String.fromCharCode(...field)) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** GNU's way for large numbers: a number of two's complement, whose first bit says that it is one. */
function readBinary(field: Uint8Array): number | string {
  const negative = (field[0] & 0x40) !== 0;
  let value = BigInt(field[0] & 0x7f);
  for (const byte of field.subarray(1)) value = value << 8n | BigInt(byte);
  if (negative) return String(BigInt.asIntN(field.length * 8 - 1, value));
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? String(value) : Number(value);
}

function upToZero(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

/** A mark of byte order is a part of a name like any other. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
