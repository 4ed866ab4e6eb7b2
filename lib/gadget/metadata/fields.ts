import type { Btf } from "../btf/btf.ts";
import type { BtfComposite, BtfMember } from "../btf/types.ts";
import { FieldKind, type FieldType, fieldTypeOf, kindOf } from "../inspect/field_kinds.ts";
import { compositeOf } from "../inspect/fields.ts";
import type { TEMPLATES } from "./annotations.ts";

/** A member of a structure whose records a data source has. */
export interface StructField {
  /** Empty if it is anonymous. */
  name: string;
  /** What its fields may be called in gadget.yaml: its own name, those of its members (`src.port`), and what is made of `NAME_raw`. */
  names: string[];
  /** `undefined` if typedefs go round in a circle. */
  type: FieldType | undefined;
  /** Whether `ig` shows it: pointers, arrays of structures and the like are left out. */
  isShown: boolean;
}

/** How deep structures are looked into. */
const MAX_DEPTH = 8;

/** How many names a structure's fields may have, with those of members of members; and how long one may be, in UTF-16 units. */
const MAX_NAMES = 20_000;
const MAX_NAME = 512;

/** What is made of a field to be shown stands beside it, under the name without this. */
const RAW = /_raw$/;

/** The members of a structure, in its order. */
export function fieldsOf(btf: Btf, { members }: BtfComposite): StructField[] {
  let left = MAX_NAMES;
  return members.map((member) => {
    const names: string[] = [];
    addNames(btf, member, "", names, left);
    left = Math.max(left - names.length, 1);
    const type = fieldTypeOf(btf, member.typeId);
    const hasName = member.name !== "" && !member.name.startsWith("__");
    const isShown = hasName && type !== undefined && (kindOf(type) !== undefined || compositeOf(type) !== undefined);
    return { name: member.name, names, type, isShown };
  });
}

function addNames(btf: Btf, member: BtfMember, before: string, names: string[], limit: number, depth = 0): void {
  const name = before + member.name;
  if (names.length >= limit || name.length > MAX_NAME) return;
  names.push(name);
  if (RAW.test(name)) names.push(name.replace(RAW, ""));
  const type = btf.withoutModifiers(member.typeId);
  if (depth === MAX_DEPTH || (type.kind !== "struct" && type.kind !== "union")) return;
  for (const inner of type.members) addNames(btf, inner, `${name}.`, names, limit, depth + 1);
}

/** What Inspektor Gadget's own types say of a field, by the names of `gadget/types.h`. */
const TEMPLATES_BY_TYPE: Readonly<Record<string, typeof TEMPLATES[number]>> = {
  gadget_timestamp: "timestamp",
  gadget_duration: "duration",
  gadget_bytes: "bytes",
  gadget_comm: "comm",
  gadget_pcomm: "pcomm",
  gadget_pid: "pid",
  gadget_ppid: "ppid",
  gadget_tid: "tid",
  gadget_ptid: "ptid",
  gadget_uid: "uid",
  gadget_gid: "gid",
  gadget_mntns_id: "mntns_id",
  gadget_netns_id: "netns_id",
  gadget_syscall: "syscall",
  gadget_errno: "errorString",
  gadget_user_stack: "user_stack",
  gadget_l4endpoint_t: "l4endpoint",
};

/** What a field is by its name, if its type has no such meaning and is of this size in all. */
const TEMPLATES_BY_NAME: Readonly<Record<string, { template: typeof TEMPLATES[number]; size: number }>> = {
  comm: { template: "comm", size: 16 },
  pcomm: { template: "pcomm", size: 16 },
  pid: { template: "pid", size: 4 },
  ppid: { template: "ppid", size: 4 },
  tid: { template: "tid", size: 4 },
  uid: { template: "uid", size: 4 },
  gid: { template: "gid", size: 4 },
  mntns_id: { template: "mntns_id", size: 8 },
  netns_id: { template: "netns_id", size: 4 },
};

/** The widest column that is asked for a text. */
const MAX_WIDTH = 40;

/** How `ig` would show a field best, as far as its type tells: annotations for gadget.yaml, without a description. */
export function annotationsOf({ name, type }: StructField): [key: string, value: string][] {
  if (!type) return [];
  const template = templateOf(name, type);
  if (template !== undefined) return [["template", template]];
  const { base, dimensions } = type;
  const widthFor = (content: number): [string, string] => ["columns.width", String(Math.max(content, name.length))];
  if (kindOf(type) === FieldKind.cString) return [widthFor(Math.min(dimensions[0]! - 1, MAX_WIDTH))];
  if (base.kind !== "int" || dimensions.length > 0) return [];
  if (base.isBool) return [widthFor("false".length)];
  if (base.size === 8 && !base.isSigned && /(^|_)(addr|address|ptr)$/.test(name)) {
    return [["columns.hex", "true"], widthFor("0xffffffffffffffff".length)];
  }
  const largest = (1n << BigInt(base.size * 8 - (base.isSigned ? 1 : 0))) - 1n;
  return [["columns.alignment", "right"], widthFor(String(largest).length + (base.isSigned ? 1 : 0))];
}

function templateOf(name: string, { names, base, dimensions }: FieldType): string | undefined {
  const byType = names.find((each) => Object.hasOwn(TEMPLATES_BY_TYPE, each));
  if (byType !== undefined) return TEMPLATES_BY_TYPE[byType];
  const byName = Object.hasOwn(TEMPLATES_BY_NAME, name) ? TEMPLATES_BY_NAME[name] : undefined;
  const size = base.kind === "int" ? dimensions.reduce((product, length) => product * length, base.size) : 0;
  return byName?.size === size ? byName?.template : undefined;
}
