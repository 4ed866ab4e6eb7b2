import { SatchelError } from "../../error.ts";
import type { Btf } from "../btf/btf.ts";
import type { BtfComposite, BtfMember } from "../btf/types.ts";
import { memberAnnotations, typeAnnotations } from "./annotations.ts";
import { applySettings, type DataSourceField, FieldFlag, type FieldSettings, newField } from "./field.ts";
import { FieldKind, type FieldType, fieldTypeOf, kindOf } from "./field_kinds.ts";

/** How many fields all data sources of an object may have; those of official gadgets have some dozens each. */
const MAX_FIELDS = 20_000;

/**
 * How many UTF-16 units their names, tags and annotations may have together: members of members have the names of all above
 * them in theirs, and many members may share long ones.
 */
const MAX_TEXT = 16 * 1024 * 1024;

/** How deep structures may nest; one that contains itself would without an end. */
const MAX_DEPTH = 32;

/** What the fields of one structure have in common. */
export interface FieldsOf {
  payloadIndex: number;
  /** What stands behind each field's own tags. */
  tags: readonly string[];
  settings: FieldSettings;
}

/** Where a structure is in another one. */
interface Place {
  parent: DataSourceField | undefined;
  /** Bytes. */
  offset: number;
  /** Where the record ends. */
  end: number;
  depth: number;
}

/** Turns structures into fields, of which there may be so many for one object. */
export class Fields {
  readonly #btf: Btf;
  /** Those fields that are enumerations. */
  readonly enums = new Set<DataSourceField>();
  #left = MAX_FIELDS;
  #textLeft = MAX_TEXT;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /**
   * Adds the members of a structure to a list of fields, and the members of those that are structures themselves.
   *
   * @throws {SatchelError} `invalid` if it contains itself or has too many members
   */
  add(list: DataSourceField[], struct: BtfComposite, of: FieldsOf): void {
    this.#addMembers(list, struct, of, { parent: undefined, offset: 0, end: struct.size, depth: 0 });
  }

  #addMembers(list: DataSourceField[], struct: BtfComposite, of: FieldsOf, place: Place): void {
    if (place.depth === MAX_DEPTH) throw invalid(struct, `nests more than ${MAX_DEPTH} deep`);
    for (const member of struct.members) {
      // Padding and the like.
      if (member.name.startsWith("__")) continue;
      const type = fieldTypeOf(this.#btf, member.typeId);
      if (!type) continue;
      const inner = compositeOf(type);
      const kind = inner ? FieldKind.bytes : kindOf(type);
      if (kind === undefined) continue;
      const { offset, tags } = bitsOf(member, type);
      const field = {
        ...newField(list, member.name, kind, place.parent),
        payloadIndex: of.payloadIndex,
        offs: place.offset + offset,
        size: this.#btf.sizeOf(member.typeId),
        tags: [...type.names.map((name) => `type:${name}`), `name:${member.name}`, ...tags, ...of.tags],
      };
      if (tags.length === 0 && field.offs + field.size > place.end) {
        throw invalid(struct, `has a member ${member.name} that reaches beyond the end`);
      }
      field.flags |= FieldFlag.staticMember;
      Object.assign(field.annotations, typeAnnotations(type.names), memberAnnotations(struct.name, member.name));
      applySettings(field, of.settings);
      this.#count(struct, field);
      list.push(field);
      if (isEnum(type)) this.enums.add(field);
      if (!inner) continue;
      const within = { parent: field, offset: field.offs, end: place.end, depth: place.depth + 1 };
      this.#addMembers(list, inner, of, within);
    }
  }

  #count(struct: BtfComposite, { fullName, tags, annotations }: DataSourceField): void {
    this.#left--;
    const texts = [fullName, ...tags, ...Object.entries(annotations).flat()];
    this.#textLeft -= texts.reduce((sum, text) => sum + text.length, 0);
    if (this.#left < 0 || this.#textLeft < 0) throw invalid(struct, "has too many members");
  }
}

/** The structure that a field is; one behind a typedef or in an array is not taken apart, and left out. */
export function compositeOf({ base, dimensions, isNamed }: FieldType): BtfComposite | undefined {
  const isComposite = base.kind === "struct" || base.kind === "union";
  return isComposite && dimensions.length === 0 && !isNamed ? base : undefined;
}

/** Whether a field is an enumeration, and not by a typedef. */
function isEnum({ base, dimensions, isNamed }: FieldType): boolean {
  return (base.kind === "enum" || base.kind === "enum64") && dimensions.length === 0 && !isNamed;
}

/** Where a member is; a bit field is in the word that has all of its bits, and a tag says which. */
function bitsOf(
  { bitOffset, bitSize }: BtfMember,
  { base, dimensions }: FieldType,
): { offset: number; tags: string[] } {
  const offset = Math.floor(bitOffset / 8);
  if (dimensions.length > 0 || !("size" in base)) return { offset, tags: [] };
  // Compilers of old say it in the type.
  const isOld = base.kind === "int" && base.bits < base.size * 8 && !base.isBool;
  const count = bitSize || (isOld ? base.bits : 0);
  if (count === 0) return { offset, tags: [] };
  const first = bitOffset + (isOld ? base.bitOffset : 0);
  const word = Math.floor(first / (base.size * 8)) * base.size;
  const isWithin = first + count <= (word + base.size) * 8;
  const begin = isWithin ? word : Math.floor(first / 8);
  return { offset: begin, tags: [`bits:${first - begin * 8}:${count}`] };
}

function invalid({ kind, name }: BtfComposite, text: string): SatchelError {
  return new SatchelError("invalid", `the ${kind} ${name || "without a name"} ${text}`);
}
