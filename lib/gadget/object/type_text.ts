import type { Btf } from "../btf/btf.ts";

/** How many pointers, arrays and qualifiers are written of one type. */
const MAX_PARTS = 16;

/**
 * How a type is written for people to read: the outermost name without qualifiers, `gadget_pid`, `struct who`, `char[8]`,
 * `void*`. No text that a compiler would take.
 *
 * @throws {SatchelError} `invalid` if it names a type that is not there
 */
export function typeText(btf: Btf, typeId: number): string {
  let suffix = "";
  let id = typeId;
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    const type = btf.type(id);
    switch (type.kind) {
      case "const":
      case "volatile":
      case "restrict":
      case "type_tag":
      case "var":
        break;
      case "array":
        suffix += `[${type.length}]`;
        break;
      case "ptr":
        suffix = `*${suffix}`;
        break;
      case "void":
        return `void${suffix}`;
      case "struct":
      case "union":
        return `${type.kind} ${type.name || "(anonymous)"}${suffix}`;
      case "enum":
      case "enum64":
        return `enum ${type.name || "(anonymous)"}${suffix}`;
      case "fwd":
        return `${type.isUnion ? "union" : "struct"} ${type.name}${suffix}`;
      case "func_proto":
        return `function${suffix}`;
      default:
        return `${type.name}${suffix}`;
    }
    id = "typeId" in type ? type.typeId : 0;
  }
  return `(...)${suffix}`;
}
