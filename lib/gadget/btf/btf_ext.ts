import { SatchelError } from "../../error.ts";
import { BinaryView } from "../binary_view.ts";
import type { Btf } from "./btf.ts";

const MAGIC = 0xeb9f;

/** What function begins at an instruction. */
export interface FunctionInfo {
  /** Bytes from the beginning of the section. */
  offset: number;
  /** The id of its type, a `func`. */
  typeId: number;
}

/** What line of the source an instruction comes from. */
export interface LineInfo {
  /** Bytes from the beginning of the section. */
  offset: number;
  file: string;
  /** The text of the line, as it is written. */
  text: string;
  line: number;
  column: number;
}

/** What is to be adapted to the kernel that a program runs in (CO-RE). */
export interface CoreRelocation {
  /** Bytes from the beginning of the section. */
  offset: number;
  typeId: number;
  /** Indices of members, `0:1:2`. */
  access: string;
  /** `enum bpf_core_relo_kind` of the kernel. */
  kind: number;
}

/** What `.BTF.ext` says of the instructions of one section; in the order of the file. */
export interface SectionInfo {
  functions: FunctionInfo[];
  lines: LineInfo[];
  coreRelocations: CoreRelocation[];
}

type Read<T> = (record: BinaryView, at: number) => T;

/**
 * Reads the section `.BTF.ext`: a {@link SectionInfo} for the name of each section that it speaks of.
 *
 * @param btf what its texts are in
 * @throws {SatchelError} `invalid` if it is none, or something in it is outside of it
 * @see https://docs.kernel.org/bpf/btf.html#btf-ext-section
 */
export function parseBtfExt(bytes: Uint8Array, btf: Btf, what: string): Map<string, SectionInfo> {
  const view = new BinaryView(bytes, bytes[0] === (MAGIC & 0xff), what);
  if (bytes.length < 24 || view.u16(0) !== MAGIC) throw new SatchelError("invalid", `${what} is no BTF.ext`);
  const headerLength = view.u32(4);
  const sections = new Map<string, SectionInfo>();
  const infoOf = (name: string) => {
    const info = sections.get(name) ?? { functions: [], lines: [], coreRelocations: [] };
    sections.set(name, info);
    return info;
  };
  const part = (at: number, name: string) => {
    // Old headers end before the last part.
    if (at + 8 > headerLength) return view.part(0, 0, name);
    return view.part(headerLength + view.u32(at), view.u32(at + 4), name);
  };

  const readFunction: Read<FunctionInfo> = (record, at) => ({ offset: record.u32(at), typeId: record.u32(at + 4) });
  eachRecord(part(8, "function part"), btf, 8, readFunction, (name, each) => infoOf(name).functions.push(each));
  const readLine: Read<LineInfo> = (record, at) => ({
    offset: record.u32(at),
    file: btf.text(record.u32(at + 4)),
    text: btf.text(record.u32(at + 8)),
    line: record.u32(at + 12) >>> 10,
    column: record.u32(at + 12) & 0x3ff,
  });
  eachRecord(part(16, "line part"), btf, 16, readLine, (name, each) => infoOf(name).lines.push(each));
  const readCore: Read<CoreRelocation> = (record, at) => ({
    offset: record.u32(at),
    typeId: record.u32(at + 4),
    access: btf.text(record.u32(at + 8)),
    kind: record.u32(at + 12),
  });
  eachRecord(part(24, "relocation part"), btf, 16, readCore, (name, each) => infoOf(name).coreRelocations.push(each));
  return sections;
}

/** Reads one part: the size of its records, then for each section its name, their count and they themselves. */
function eachRecord<T>(
  view: BinaryView,
  btf: Btf,
  leastSize: number,
  read: Read<T>,
  take: (section: string, record: T) => void,
): void {
  if (view.length === 0) return;
  const size = view.u32(0);
  if (size < leastSize) throw view.invalid(`records of ${size} bytes`);
  let at = 4;
  while (at < view.length) {
    const [section, count] = [btf.text(view.u32(at)), view.u32(at + 4)];
    const records = view.part(at + 8, count * size, `part of ${section}`);
    for (let index = 0; index < count; index++) take(section, read(records, index * size));
    at += 8 + count * size;
  }
}
