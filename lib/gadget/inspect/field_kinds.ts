import type { Btf } from "../btf/btf.ts";
import type { BtfType } from "../btf/types.ts";

/** The kinds of fields, by the numbers that `ig` has for them. */
export const FieldKind = {
  bool: 1,
  int8: 2,
  int16: 3,
  int32: 4,
  int64: 5,
  uint8: 6,
  uint16: 7,
  uint32: 8,
  uint64: 9,
  float32: 10,
  float64: 11,
  string: 12,
  cString: 13,
  bytes: 14,
  /** Is added to the kind of the items of an array. */
  array: 0x1000_0000,
} as const;

/** How many modifiers and arrays are followed from a type. */
const MAX_CHAIN = 64;

/** What there is to know of a field's type. */
export interface FieldType {
  /** The names from the outermost typedef to the type that it stands for, through arrays. */
  names: string[];
  /** What is below typedefs, qualifiers and arrays. */
  base: BtfType;
  /** The lengths of arrays, the outermost first. */
  dimensions: number[];
  /** Whether a typedef is on the way to the outermost array or the base. */
  isNamed: boolean;
}

/**
 * Follows a type down to what it is made of.
 *
 * @returns `undefined` if that takes more than 64 steps
 * @throws {SatchelError} `invalid` if the types are broken
 */
export function fieldTypeOf(btf: Btf, typeId: number): FieldType | undefined {
  const [names, dimensions]: [string[], number[]] = [[], []];
  let [id, isNamed] = [typeId, false];
  for (let steps = 0; steps < MAX_CHAIN; steps++) {
    const type = btf.type(id);
    switch (type.kind) {
      case "typedef":
        names.push(type.name);
        isNamed ||= dimensions.length === 0;
        id = type.typeId;
        break;
      case "const":
      case "volatile":
      case "restrict":
      case "type_tag":
        id = type.typeId;
        break;
      case "array":
        dimensions.push(type.length);
        id = type.typeId;
        break;
      default:
        if (type.name !== "") names.push(type.name);
        return { names, base: type, dimensions, isNamed };
    }
  }
  return undefined;
}

/** The kind of a field that is not made of others; `undefined` if there is none for its type, so that it is left out. */
export function kindOf({ base, dimensions }: FieldType): number | undefined {
  const kind = scalarKind(base);
  if (kind === undefined || dimensions.includes(0)) return undefined;
  if (dimensions.length === 0) return kind;
  const item = isChar(base) ? FieldKind.cString : kind;
  // A text takes one dimension for itself.
  const arrays = dimensions.length - (item === FieldKind.cString ? 1 : 0);
  if (arrays === 0) return item;
  return arrays === 1 ? FieldKind.array + item : FieldKind.bytes;
}

const SIGNED: Readonly<Record<number, number>> = {
  1: FieldKind.int8,
  2: FieldKind.int16,
  4: FieldKind.int32,
  8: FieldKind.int64,
};
const UNSIGNED: Readonly<Record<number, number>> = {
  1: FieldKind.uint8,
  2: FieldKind.uint16,
  4: FieldKind.uint32,
  8: FieldKind.uint64,
};
const FLOATS: Readonly<Record<number, number>> = { 4: FieldKind.float32, 8: FieldKind.float64 };

function scalarKind(type: BtfType): number | undefined {
  switch (type.kind) {
    case "int":
      if (type.isBool) return FieldKind.bool;
      return (type.isSigned ? SIGNED : UNSIGNED)[type.size];
    case "enum":
    case "enum64":
      return (type.isSigned ? SIGNED : UNSIGNED)[type.size];
    case "float":
      return FLOATS[type.size];
    default:
      return undefined;
  }
}

function isChar(type: BtfType): boolean {
  return type.kind === "int" && type.size === 1 && type.name === "char";
}

/** The name of a kind, as people would write it: `uint32`, `uint8[]`, `string`. */
export function kindName(kind: number): string {
  const item = kind >= FieldKind.array ? kind - FieldKind.array : kind;
  if (item === FieldKind.cString) return kind === item ? "string" : "string[]";
  const name = Object.entries(FieldKind).find(([, number]) => number === item)?.[0] ?? String(item);
  return kind === item ? name : `${name}[]`;
}
