import { SatchelError } from "../../error.ts";
import { BinaryView, StringTable } from "../binary_view.ts";
import type { BtfComposite, BtfEnum, BtfLinkage, BtfModifier, BtfOfKind, BtfType, BtfVariable } from "./types.ts";

const MAGIC = 0xeb9f;
const HEADER_LENGTH = 24;
const TYPE_LENGTH = 12;

/** The numbers of kinds. */
const KINDS = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
] as const;

type Kind = typeof KINDS[number];

/** How many bytes follow a type of some kind: at all, and for each of its `vlen` entries. */
const FOLLOWS: Partial<Record<Kind, { once?: number; each?: number }>> = {
  int: { once: 4 },
  array: { once: 12 },
  struct: { each: 12 },
  union: { each: 12 },
  enum: { each: 8 },
  func_proto: { each: 8 },
  var: { once: 4 },
  datasec: { each: 12 },
  decl_tag: { once: 4 },
  enum64: { each: 12 },
};

/** How many modifiers, arrays and pointers are followed from one type: a chain that is longer goes round in a circle. */
const MAX_CHAIN = 64;

/** How the linkage of variables and functions is numbered. */
const LINKAGES: readonly BtfLinkage[] = ["static", "global", "extern"];

/**
 * The types of a program or a kernel. They are found when it is made, and read one by one when somebody asks for them.
 *
 * @see https://docs.kernel.org/bpf/btf.html
 */
export class Btf {
  readonly #types: BinaryView;
  readonly #strings: StringTable;
  /** Where each type begins; that of `void` is not used. */
  readonly #starts: Uint32Array;
  readonly #read: (BtfType | undefined)[];
  #idsByName: Map<string, number[]> | undefined;

  /**
   * @param bytes the section `.BTF`, or a file of it
   * @param what what the bytes are, for error texts
   * @throws {SatchelError} `invalid` if it is no BTF, or something in it is outside of it
   */
  constructor(bytes: Uint8Array, what: string) {
    const view = new BinaryView(bytes, bytes[0] === (MAGIC & 0xff), what);
    if (bytes.length < HEADER_LENGTH || view.u16(0) !== MAGIC) {
      throw new SatchelError("invalid", `${what} is no BTF`);
    }
    if (view.u8(2) !== 1) throw view.invalid(`BTF of version ${view.u8(2)}`);
    const [headerLength, typesAt, typesLength, stringsAt, stringsLength] = [4, 8, 12, 16, 20].map((at) => view.u32(at));
    if (headerLength! < HEADER_LENGTH) throw view.invalid(`a header of ${headerLength} bytes`);
    this.#types = view.part(headerLength! + typesAt!, typesLength!, "types");
    this.#strings = new StringTable(view.part(headerLength! + stringsAt!, stringsLength!, "strings"));
    this.#starts = findTypes(this.#types);
    this.#read = new Array(this.#starts.length);
    this.#read[0] = { kind: "void", id: 0, name: "" };
  }

  /** How many types there are, `void` among them. */
  get count(): number {
    return this.#starts.length;
  }

  /** All types, by their ids, `void` as the first. */
  *[Symbol.iterator](): Generator<BtfType> {
    for (let id = 0; id < this.count; id++) yield this.type(id);
  }

  /**
   * A type by its id.
   *
   * @throws {SatchelError} `invalid` if there is none, or what it has names something outside
   */
  type(id: number): BtfType {
    const known = this.#read[id];
    if (known) return known;
    if (id >= this.count) throw this.#types.invalid(`there is no type ${id}`);
    return this.#read[id] = this.#readType(id);
  }

  /** The first type of some kind with a name; `undefined` if there is none. */
  find<K extends BtfType["kind"]>(kind: K, name: string): BtfOfKind<K> | undefined {
    return this.named(name).map((id) => this.type(id)).find((type) => isOfKind(type, kind));
  }

  /** The ids of all types with a name, in order. */
  named(name: string): readonly number[] {
    this.#idsByName ??= this.#indexNames();
    return this.#idsByName.get(name) ?? [];
  }

  /** A text of the string section, for what refers to it from elsewhere (`.BTF.ext`). */
  text(offset: number): string {
    return this.#strings.at(offset);
  }

  /**
   * What is left of a type without typedefs, qualifiers and type tags.
   *
   * @throws {SatchelError} `invalid` if there are more than 64 of them in a row: they go round in a circle
   */
  withoutModifiers(id: number): Exclude<BtfType, BtfModifier> {
    let type = this.type(id);
    for (let steps = 0; isModifier(type); steps++) {
      if (steps === MAX_CHAIN) throw this.#types.invalid(`type ${id} is a typedef of itself`);
      type = this.type(type.typeId);
    }
    return type;
  }

  /**
   * The size of a type in bytes, where pointers have eight; of `void`, functions and what is only declared: 0.
   *
   * @throws {SatchelError} `invalid` if it contains itself
   */
  sizeOf(id: number): number {
    let count = 1;
    for (let steps = 0; steps <= MAX_CHAIN; steps++) {
      const type = this.withoutModifiers(id);
      if (type.kind === "array") {
        count *= type.length;
        id = type.typeId;
      } else if (type.kind === "var") id = type.typeId;
      else if (type.kind === "ptr") return count * 8;
      else return "size" in type ? count * type.size : 0;
    }
    throw this.#types.invalid(`type ${id} contains itself`);
  }

  #indexNames(): Map<string, number[]> {
    const ids = new Map<string, number[]>();
    for (let id = 1; id < this.count; id++) {
      const name = this.#strings.at(this.#types.u32(this.#starts[id]!));
      if (name === "") continue;
      const same = ids.get(name);
      if (same) same.push(id);
      else ids.set(name, [id]);
    }
    return ids;
  }

  #readType(id: number): BtfType {
    const [view, at] = [this.#types, this.#starts[id]!];
    const name = this.#strings.at(view.u32(at));
    const info = view.u32(at + 4);
    const last = view.u32(at + 8);
    const kind = KINDS[info >> 24 & 0x1f]!;
    const flag = info >>> 31 === 1;
    const more = at + TYPE_LENGTH;
    switch (kind) {
      case "int": {
        const encoding = view.u32(more);
        const is = (bit: number) => (encoding >> 24 & bit) !== 0;
        const [bits, bitOffset] = [encoding & 0xff, encoding >> 16 & 0xff];
        return { kind, id, name, size: last, bits, bitOffset, isSigned: is(1), isChar: is(2), isBool: is(4) };
      }
      case "float":
        return { kind, id, name, size: last };
      case "ptr":
        return { kind, id, name: "", typeId: this.#id(last) };
      case "array": {
        const [typeId, indexTypeId] = [this.#id(view.u32(more)), this.#id(view.u32(more + 4))];
        return { kind, id, name: "", typeId, indexTypeId, length: view.u32(more + 8) };
      }
      case "struct":
      case "union":
        return { kind, id, name, size: last, members: this.#members(more, info & 0xffff, flag) };
      case "enum":
      case "enum64":
        return { kind, id, name, size: last, isSigned: flag, values: this.#values(kind, more, info & 0xffff, flag) };
      case "fwd":
        return { kind, id, name, isUnion: flag };
      case "typedef":
      case "volatile":
      case "const":
      case "restrict":
      case "type_tag":
        return { kind, id, name, typeId: this.#id(last) };
      case "func":
        return { kind, id, name, typeId: this.#id(last), linkage: this.#linkage(info & 0xffff) };
      case "func_proto": {
        const params = this.#each(more, info & 0xffff, 8, (each) => ({
          name: this.#strings.at(view.u32(each)),
          typeId: this.#id(view.u32(each + 4)),
        }));
        return { kind, id, name: "", returnTypeId: this.#id(last), params };
      }
      case "var":
        return { kind, id, name, typeId: this.#id(last), linkage: this.#linkage(view.u32(more)) };
      case "datasec": {
        const variables = this.#each(more, info & 0xffff, 12, (each) => ({
          typeId: this.#id(view.u32(each)),
          offset: view.u32(each + 4),
          size: view.u32(each + 8),
        }));
        return { kind, id, name, size: last, variables };
      }
      case "decl_tag":
        return { kind, id, name, typeId: this.#id(last), componentIndex: view.i32(more) };
      case "void":
        throw view.invalid(`type ${id} is of no kind`);
    }
  }

  #members(at: number, count: number, haveBitSizes: boolean): BtfComposite["members"] {
    return this.#each(at, count, 12, (each) => {
      const offset = this.#types.u32(each + 8);
      return {
        name: this.#strings.at(this.#types.u32(each)),
        typeId: this.#id(this.#types.u32(each + 4)),
        bitOffset: haveBitSizes ? offset & 0xff_ffff : offset,
        bitSize: haveBitSizes ? offset >>> 24 : 0,
      };
    });
  }

  #values(kind: BtfEnum["kind"], at: number, count: number, isSigned: boolean): BtfEnum["values"] {
    const view = this.#types;
    return this.#each(at, count, kind === "enum" ? 8 : 12, (each) => {
      const low = BigInt(isSigned && kind === "enum" ? view.i32(each + 4) : view.u32(each + 4));
      const high = kind === "enum" ? 0n : BigInt(isSigned ? view.i32(each + 8) : view.u32(each + 8));
      return { name: this.#strings.at(view.u32(each)), value: high << 32n | low };
    });
  }

  #each<T>(at: number, count: number, size: number, read: (at: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => read(at + index * size));
  }

  #id(id: number): number {
    if (id >= this.count) throw this.#types.invalid(`there is no type ${id}`);
    return id;
  }

  #linkage(value: number): BtfLinkage {
    const linkage = LINKAGES[value];
    if (!linkage) throw this.#types.invalid(`an unknown linkage (${value})`);
    return linkage;
  }
}

/** Finds where each type begins, and that all of it is there. */
function findTypes(view: BinaryView): Uint32Array {
  // A type takes 12 bytes or more.
  const starts = new Uint32Array(Math.floor(view.length / TYPE_LENGTH) + 1);
  let [count, at] = [1, 0];
  while (at < view.length) {
    const info = view.u32(at + 4);
    const kind = KINDS[info >> 24 & 0x1f];
    // What an unknown kind is followed by, and so where the next type begins, is not known.
    if (!kind || kind === "void") throw view.invalid(`type ${count} is of unknown kind ${info >> 24 & 0x1f}`);
    starts[count++] = at;
    const { once = 0, each = 0 } = FOLLOWS[kind] ?? {};
    at += TYPE_LENGTH + once + each * (info & 0xffff);
    if (at > view.length) throw view.invalid(`type ${count - 1} is cut off`);
  }
  return starts.slice(0, count);
}

function isOfKind<K extends BtfType["kind"]>(type: BtfType, kind: K): type is BtfOfKind<K> {
  return type.kind === kind;
}

const MODIFIERS: readonly BtfType["kind"][] = ["typedef", "volatile", "const", "restrict", "type_tag"];

/** Whether a type only says something of another one. */
export function isModifier(type: BtfType): type is BtfModifier {
  return MODIFIERS.includes(type.kind);
}

/** The variables of a data section, in its order. */
export function variablesOf(btf: Btf, section: string): BtfVariable[] {
  return (btf.find("datasec", section)?.variables ?? []).flatMap(({ typeId }) => {
    const type = btf.type(typeId);
    return type.kind === "var" ? [type] : [];
  });
}
