import type { Btf } from "../btf/btf.ts";
import type { BtfComposite, BtfMember, BtfType } from "../btf/types.ts";
import type { TEMPLATES } from "./annotations.ts";

/** A member of a structure whose records a data source has. */
export interface StructField {
  /** Empty if it is anonymous. */
  name: string;
  /** What its fields may be called in gadget.yaml: its own name, those of its members (`src.port`), and what is made of `NAME_raw`. */
  names: string[];
  /** The names of its type and of what that stands for, the outermost first. */
  typeNames: string[];
  /** What its type is in the end; of an array, its items. */
  base: BtfType;
  /** Of an array how many items it has; of several dimensions the first one's. */
  length: number | undefined;
  /** Whether `ig` shows it: pointers, functions, arrays of structures or of nothing, and integers of 16 bytes are left out. */
  isShown: boolean;
}

/** How deep structures are looked into, and how many typedefs are followed. */
const MAX_DEPTH = 8;
const MAX_TYPEDEFS = 64;

/** How many names a structure's fields may have, with those of members of members; and how long one may be, in UTF-16 units. */
const MAX_NAMES = 20_000;
const MAX_NAME = 512;

/** What is made of a field to be shown stands beside it, under the name without this. */
const RAW = /_raw$/;

/** The members of a structure, in its order. */
export function fieldsOf(btf: Btf, { members }: BtfComposite): StructField[] {
  let left = MAX_NAMES;
  return members.map((member) => {
    const { names: typeNames, base, length } = typeOf(btf, member);
    const names: string[] = [];
    addNames(btf, member, "", names, left);
    left = Math.max(left - names.length, 1);
    const isOfName = member.name !== "" && !member.name.startsWith("__");
    return { name: member.name, names, typeNames, base, length, isShown: isOfName && canBeShown(base, length) };
  });
}

function typeOf(btf: Btf, { typeId }: BtfMember): { names: string[]; base: BtfType; length: number | undefined } {
  const names: string[] = [];
  let length: number | undefined;
  let base = btf.type(typeId);
  for (let steps = 0; steps < MAX_TYPEDEFS && "typeId" in base && base.kind !== "ptr"; steps++) {
    if (base.kind === "typedef") names.push(base.name);
    if (base.kind === "array") length = length === undefined ? base.length : Math.min(length, base.length);
    base = btf.type(base.typeId);
  }
  return { names: [...names, base.name], base, length };
}

function canBeShown(base: BtfType, length: number | undefined): boolean {
  if (length === 0) return false;
  switch (base.kind) {
    case "int":
    case "float":
      return base.size <= 8;
    case "enum":
    case "enum64":
      return true;
    default:
      return (base.kind === "struct" || base.kind === "union") && length === undefined;
  }
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
export function annotationsOf(field: StructField): [key: string, value: string][] {
  const template = templateOf(field);
  if (template !== undefined) return [["template", template]];
  const { base, length, name } = field;
  const widthFor = (content: number): [string, string] => ["columns.width", String(Math.max(content, name.length))];
  if (base.kind === "int" && base.size === 1 && length !== undefined) {
    return base.name.includes("char") && !base.name.includes("unsigned")
      ? [widthFor(Math.min(length - 1, MAX_WIDTH))]
      : [];
  }
  if (base.kind !== "int" || length !== undefined) return [];
  if (base.isBool) return [widthFor("false".length)];
  if (base.size === 8 && !base.isSigned && /(^|_)(addr|address|ptr)$/.test(name)) {
    return [["columns.hex", "true"], widthFor("0xffffffffffffffff".length)];
  }
  const largest = (1n << BigInt(base.size * 8 - (base.isSigned ? 1 : 0))) - 1n;
  return [["columns.alignment", "right"], widthFor(String(largest).length + (base.isSigned ? 1 : 0))];
}

function templateOf({ name, typeNames, base, length }: StructField): string | undefined {
  const byType = typeNames.find((each) => Object.hasOwn(TEMPLATES_BY_TYPE, each));
  if (byType !== undefined) return TEMPLATES_BY_TYPE[byType];
  const byName = Object.hasOwn(TEMPLATES_BY_NAME, name) ? TEMPLATES_BY_NAME[name] : undefined;
  const size = base.kind === "int" ? base.size * (length ?? 1) : 0;
  return byName?.size === size ? byName?.template : undefined;
}
