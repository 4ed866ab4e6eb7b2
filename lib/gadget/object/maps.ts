import type { BinaryView } from "../binary_view.ts";
import { type Btf, variablesOf } from "../btf/btf.ts";
import type { BtfMember } from "../btf/types.ts";
import { mapTypeName } from "./map_types.ts";

/** A map, as a program declares it in the section `.maps`. What is not declared is 0 or `undefined`. */
export interface EbpfMap {
  name: string;
  /** `Hash`, `RingBuf`: see `map_types.ts`. */
  type: string;
  /** Bytes. */
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  /** 1: by its name. */
  pinning: number;
  /** Ids of BTF types. */
  keyTypeId: number | undefined;
  valueTypeId: number | undefined;
}

/** Members whose value is the length of an array, `int (*max_entries)[4096]`. */
const NUMBERS = ["type", "key_size", "value_size", "max_entries", "map_flags", "pinning"] as const;

/** The most maps that are read, and members of what declares one: libbpf knows a dozen. */
const MAX_MAPS = 4096;
const MAX_MEMBERS = 64;

/**
 * Reads the maps as libbpf defines them ("BTF-defined maps"): each a variable whose structure has a member for each property.
 *
 * @param whole the object, for error texts
 * @throws {SatchelError} `invalid` if one is declared otherwise
 */
export function readMaps(btf: Btf, whole: BinaryView): EbpfMap[] {
  const variables = variablesOf(btf, ".maps");
  if (variables.length > MAX_MAPS) throw whole.invalid(`it has more than ${MAX_MAPS} maps`);
  return variables.map(({ name, typeId }) => {
    const definition = btf.withoutModifiers(typeId);
    if (definition.kind !== "struct") throw whole.invalid(`the map ${name} is no structure`);
    if (definition.members.length > MAX_MEMBERS) throw whole.invalid(`the map ${name} has too many members`);
    const members = new Map(definition.members.map((member) => [member.name, member]));
    const numbers = Object.fromEntries(
      NUMBERS.map((key) => [key, numberOf(btf, members.get(key))]),
    ) as Record<typeof NUMBERS[number], number>;
    const [keyTypeId, valueTypeId] = [pointedAt(btf, members.get("key")), pointedAt(btf, members.get("value"))];
    return {
      name,
      type: mapTypeName(numbers.type),
      keySize: keyTypeId === undefined ? numbers.key_size : btf.sizeOf(keyTypeId),
      valueSize: valueTypeId === undefined ? numbers.value_size : btf.sizeOf(valueTypeId),
      maxEntries: numbers.max_entries,
      flags: numbers.map_flags,
      pinning: numbers.pinning,
      keyTypeId,
      valueTypeId,
    };
  });
}

function numberOf(btf: Btf, member: BtfMember | undefined): number {
  const typeId = pointedAt(btf, member);
  if (typeId === undefined) return 0;
  const type = btf.withoutModifiers(typeId);
  return type.kind === "array" ? type.length : 0;
}

function pointedAt(btf: Btf, member: BtfMember | undefined): number | undefined {
  if (!member) return undefined;
  const pointer = btf.withoutModifiers(member.typeId);
  return pointer.kind === "ptr" ? pointer.typeId : undefined;
}
