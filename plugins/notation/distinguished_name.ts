import type { ASN1Obj } from "@sigstore/core";
import { FormatError, quoted } from "../signing/format_error.ts";

/** The attributes of a name that identities are made of (RFC 4514, section 3), and how they are called there. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "SERIALNUMBER",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.17": "POSTALCODE",
};

/** Without these a name is nobody's in particular (Notary Project, trust policy, "Trusted identities constraints"). */
const MANDATORY = ["C", "ST", "O"];

/** The attributes of a name. One that is there several times, or in letters that are not known, has no value that could be compared. */
export type DistinguishedName = ReadonlyMap<string, string | undefined>;

/** Tags of the kinds of text that X.509 has. */
const UTF8 = 12;
const ASCII: readonly number[] = [18, 19, 22, 26];
const BMP = 30;

/**
 * Reads a name of a certificate.
 *
 * @throws {Error} if it is no sequence of sets of attributes
 */
export function nameOf(name: ASN1Obj): DistinguishedName {
  const attributes = new Map<string, string | undefined>();
  for (const set of name.subs) {
    for (const { subs: [type, value] } of set.subs) {
      const oid = type.toOID();
      const key = Object.hasOwn(ATTRIBUTES, oid) ? ATTRIBUTES[oid] : oid;
      const isPlain = set.subs.length === 1 && !attributes.has(key);
      attributes.set(key, isPlain ? textOf(value) : undefined);
    }
  }
  return attributes;
}

/** A name for messages: what is its own stands at the end of it, and comes first. */
export function nameText(name: DistinguishedName): string {
  return [...name].reverse().map(([key, value]) => `${key}=${value ?? "?"}`).join(", ").slice(0, 300);
}

function textOf({ tag, value }: ASN1Obj): string | undefined {
  if (!tag.isUniversal()) return undefined;
  if (ASCII.includes(tag.number)) return value.every((byte) => byte < 0x80) ? value.toString("latin1") : undefined;
  if (tag.number === UTF8) return decoded("utf-8", value);
  return tag.number === BMP ? decoded("utf-16be", value) : undefined;
}

function decoded(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** An attribute with its value, up to the comma that ends it: what is behind a backslash stands for itself. */
const ATTRIBUTE =
  /\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*((?:\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]|[^\\,+"<>;\0])*)(,|$)/y;

/**
 * Reads a name as a trust policy has it: RFC 4514, with `S` for `ST` as well, each attribute once, and `C`, `ST` and `O` among them.
 *
 * @throws {FormatError}
 */
export function parseName(text: string): Map<string, string> {
  const fail = (why: string) => new FormatError(`the name ${quoted(text)} ${why}`);
  if (text.includes("=#")) throw fail('has a value in hexadecimal ("=#"), which cannot be compared');
  const attributes = new Map<string, string>();
  for (let at = 0, more = true; more;) {
    ATTRIBUTE.lastIndex = at;
    const [whole, type, value, separator] = ATTRIBUTE.exec(text) ?? [];
    if (whole === undefined) throw fail("is not as RFC 4514 has names: C=US,ST=WA,O=Example");
    const key = type === "S" ? "ST" : type;
    if (attributes.has(key)) throw fail(`has ${key} twice`);
    attributes.set(key, unescaped(value, fail));
    at += whole.length;
    more = separator === ",";
  }
  const missing = MANDATORY.filter((key) => !attributes.get(key));
  if (missing.length > 0) throw fail(`lacks ${missing.join(", ")}: C, ST and O are the least that it needs`);
  return attributes;
}

/** Blanks at the end count only where they are escaped. */
function unescaped(value: string, fail: (why: string) => FormatError): string {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let kept = 0;
  for (let at = 0; at < value.length;) {
    const hex = /^\\([0-9A-Fa-f]{2})/.exec(value.slice(at, at + 3));
    const isEscaped = value[at] === "\\";
    const character = isEscaped ? value[at + 1] : String.fromCodePoint(value.codePointAt(at) ?? 0);
    if (hex) bytes.push(Number.parseInt(hex[1], 16));
    else bytes.push(...encoder.encode(character));
    at += hex ? 3 : isEscaped ? 2 : character.length;
    if (isEscaped || character !== " ") kept = bytes.length;
  }
  const text = decoded("utf-8", Uint8Array.from(bytes.slice(0, kept)));
  if (text === undefined) throw fail("is not UTF-8");
  return text;
}

/** Whether a name has all that an identity wants; it may have more. */
export function fitsIdentity(name: DistinguishedName, identity: ReadonlyMap<string, string>): boolean {
  return [...identity].every(([key, value]) => name.get(key) === value);
}
