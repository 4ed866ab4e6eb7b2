import type { BinaryView } from "../binary_view.ts";
import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";
import { ELF } from "../elf/elf.ts";
import { readMarkers } from "./markers.ts";
import type { EbpfObject } from "./object.ts";
import { typeText } from "./type_text.ts";

/** What a gadget is set by: a constant of its program that is written when the program is loaded. */
export interface ObjectParam {
  /** The variable of the program. */
  variable: string;
  /** The name that `ig run` has for its type; `undefined` if it has none: then it is taken as text. */
  typeName: ParamTypeName | undefined;
  /** Its type as C has it, `gadget_pid` or `char[8]`; empty if there is no such variable. */
  cType: string;
  /** Bytes. */
  size: number;
  /** What the object has, as it would be typed; `undefined` for structures, long arrays, and what the object does not tell. */
  default: string | undefined;
  /** Of an enumeration: the name of its default value. */
  enumerator: string | undefined;
  /** Why it cannot be set; `undefined` if it can. */
  problem: string | undefined;
}

/** The types of parameters, by the names that `ig run` shows. */
export type ParamTypeName =
  | `${"int" | "uint"}${8 | 16 | 32 | 64}`
  | "bool"
  | "float32"
  | "float64"
  | "string"
  | "ip";

/** How many items an array's default may have to be told. */
const MAX_ITEMS = 64;

/** How many bytes a default may have to be told. */
const MAX_BYTES = 4096;

/** No integer has more bytes. */
const MAX_INTEGER = 16;

/** How deep arrays may nest. */
const MAX_DIMENSIONS = 8;

/**
 * Reads the parameters that an object marks (`gadget_param_VARIABLE`), in the order of its types. One that cannot be set is
 * there too, with its problem.
 *
 * @throws {SatchelError} `invalid` if the types are broken
 */
export function readParams(object: EbpfObject): ObjectParam[] {
  if (!object.btf) return [];
  const variables = readMarkers(object.btf).markers.flatMap((marker) =>
    marker.kind === "param" ? [marker.variable] : []
  );
  const places = placesOf(object);
  return [...new Set(variables)].map((variable) => paramAt(object, variable, places.get(variable)));
}

/**
 * Reads a parameter by its variable, whether it has a marker or not: gadget.yaml may name one that has none.
 *
 * @throws {SatchelError} `invalid` if the types are broken
 */
export function readParam(object: EbpfObject, variable: string): ObjectParam {
  return paramReader(object)(variable);
}

/** The same for many parameters of one object: its variables are looked through once. */
export function paramReader(object: EbpfObject): (variable: string) => ObjectParam {
  const places = placesOf(object);
  return (variable) => paramAt(object, variable, places.get(variable));
}

/** The bytes of the variables that never change; of two with one name, which only a broken object has, the first one's. */
function placesOf({ variables, elf }: EbpfObject): Map<string, BinaryView> {
  const sections = new Map(elf.sections.map((section) => [section.name, section]));
  const places = new Map<string, BinaryView>();
  for (const { name, section, offset, size } of variables) {
    const { type, data } = sections.get(section)!;
    if (places.has(name) || !/^\.rodata(\.|$)/.test(section) || type === ELF.NOBITS) continue;
    if (offset + size <= data.length) places.set(name, data.part(offset, size, `variable ${name}`));
  }
  return places;
}

function paramAt({ btf }: EbpfObject, variable: string, bytes: BinaryView | undefined): ObjectParam {
  const nothing = { typeName: undefined, cType: "", size: 0, default: undefined, enumerator: undefined };
  const found = btf?.find("var", variable);
  if (!btf || !found) return { variable, ...nothing, problem: whyNoVariable(btf, variable) };
  const size = btf.sizeOf(found.typeId);
  const value = bytes && bytes.length === size ? bytes : undefined;
  const problem = found.linkage === "global"
    ? whyNotConstant(btf, variable, found.typeId)
    : `"${variable}" is not a global variable`;
  return {
    variable,
    typeName: typeNameOf(btf, found.typeId),
    cType: typeText(btf, found.typeId),
    size,
    default: value && valueText(btf, found.typeId, value),
    enumerator: value && enumeratorOf(btf, found.typeId, value),
    problem,
  };
}

function whyNoVariable(btf: Btf | undefined, variable: string): string {
  const other = btf?.named(variable).map((id) => btf.type(id))[0];
  if (!other) return `variable "${variable}" not found in the eBPF object`;
  return `"${variable}" is a ${other.kind} of the eBPF object, not a variable`;
}

/** A parameter is `const volatile`, or an array of that: otherwise the compiler has used its value already. */
function whyNotConstant(btf: Btf, variable: string, typeId: number): string | undefined {
  let type = btf.type(typeId);
  for (let depth = 0; type.kind === "array" && depth < MAX_DIMENSIONS; depth++) type = btf.type(type.typeId);
  if (type.kind !== "const") return `"${variable}" is not const`;
  return btf.type(type.typeId).kind === "volatile" ? undefined : `"${variable}" is not volatile`;
}

/** The structure of an address: its text is turned into one when the program is loaded. */
const ENDPOINT = "gadget_l3endpoint_t";

function typeNameOf(btf: Btf, typeId: number): ParamTypeName | undefined {
  const type = btf.withoutModifiers(typeId);
  switch (type.kind) {
    case "int":
      if (type.isBool) return "bool";
      return [1, 2, 4, 8].includes(type.size)
        ? `${type.isSigned ? "int" : "uint"}${type.size * 8 as 8 | 16 | 32 | 64}`
        : undefined;
    case "float":
      return type.size === 4 ? "float32" : type.size === 8 ? "float64" : undefined;
    case "array":
      return isChar(btf.withoutModifiers(type.typeId)) ? "string" : undefined;
    case "struct":
      return type.name === ENDPOINT ? "ip" : undefined;
    default:
      return undefined;
  }
}

/** Whether an array of a type is a text. */
function isChar(type: BtfType): boolean {
  return type.kind === "int" && type.size === 1 && (type.isChar || type.name === "char");
}

function valueText(btf: Btf, typeId: number, value: BinaryView, depth = 0): string | undefined {
  const type = btf.withoutModifiers(typeId);
  switch (type.kind) {
    case "int":
      return type.isBool ? booleanText(value) : integerAt(value, type.isSigned)?.toString();
    case "enum":
    case "enum64":
      return integerAt(value, type.isSigned)?.toString();
    case "float":
      return floatText(value);
    case "array": {
      if (depth === MAX_DIMENSIONS) return undefined;
      if (isChar(btf.withoutModifiers(type.typeId))) return charsText(value);
      // Items without a size would be many without taking any room.
      if (type.length > MAX_ITEMS || value.length > MAX_BYTES || value.length === 0) return undefined;
      const size = btf.sizeOf(type.typeId);
      const items = Array.from(
        { length: type.length },
        (_, index) => valueText(btf, type.typeId, value.part(index * size, size, "item"), depth + 1),
      );
      return items.includes(undefined) ? undefined : items.join(",");
    }
    default:
      return undefined;
  }
}

function enumeratorOf(btf: Btf, typeId: number, value: BinaryView): string | undefined {
  const type = btf.withoutModifiers(typeId);
  if (type.kind !== "enum" && type.kind !== "enum64") return undefined;
  const number = integerAt(value, type.isSigned);
  return type.values.find((each) => each.value === number)?.name;
}

function booleanText(value: BinaryView): string | undefined {
  const number = integerAt(value, false);
  return number === undefined ? undefined : String(number !== 0n);
}

function integerAt(value: BinaryView, isSigned: boolean): bigint | undefined {
  if (value.length > MAX_INTEGER || value.length === 0) return undefined;
  const bytes = value.isLittleEndian ? value.bytes.toReversed() : value.bytes;
  const number = bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
  return isSigned ? BigInt.asIntN(bytes.length * 8, number) : number;
}

function floatText({ bytes, isLittleEndian, length }: BinaryView): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  if (length === 8) return String(view.getFloat64(0, isLittleEndian));
  if (length !== 4) return undefined;
  const number = view.getFloat32(0, isLittleEndian);
  // The fewest digits that are still the same number with 32 bits: 0.1, not 0.10000000149011612.
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(number.toPrecision(digits));
    if (Math.fround(short) === number) return String(short);
  }
  return String(number);
}

/** What of an array of `char` is before its first zero byte. */
function charsText({ bytes }: BinaryView): string | undefined {
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end === -1 ? bytes.length : end);
  return text.length > MAX_BYTES ? undefined : new TextDecoder().decode(text);
}
