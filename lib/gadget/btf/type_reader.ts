import type { BinaryView, StringTable } from "../binary_view.ts";
import type { BtfComposite, BtfEnum, BtfLinkage, BtfType } from "./types.ts";

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

/** How many words follow a type of some kind: at all, and for each of its `vlen` entries. */
const FOLLOWS: Partial<Record<Kind, { once?: number; each?: number }>> = {
  int: { once: 1 },
  array: { once: 3 },
  struct: { each: 3 },
  union: { each: 3 },
  enum: { each: 2 },
  func_proto: { each: 2 },
  var: { once: 1 },
  datasec: { each: 3 },
  decl_tag: { once: 1 },
  enum64: { each: 3 },
};

/** The same by the numbers of kinds. */
const ONCE = KINDS.map((kind) => FOLLOWS[kind]?.once ?? 0);
const EACH = KINDS.map((kind) => FOLLOWS[kind]?.each ?? 0);

/** `struct btf_type`: name, kind and number of entries, size or type. */
const TYPE_WORDS = 3;

/** How the linkage of variables and functions is numbered. */
const LINKAGES: readonly BtfLinkage[] = ["static", "global", "extern"];

/**
 * Reads the section of types, which is made of words of 4 bytes alone. Where each type begins, and that all of it is there,
 * is found when it is made.
 *
 * @see https://docs.kernel.org/bpf/btf.html#type-encoding
 */
export class TypeReader {
  readonly #view: BinaryView;
  readonly #strings: StringTable;
  readonly #words: Uint32Array;
  /** The word that each type begins with; that of `void` is not used. */
  readonly #starts: Uint32Array;

  /** @throws {SatchelError} `invalid` if a type is of an unknown kind, or cut off */
  constructor(view: BinaryView, strings: StringTable) {
    this.#view = view;
    this.#strings = strings;
    this.#words = wordsOf(view);
    this.#starts = findTypes(view, this.#words);
  }

  /** How many types there are, `void` among them. */
  get count(): number {
    return this.#starts.length;
  }

  /** The kind of a type that is there. */
  kindOf(id: number): BtfType["kind"] {
    return id === 0 ? "void" : KINDS[this.#words[this.#starts[id]! + 1]! >> 24 & 0x1f]!;
  }

  /** The name of a type that is there, and is not `void`; also of kinds that should have none. */
  nameOf(id: number): string {
    return this.#strings.at(this.#words[this.#starts[id]!]!);
  }

  /**
   * Reads a type that is there.
   *
   * @throws {SatchelError} `invalid` if what it has names something outside
   */
  read(id: number): BtfType {
    if (id === 0) return { kind: "void", id: 0, name: "" };
    const words = this.#words;
    const at = this.#starts[id]!;
    const name = this.#strings.at(words[at]!);
    const info = words[at + 1]!;
    const last = words[at + 2]!;
    const kind = KINDS[info >> 24 & 0x1f]!;
    const count = info & 0xffff;
    const flag = info >>> 31 === 1;
    const more = at + TYPE_WORDS;
    switch (kind) {
      case "int":
        return { kind, id, name, size: last, ...integer(words[more]!) };
      case "float":
        return { kind, id, name, size: last };
      case "ptr":
        return { kind, id, name: "", typeId: this.#id(last) };
      case "array": {
        const [typeId, indexTypeId] = [this.#id(words[more]!), this.#id(words[more + 1]!)];
        return { kind, id, name: "", typeId, indexTypeId, length: words[more + 2]! };
      }
      case "struct":
      case "union":
        return { kind, id, name, size: last, members: this.#members(more, count, flag) };
      case "enum":
      case "enum64":
        return { kind, id, name, size: last, isSigned: flag, values: this.#values(kind, more, count, flag) };
      case "fwd":
        return { kind, id, name, isUnion: flag };
      case "typedef":
      case "volatile":
      case "const":
      case "restrict":
      case "type_tag":
        return { kind, id, name, typeId: this.#id(last) };
      case "func":
        return { kind, id, name, typeId: this.#id(last), linkage: this.#linkage(count) };
      case "func_proto":
        return { kind, id, name: "", returnTypeId: this.#id(last), params: this.#params(more, count) };
      case "var":
        return { kind, id, name, typeId: this.#id(last), linkage: this.#linkage(words[more]!) };
      case "datasec":
        return { kind, id, name, size: last, variables: this.#variables(more, count) };
      case "decl_tag":
        return { kind, id, name, typeId: this.#id(last), componentIndex: words[more]! | 0 };
      case "void":
        throw this.#view.invalid(`type ${id} is of no kind`);
    }
  }

  #members(from: number, count: number, haveBitSizes: boolean): BtfComposite["members"] {
    const members: BtfComposite["members"] = [];
    for (let at = from; at < from + 3 * count; at += 3) {
      const offset = this.#words[at + 2]!;
      members.push({
        name: this.#strings.at(this.#words[at]!),
        typeId: this.#id(this.#words[at + 1]!),
        bitOffset: haveBitSizes ? offset & 0xff_ffff : offset,
        bitSize: haveBitSizes ? offset >>> 24 : 0,
      });
    }
    return members;
  }

  #values(kind: BtfEnum["kind"], from: number, count: number, isSigned: boolean): BtfEnum["values"] {
    const signed = (word: number) => BigInt(isSigned ? word | 0 : word);
    const size = kind === "enum" ? 2 : 3;
    const values: BtfEnum["values"] = [];
    for (let at = from; at < from + size * count; at += size) {
      const [name, low] = [this.#strings.at(this.#words[at]!), this.#words[at + 1]!];
      const value = kind === "enum" ? signed(low) : signed(this.#words[at + 2]!) << 32n | BigInt(low);
      values.push({ name, value });
    }
    return values;
  }

  #params(from: number, count: number): { name: string; typeId: number }[] {
    const params = [];
    for (let at = from; at < from + 2 * count; at += 2) {
      params.push({ name: this.#strings.at(this.#words[at]!), typeId: this.#id(this.#words[at + 1]!) });
    }
    return params;
  }

  #variables(from: number, count: number): { typeId: number; offset: number; size: number }[] {
    const variables = [];
    for (let at = from; at < from + 3 * count; at += 3) {
      variables.push({
        typeId: this.#id(this.#words[at]!),
        offset: this.#words[at + 1]!,
        size: this.#words[at + 2]!,
      });
    }
    return variables;
  }

  #id(id: number): number {
    if (id >= this.count) throw this.#view.invalid(`there is no type ${id}`);
    return id;
  }

  #linkage(value: number): BtfLinkage {
    const linkage = LINKAGES[value];
    if (!linkage) throw this.#view.invalid(`an unknown linkage (${value})`);
    return linkage;
  }
}

/** What the word after an `int` says. */
function integer(encoding: number) {
  const is = (bit: number) => (encoding >> 24 & bit) !== 0;
  return {
    bits: encoding & 0xff,
    bitOffset: encoding >> 16 & 0xff,
    isSigned: is(1),
    isChar: is(2),
    isBool: is(4),
  };
}

/** All words, in the byte order of this machine, in memory of their own, where they are aligned. */
function wordsOf(view: BinaryView): Uint32Array {
  if (view.length % 4 !== 0) throw view.invalid("its length is not a multiple of 4 bytes");
  // Not by `slice`, by which a Node buffer shares its memory.
  const words = new Uint32Array(new Uint8Array(view.bytes).buffer);
  const isHostLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  if (view.isLittleEndian === isHostLittleEndian) return words;
  return words.map((_, index) => view.u32(4 * index));
}

/** Finds where each type begins, and that all of it is there. */
function findTypes(view: BinaryView, words: Uint32Array): Uint32Array {
  const starts = new Uint32Array(Math.floor(words.length / TYPE_WORDS) + 1);
  let [count, at] = [1, 0];
  while (at < words.length) {
    if (at + TYPE_WORDS > words.length) throw view.invalid(`type ${count} is cut off`);
    const info = words[at + 1]!;
    const kind = info >> 24 & 0x1f;
    // What an unknown kind is followed by, and so where the next type begins, is not known.
    if (kind === 0 || kind >= KINDS.length) throw view.invalid(`type ${count} is of unknown kind ${kind}`);
    starts[count++] = at;
    at += TYPE_WORDS + ONCE[kind]! + EACH[kind]! * (info & 0xffff);
    if (at > words.length) throw view.invalid(`type ${count - 1} is cut off`);
  }
  return starts.slice(0, count);
}
