import { SatchelError } from "../../error.ts";
import { BinaryView, StringTable } from "../binary_view.ts";
import { TypeReader } from "./type_reader.ts";
import type { BtfModifier, BtfOfKind, BtfType, BtfVariable } from "./types.ts";

const MAGIC = 0xeb9f;
const HEADER_LENGTH = 24;

/** How many modifiers, arrays and pointers are followed from one type: a chain that is longer goes round in a circle. */
const MAX_CHAIN = 64;

/**
 * The types of a program or a kernel. They are found when it is made, and read one by one when somebody asks for them.
 *
 * @see https://docs.kernel.org/bpf/btf.html
 */
export class Btf {
  readonly #whole: BinaryView;
  readonly #strings: StringTable;
  readonly #reader: TypeReader;
  readonly #types: (BtfType | undefined)[];
  /** The first id of each name, for the kinds that were asked for: a kernel has thousands of structures among all its types. */
  readonly #firstByName = new Map<BtfType["kind"], Map<string, number>>();
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
    this.#whole = view;
    this.#strings = new StringTable(view.part(headerLength! + stringsAt!, stringsLength!, "string section"));
    this.#reader = new TypeReader(view.part(headerLength! + typesAt!, typesLength!, "type section"), this.#strings);
    this.#types = new Array(this.#reader.count);
  }

  /** How many types there are, `void` among them. */
  get count(): number {
    return this.#reader.count;
  }

  /** All types, by their ids, `void` as the first. */
  *[Symbol.iterator](): Generator<BtfType> {
    for (let id = 0; id < this.count; id++) yield this.type(id);
  }

  /** All types of some kind, by their ids; others are not read. */
  *ofKind<K extends BtfType["kind"]>(kind: K): Generator<BtfOfKind<K>> {
    for (let id = 0; id < this.count; id++) {
      if (this.#reader.kindOf(id) === kind) yield this.type(id) as BtfOfKind<K>;
    }
  }

  /**
   * A type by its id.
   *
   * @throws {SatchelError} `invalid` if there is none, or what it has names something outside
   */
  type(id: number): BtfType {
    const known = this.#types[id];
    if (known) return known;
    if (id >= this.count) throw this.#whole.invalid(`there is no type ${id}`);
    return this.#types[id] = this.#reader.read(id);
  }

  /** The first type of some kind with a name; `undefined` if there is none. */
  find<K extends BtfType["kind"]>(kind: K, name: string): BtfOfKind<K> | undefined {
    let ids = this.#firstByName.get(kind);
    if (!ids) this.#firstByName.set(kind, ids = this.#indexFirst(kind));
    const id = ids.get(name);
    return id === undefined ? undefined : this.type(id) as BtfOfKind<K>;
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
      if (steps === MAX_CHAIN) throw this.#whole.invalid(`type ${id} is a typedef of itself`);
      type = this.type(type.typeId);
    }
    return type;
  }

  /**
   * The size of a type in bytes, where pointers have eight; of `void`, functions and what is only declared: 0.
   *
   * @throws {SatchelError} `invalid` if it contains itself, or is larger than a number holds exactly
   */
  sizeOf(id: number): number {
    let [count, inner] = [1, id];
    for (let steps = 0; steps <= MAX_CHAIN; steps++) {
      const type = this.withoutModifiers(inner);
      if (type.kind === "array") {
        count *= type.length;
        inner = type.typeId;
      } else if (type.kind === "var") inner = type.typeId;
      else {
        const size = count * (type.kind === "ptr" ? 8 : "size" in type ? type.size : 0);
        if (!Number.isSafeInteger(size)) throw this.#whole.invalid(`type ${id} is too large`);
        return size;
      }
    }
    throw this.#whole.invalid(`type ${id} contains itself`);
  }

  #indexFirst(kind: BtfType["kind"]): Map<string, number> {
    const ids = new Map<string, number>();
    for (let id = 1; id < this.count; id++) {
      if (this.#reader.kindOf(id) !== kind) continue;
      const name = this.#reader.nameOf(id);
      if (name !== "" && !ids.has(name)) ids.set(name, id);
    }
    return ids;
  }

  #indexNames(): Map<string, number[]> {
    const ids = new Map<string, number[]>();
    for (let id = 1; id < this.count; id++) {
      const name = this.#reader.nameOf(id);
      if (name === "") continue;
      const same = ids.get(name);
      if (same) same.push(id);
      else ids.set(name, [id]);
    }
    return ids;
  }
}

const MODIFIERS: ReadonlySet<BtfType["kind"]> = new Set(["typedef", "volatile", "const", "restrict", "type_tag"]);

/** Whether a type only says something of another one. */
function isModifier(type: BtfType): type is BtfModifier {
  return MODIFIERS.has(type.kind);
}

/** The variables of a data section, in its order. */
export function variablesOf(btf: Btf, section: string): BtfVariable[] {
  return (btf.find("datasec", section)?.variables ?? []).flatMap(({ typeId }) => {
    const type = btf.type(typeId);
    return type.kind === "var" ? [type] : [];
  });
}
