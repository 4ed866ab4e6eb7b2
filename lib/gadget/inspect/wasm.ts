import { SatchelError } from "../../error.ts";
import { WasmReader } from "./wasm_reader.ts";
import { constantOf } from "./wasm_constant.ts";

/** What a WebAssembly module has for others and takes of them. It is read, never run. */
export interface WasmModule {
  /** In the order of the module. */
  imports: WasmImport[];
  exports: WasmExport[];
  /** What `gadgetAPIVersion` returns: see {@link WasmVersion}. */
  apiVersion: WasmVersion;
  /** The functions of Inspektor Gadget that it calls: what it imports of the module `ig`, in its order. */
  upcalls: string[];
}

/** `missing`: no such function; `unknown`: there is one, but what it returns does not stand in its code. */
export type WasmVersion = bigint | "missing" | "unknown";

/** What is wrong with a module without one, for people. */
export const WITHOUT_VERSION = "the module has no function gadgetAPIVersion, so Inspektor Gadget refuses to run it";

/** What can be imported and exported. */
export type WasmKind = typeof KINDS[number];

export interface WasmImport {
  module: string;
  name: string;
  kind: WasmKind;
}

export interface WasmExport {
  name: string;
  kind: WasmKind;
  /** Its number among all of its kind, the imported ones first. */
  index: number;
}

/** The largest module that is read, in bytes; what Go makes has some MB. */
export const MAX_WASM_SIZE = 64 * 1024 * 1024;

/** How many imports and exports there may be; real gadgets have some dozens. */
const MAX_NAMES = 10_000;

const KINDS = ["function", "table", "memory", "global", "tag"] as const;

/** Numbers of sections, in the order that they have to have ("Modules" in the binary format); 0 may be anywhere. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11] as const;
const [CUSTOM, IMPORTS, EXPORTS, CODE] = [0, 2, 7, 10] as const;

/** The module that Inspektor Gadget gives its functions in. */
const UPCALL_MODULE = "ig";
const VERSION_FUNCTION = "gadgetAPIVersion";

/** `\0asm`, and the version as what follows it. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const HEADER_LENGTH = 8;

/** Whether some bytes begin as a module does. */
export function isWasm(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * Reads a WebAssembly module: what it imports and exports, and the version of the API that it says it is for. Its functions
 * are not looked at but for that one.
 *
 * @param what what the bytes are, for error texts
 * @throws {SatchelError} `invalid` if it is none, cut off, or has more of something than there are bytes
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */
export function readWasm(bytes: Uint8Array, what: string): WasmModule {
  if (!isWasm(bytes)) throw new SatchelError("invalid", `${what} is no WebAssembly module`);
  if (bytes.length > MAX_WASM_SIZE) throw new SatchelError("invalid", `${what}: it is larger than 64 MiB`);
  const reader = new WasmReader(bytes, what, MAGIC.length);
  const version = reader.u32le("version");
  if (version === 0x1000d) throw new SatchelError("invalid", `${what} is a WebAssembly component, not a module`);
  if (version !== 1) throw new SatchelError("invalid", `${what}: a WebAssembly module of version ${version}`);
  const sections = readSections(bytes, what);
  const imports = readImports(sections.get(IMPORTS));
  const exports = readExports(sections.get(EXPORTS));
  return {
    imports,
    exports,
    apiVersion: readVersion(imports, exports, sections),
    upcalls: imports.filter(({ module, kind }) => module === UPCALL_MODULE && kind === "function").map(({ name }) =>
      name
    ),
  };
}

/** Finds the sections by their numbers; custom ones mean nothing here. */
function readSections(bytes: Uint8Array, what: string): Map<number, WasmReader> {
  const reader = new WasmReader(bytes, what, HEADER_LENGTH);
  const sections = new Map<number, WasmReader>();
  let last = -1;
  while (!reader.isAtEnd) {
    const id = reader.byte("section");
    const section = reader.part(reader.u32("section's length"), `section ${id}`);
    if (id === CUSTOM) continue;
    const place = (ORDER as readonly number[]).indexOf(id);
    if (place === -1) throw reader.invalid(`an unknown section (${id})`);
    if (place <= last) throw reader.invalid(`section ${id} is not where it has to be`);
    last = place;
    sections.set(id, section);
  }
  return sections;
}

function readImports(section: WasmReader | undefined): WasmImport[] {
  return section?.list("imports", MAX_NAMES, () => {
    const [module, name] = [section.name(), section.name()];
    const kind = readKind(section);
    skipImported(section, kind);
    return { module, name, kind };
  }) ?? [];
}

function readExports(section: WasmReader | undefined): WasmExport[] {
  return section?.list("exports", MAX_NAMES, () => {
    const name = section.name();
    return { name, kind: readKind(section), index: section.u32("index") };
  }) ?? [];
}

function readKind(section: WasmReader): WasmKind {
  const number = section.byte("kind");
  const kind = KINDS[number];
  if (!kind) throw section.invalid(`an unknown kind of import or export (${number})`);
  return kind;
}

/** Passes what an import says of the thing: a function's type, a table's limits. */
function skipImported(section: WasmReader, kind: WasmKind): void {
  switch (kind) {
    case "function":
      section.u32("type");
      break;
    case "table":
      skipValueType(section);
      skipLimits(section);
      break;
    case "memory":
      skipLimits(section);
      break;
    case "global":
      skipValueType(section);
      section.byte("mutability");
      break;
    case "tag":
      section.byte("attribute");
      section.u32("type");
  }
}

function skipValueType(section: WasmReader): void {
  // A reference that says what to has that behind it ("Reference Types").
  const type = section.byte("type");
  if (type === 0x63 || type === 0x64) section.integer(33, "type");
}

function skipLimits(section: WasmReader): void {
  const flags = section.byte("limits");
  if (flags > 7) throw section.invalid(`unknown limits (${flags})`);
  section.integer(64, "limit");
  if ((flags & 1) !== 0) section.integer(64, "limit");
}

/** Reads what the function of the version returns. */
function readVersion(
  imports: readonly WasmImport[],
  exports: readonly WasmExport[],
  sections: ReadonlyMap<number, WasmReader>,
): WasmVersion {
  const found = exports.find(({ name, kind }) => name === VERSION_FUNCTION && kind === "function");
  if (!found) return "missing";
  const imported = imports.filter(({ kind }) => kind === "function").length;
  const code = sections.get(CODE)?.bytes;
  return constantOf(found.index, (index) => code && bodyOf(code, index - imported)) ?? "unknown";
}

/** The code of a function by its place among those that are not imported; `undefined` if there is none. */
function bodyOf(section: Uint8Array, place: number): Uint8Array | undefined {
  const reader = new WasmReader(section, "the module's code");
  const count = reader.u32("number of functions");
  if (place < 0 || place >= count) return undefined;
  for (let each = 0; each < place; each++) reader.skip(reader.u32("function's length"), "function");
  return reader.part(reader.u32("function's length"), "function").bytes;
}
