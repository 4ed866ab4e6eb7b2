import { Buffer } from "node:buffer";

/** DER (X.690) of what certificates and timestamps are made of. */

/** An element: a tag, and what is in it. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(value.length), value]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + hex.length % 2, "0"), "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => element(0x30, ...content);
export const set = (...content: readonly Uint8Array[]): Buffer => element(0x31, ...content);
export const octets = (content: Uint8Array): Buffer => element(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content);
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));

/** An element within a tag of the context's own: constructed, as EXPLICIT tags are. */
export const explicit = (number: number, ...content: readonly Uint8Array[]): Buffer =>
  element(0xa0 | number, ...content);

/** Bytes in a tag of the context's own in the place of their own: IMPLICIT. */
export const implicit = (number: number, content: Uint8Array): Buffer => element(0x80 | number, content);

/** A number that is not negative. */
export function integer(value: bigint | number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + hex.length % 2, "0"), "hex");
  return element(0x02, ...(bytes[0] >= 0x80 ? [Buffer.from([0])] : []), bytes);
}

/** An object identifier, as `2.5.29.17`. */
export function oid(text: string): Buffer {
  const [first, second, ...others] = text.split(".").map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((number) => {
    const groups = [number & 0x7f];
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) {
      groups.unshift(rest & 0x7f | 0x80);
    }
    return groups;
  });
  return element(0x06, Buffer.from(bytes));
}

/** A time to the second, as timestamps have it: a GeneralizedTime. */
export function generalizedTime(value: Date): Buffer {
  return element(0x18, Buffer.from(digitsOf(value)));
}

/** A time to the second, as certificates have it: a UTCTime before 2050 (RFC 5280, section 4.1.2.5). */
export function time(value: Date): Buffer {
  return value.getUTCFullYear() < 2050 ? element(0x17, Buffer.from(digitsOf(value).slice(2))) : generalizedTime(value);
}

function digitsOf(value: Date): string {
  return `${value.toISOString().replace(/[-:T]|\.\d+Z$/g, "")}Z`;
}
