import { ByteWriter, StringWriter } from "../_bytes.ts";
import type { BtfLinkage, BtfType } from "./types.ts";

/** The kinds by their numbers, as the kernel's documentation lists them; written down a second time, to check the reader. */
const NUMBERS: Readonly<Record<BtfType["kind"], number>> = {
  void: 0,
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
};

const LINKAGES = { static: 0, global: 1, extern: 2 } as const;

/** Writes BTF, for tests. */
export function writeBtf(
  types: readonly BtfType[],
  isLittleEndian: boolean,
  strings = new StringWriter(),
): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter(isLittleEndian);
  for (const type of types) writeType(body, strings, type);
  const names = strings.bytes;
  return new ByteWriter(isLittleEndian)
    .u16(0xeb9f).u8(1).u8(0).u32(24)
    .u32(0).u32(body.length)
    .u32(body.length).u32(names.length)
    .put(body.bytes).put(names).bytes;
}

function writeType(body: ByteWriter, strings: StringWriter, type: BtfType): void {
  const head = (last: number, count = 0, flag = false) => {
    body.u32(strings.add(type.name));
    body.u32(((flag ? 0x80 : 0) | NUMBERS[type.kind]) * 2 ** 24 + count).u32(last);
  };
  switch (type.kind) {
    case "void":
      break;
    case "int": {
      const encoding = Number(type.isSigned) + 2 * Number(type.isChar) + 4 * Number(type.isBool);
      head(type.size);
      body.u32(encoding * 2 ** 24 + type.bitOffset * 2 ** 16 + type.bits);
      break;
    }
    case "float":
      head(type.size);
      break;
    case "array":
      head(0);
      body.u32(type.typeId).u32(type.indexTypeId).u32(type.length);
      break;
    case "struct":
    case "union": {
      const haveBits = type.members.some(({ bitSize }) => bitSize > 0);
      head(type.size, type.members.length, haveBits);
      for (const { name, typeId, bitOffset, bitSize } of type.members) {
        body.u32(strings.add(name)).u32(typeId).u32(haveBits ? bitSize * 2 ** 24 + bitOffset : bitOffset);
      }
      break;
    }
    case "enum":
      head(type.size, type.values.length, type.isSigned);
      for (const { name, value } of type.values) body.u32(strings.add(name)).u32(Number(BigInt.asUintN(32, value)));
      break;
    case "enum64":
      head(type.size, type.values.length, type.isSigned);
      for (const { name, value } of type.values) {
        body.u32(strings.add(name));
        body.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n)));
      }
      break;
    case "fwd":
      head(0, 0, type.isUnion);
      break;
    case "func":
      head(type.typeId, LINKAGES[type.linkage]);
      break;
    case "func_proto":
      head(type.returnTypeId, type.params.length);
      for (const { name, typeId } of type.params) body.u32(strings.add(name)).u32(typeId);
      break;
    case "var":
      head(type.typeId);
      body.u32(LINKAGES[type.linkage]);
      break;
    case "datasec":
      head(type.size, type.variables.length);
      for (const { typeId, offset, size } of type.variables) body.u32(typeId).u32(offset).u32(size);
      break;
    case "decl_tag":
      head(type.typeId);
      body.u32(type.componentIndex);
      break;
    default:
      head(type.typeId);
  }
}

/** A type that has no id yet. */
type WithoutId<T extends BtfType> = T extends BtfType ? Omit<T, "id"> : never;

/** Collects types, and gives each its id. */
export class BtfBuilder {
  readonly types: BtfType[] = [];

  add(type: WithoutId<BtfType>): number {
    const id = this.types.length + 1;
    this.types.push({ ...type, id } as BtfType);
    return id;
  }

  int(name = "int", size = 4): number {
    return this.add({
      kind: "int",
      name,
      size,
      bits: 8 * size,
      bitOffset: 0,
      isSigned: true,
      isChar: false,
      isBool: false,
    });
  }

  pointer(typeId: number): number {
    return this.add({ kind: "ptr", name: "", typeId });
  }

  struct(name: string, members: readonly [name: string, typeId: number][], size = 8 * members.length): number {
    const all = members.map(([name, typeId], index) => ({ name, typeId, bitOffset: 64 * index, bitSize: 0 }));
    return this.add({ kind: "struct", name, size, members: all });
  }

  variable(name: string, typeId: number, linkage: BtfLinkage = "global"): number {
    return this.add({ kind: "var", name, typeId, linkage });
  }

  section(name: string, variables: readonly number[]): number {
    const all = variables.map((typeId) => ({ typeId, offset: 0, size: 0 }));
    return this.add({ kind: "datasec", name, size: 0, variables: all });
  }

  /** The variable that a marker is: `const void *NAME`. */
  marker(name: string): number {
    return this.variable(name, this.pointer(this.add({ kind: "const", name: "", typeId: 0 })));
  }

  /** A map as libbpf declares it; numbers are lengths of arrays. */
  map(name: string, numbers: Readonly<Record<string, number>>, types: Readonly<Record<string, number>> = {}): number {
    const int = this.int();
    const number = (length: number) =>
      this.pointer(this.add({ kind: "array", name: "", typeId: int, indexTypeId: int, length }));
    const members: [string, number][] = [
      ...Object.entries(numbers).map(([key, value]): [string, number] => [key, number(value)]),
      ...Object.entries(types).map(([key, typeId]): [string, number] => [key, this.pointer(typeId)]),
    ];
    return this.variable(name, this.struct("", members));
  }
}
