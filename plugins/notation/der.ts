import type { ASN1Obj } from "@sigstore/core";
import { Buffer } from "node:buffer";

/** A value with its tag and its length, DER: what was parsed, without encoding again all that is in it. */
export function derOf({ tag, value }: ASN1Obj): Buffer {
  return Buffer.concat([Uint8Array.of(tag.toDER(), ...lengthOf(value.length)), value]);
}

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 0x100)) bytes.unshift(rest % 0x100);
  return [0x80 | bytes.length, ...bytes];
}
