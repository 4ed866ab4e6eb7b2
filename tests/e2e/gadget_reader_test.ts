import { strict as assert } from "node:assert";
import { Btf } from "../../lib/gadget/btf/btf.ts";
import { bpftoolJson } from "../../lib/gadget/btf/_bpftool_json.ts";
import { ELF, type ElfFile, parseElf, readRelocations, relocationTables } from "../../lib/gadget/elf/elf.ts";
import { instructionsOf } from "../../lib/gadget/object/instructions.ts";
import { readEbpfObject } from "../../lib/gadget/object/object.ts";
import { peer, peerTest, scratchFolder, succeed } from "../harness/mod.ts";

// What clang writes is read as bpftool, llvm-readelf and llvm-objdump read it.

const SOURCES = new URL("../gadgets/reader/", import.meta.url).pathname;
const KERNEL_TYPES = "/sys/kernel/btf/vmlinux";
const EBPF_TARGETS = ["bpfel", "bpfeb"];
/** All classes, byte orders and forms of relocations. */
const OTHER_TARGETS = ["i386", "armeb-none-eabi", "powerpc", "x86_64", "aarch64_be", "s390x"];

/** Compiles a source and hands the object on. */
async function withObject(source: string, args: readonly string[], use: (path: string) => Promise<void>) {
  await using scratch = await scratchFolder();
  const path = scratch.at("object.o");
  await succeed(peer("clang"), [...args, "-c", SOURCES + source, "-o", path]);
  await use(path);
}

for (const target of EBPF_TARGETS) {
  for (const source of ["types.bpf.c", "code.bpf.c"]) {
    peerTest(["clang", "bpftool"], `the types of ${source} are those that bpftool finds: ${target}`, async () => {
      await withObject(source, ["-target", target, "-g", "-O2"], async (path) => {
        const { btf } = readEbpfObject(await Deno.readFile(path), path);
        const dumped = await succeed(peer("bpftool"), ["-j", "btf", "dump", "file", path, "format", "raw"]);
        assert.deepEqual(bpftoolJson(btf!), JSON.parse(dumped));
      });
    });
  }
}

peerTest(["clang"], "the types that are compared are of every kind that clang writes", async () => {
  await withObject("types.bpf.c", ["-target", "bpf", "-g", "-O2"], async (path) => {
    const { btf } = readEbpfObject(await Deno.readFile(path), path);
    assert.deepEqual([...new Set([...btf!].map(({ kind }) => kind))].sort(), [
      "array",
      "const",
      "datasec",
      "decl_tag",
      "enum",
      "float",
      "func",
      "func_proto",
      "fwd",
      "int",
      "ptr",
      "restrict",
      "struct",
      "type_tag",
      "typedef",
      "union",
      "var",
      "void",
      "volatile",
    ]);
  });
});

peerTest(["bpftool"], "the types of the kernel, if it has some, are those that bpftool finds", async () => {
  const bytes = await Deno.readFile(KERNEL_TYPES).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (!bytes) return;
  const dumped = await succeed(peer("bpftool"), ["-j", "btf", "dump", "file", KERNEL_TYPES, "format", "raw"]);
  const { types } = JSON.parse(dumped) as { types: unknown[] };
  const read = bpftoolJson(new Btf(bytes, KERNEL_TYPES)).types;
  assert.equal(read.length, types.length);
  // One by one: a difference of two lists so long would never be printed.
  types.forEach((type, index) => assert.deepEqual(read[index], type));
});

for (
  const [source, targets, args] of [
    ["plain.c", OTHER_TARGETS, ["-O0"]],
    ["code.bpf.c", EBPF_TARGETS, ["-g", "-O2"]],
    ["types.bpf.c", EBPF_TARGETS, ["-O2", "-ffunction-sections"]],
  ] as const
) {
  for (const target of targets) {
    peerTest(["clang", "llvm-readelf"], `${source} for ${target} is what llvm-readelf reads`, async () => {
      await withObject(source, ["-target", target, ...args], async (path) => {
        const elf = parseElf(await Deno.readFile(path), path);
        const json = await succeed(peer("llvm-readelf"), ["-S", "-s", "--elf-output-style=JSON", path]);
        assert.deepEqual(tablesOf(elf), tablesByReadelf(json));
        const text = await succeed(peer("llvm-readelf"), ["-r", path]);
        assert.deepEqual(relocationsOf(elf), relocationsByReadelf(text, elf.is64Bit));
      });
    });
  }
}

function tablesOf({ sections, symbols }: ElfFile) {
  return {
    sections: sections.map(({ name, type, flags, size, link, info }) => ({ name, type, flags, size, link, info })),
    symbols: symbols.map(({ name, value, size, binding, type, visibility, section }) => ({
      // llvm-readelf calls symbols of sections by the sections' names.
      name: type === ELF.SECTION ? sections[section]!.name : name,
      value,
      size,
      binding,
      type,
      visibility,
      section,
    })),
  };
}

/** A value with a name of llvm-readelf. */
interface Named {
  Value: string;
  RawValue: number;
}

interface ReadelfSection {
  Name: Named;
  Type: Named;
  Flags: { RawFlags: number };
  Size: number;
  Link: number;
  Info: number;
}

interface ReadelfSymbol {
  Name: Named;
  Value: number;
  Size: number;
  Binding: Named;
  Type: Named;
  Other: number | { RawFlags: number };
  Section: Named;
}

function tablesByReadelf(json: string): ReturnType<typeof tablesOf> {
  const [file] = JSON.parse(json) as [Record<string, unknown>];
  // Under the name of the file in LLVM 14, directly in later ones.
  const tables = ("Sections" in file! ? file : Object.values(file!)[0]) as {
    Sections: { Section: ReadelfSection }[];
    Symbols: { Symbol: ReadelfSymbol }[];
  };
  return {
    sections: tables.Sections.map(({ Section: { Name, Type, Flags, Size, Link, Info } }) => ({
      name: Name.Value,
      type: Type.RawValue,
      flags: Flags.RawFlags,
      size: Size,
      link: Link,
      info: Info,
    })),
    symbols: tables.Symbols.map(({ Symbol: { Name, Value, Size, Binding, Type, Other, Section } }) => ({
      name: Name.Value,
      value: Value,
      size: Size,
      binding: Binding.RawValue,
      type: Type.RawValue,
      visibility: (typeof Other === "number" ? Other : Other.RawFlags) & 3,
      section: Section.RawValue,
    })),
  };
}

/** Relocations as one line each. */
function relocationsOf(elf: ElfFile): string[] {
  return [...relocationTables(elf).values()].flat()
    .sort((a, b) => a.index - b.index)
    .flatMap((table) =>
      readRelocations(elf, table).map(({ offset, type, symbol, addend }) =>
        [table.name, offset, type, symbol, ...(table.type === ELF.RELA ? [addend] : [])].join(" ")
      )
    );
}

function relocationsByReadelf(text: string, is64Bit: boolean): string[] {
  let table = "";
  return text.split("\n").flatMap((line) => {
    const title = line.match(/^Relocation section '(.*)' at/);
    if (title) table = title[1]!;
    const row = line.match(/^([0-9a-f]+)\s+([0-9a-f]+)\s+R_/);
    if (!row) return [];
    const info = BigInt(`0x${row[2]}`);
    const [symbolAt, types] = is64Bit ? [32n, 0xffff_ffffn] : [8n, 0xffn];
    const [, sign, digits] = line.match(/ ([+-]) ([0-9a-f]+)$/) ?? [];
    const addend = digits === undefined ? [] : [`${sign === "-" ? "-" : ""}${BigInt(`0x${digits}`)}`];
    return [[table, BigInt(`0x${row[1]}`), info & types, info >> symbolAt, ...addend].join(" ")];
  });
}

for (const target of EBPF_TARGETS) {
  for (const cpu of ["v1", "v2", "v3"]) {
    peerTest(
      ["clang", "llvm-objdump"],
      `instructions begin where llvm-objdump finds them: ${target}, ${cpu}`,
      async () => {
        await withObject("code.bpf.c", ["-target", target, `-mcpu=${cpu}`, "-g", "-O2"], async (path) => {
          const { functions } = readEbpfObject(await Deno.readFile(path), path);
          const read = functions.map((fn) => ({
            section: fn.section.name,
            name: fn.name,
            slots: [...instructionsOf(fn)].map(({ slot }) => fn.offset / 8 + slot),
          }));
          const args = ["-d", "--no-show-raw-insn", path];
          assert.deepEqual(read, functionsByObjdump(await succeed(peer("llvm-objdump"), args)));
        });
      },
    );
  }
}

function functionsByObjdump(text: string): { section: string; name: string; slots: number[] }[] {
  const functions: ReturnType<typeof functionsByObjdump> = [];
  let section = "";
  for (const line of text.split("\n")) {
    section = line.match(/^Disassembly of section (.*):$/)?.[1] ?? section;
    const name = line.match(/^[0-9a-f]+ <(.*)>:$/)?.[1];
    // Where jumps go to are labels.
    if (name !== undefined && !name.startsWith("LBB")) functions.push({ section, name, slots: [] });
    const slot = line.match(/^ +(\d+):\t/)?.[1];
    if (slot !== undefined) functions.at(-1)!.slots.push(Number(slot));
  }
  return functions;
}
