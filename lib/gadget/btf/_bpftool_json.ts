import type { Btf } from "./btf.ts";
import type { BtfType } from "./types.ts";

/** What stands for a name that is not there. */
const ANONYMOUS = "(anon)";

/**
 * Writes types as `bpftool -j btf dump file FILE format raw` does, as a value for JSON. It is what the reader is checked by.
 */
export function bpftoolJson(btf: Btf): { types: Record<string, unknown>[] } {
  return { types: [...btf].slice(1).map(typeJson) };
}

function typeJson(type: BtfType): Record<string, unknown> {
  const head = { id: type.id, kind: type.kind.toUpperCase(), name: type.name || ANONYMOUS };
  switch (type.kind) {
    case "int": {
      const { size, bitOffset, bits } = type;
      const encoding = type.isSigned ? "SIGNED" : type.isChar ? "CHAR" : type.isBool ? "BOOL" : "(none)";
      return { ...head, size, bits_offset: bitOffset, nr_bits: bits, encoding };
    }
    case "array":
      return { ...head, type_id: type.typeId, index_type_id: type.indexTypeId, nr_elems: type.length };
    case "struct":
    case "union": {
      const members = type.members.map(({ name, typeId, bitOffset, bitSize }) => ({
        name: name || ANONYMOUS,
        type_id: typeId,
        bits_offset: bitOffset,
        ...(bitSize > 0 ? { bitfield_size: bitSize } : {}),
      }));
      return { ...head, size: type.size, vlen: members.length, members };
    }
    case "enum":
    case "enum64": {
      // It takes those of 32 bits for signed, and then prints them as if they were not.
      const printed = (value: bigint) =>
        type.kind === "enum" && !type.isSigned ? BigInt.asUintN(64, BigInt.asIntN(32, value)) : value;
      const values = type.values.map(({ name, value }) => ({ name: name || ANONYMOUS, val: Number(printed(value)) }));
      const encoding = type.isSigned ? "SIGNED" : "UNSIGNED";
      return { ...head, encoding, size: type.size, vlen: values.length, values };
    }
    case "fwd":
      return { ...head, fwd_kind: type.isUnion ? "union" : "struct" };
    case "func":
      return { ...head, type_id: type.typeId, linkage: type.linkage };
    case "func_proto": {
      const params = type.params.map(({ name, typeId }) => ({ name: name || ANONYMOUS, type_id: typeId }));
      return { ...head, ret_type_id: type.returnTypeId, vlen: params.length, params };
    }
    case "var":
      return { ...head, type_id: type.typeId, linkage: type.linkage };
    case "datasec": {
      const vars = type.variables.map(({ typeId, offset, size }) => ({ type_id: typeId, offset, size }));
      return { ...head, size: type.size, vlen: vars.length, vars };
    }
    case "decl_tag":
      return { ...head, type_id: type.typeId, component_idx: type.componentIndex };
    case "float":
      return { ...head, size: type.size };
    case "void":
      return head;
    default:
      return { ...head, type_id: type.typeId };
  }
}
