import { strict as assert } from "node:assert";
import { ByteWriter } from "../_bytes.ts";
import { BinaryView } from "../binary_view.ts";
import { ELF } from "../elf/elf.ts";
import { writeElf } from "../elf/_write_elf.ts";
import { CodeIndex } from "./code_index.ts";
import { disassemble, disassemblePrograms, programsOf } from "./disassemble.ts";
import { instructionsOf } from "./instructions.ts";
import { instructionText } from "./instruction_text.ts";
import { readEbpfObject } from "./object.ts";

const FIXTURES = new URL("../../../tests/fixtures/", import.meta.url);

function read(path: string) {
  return readEbpfObject(Deno.readFileSync(new URL(path, FIXTURES)), path);
}

Deno.test("a program is written as ig image inspect writes it", () => {
  const object = read("gadgets/ebpf-and-wasm/objects/amd64.bpf.o");
  assert.deepEqual(disassemble(object, object.functions[0]!), {
    source: "on_fork:\n\t ; return built_for;\n\t0: LoadMapValue dst: r1, fd: 0 off: 0 <.rodata>\n" +
      "\t ; return built_for;\n\t2: LdXMemW dst: r0 src: r1 off: 0 imm: 0\n\t3: Exit\n",
    sourceWithRelocation: "; \treturn built_for;\nLoadMapValue dst: r1, fd: 0 off: 0 <.rodata>\n" +
      "; \treturn built_for;\nLdXMemW dst: r0 src: r1 off: 0 imm: 0\nExit\n",
  });
});

for (const target of ["bpfel", "bpfeb"]) {
  Deno.test(`maps, variables, calls, kernel symbols and CO-RE are written as cilium/ebpf does: ${target}`, () => {
    const programs = disassemblePrograms(read(`reader/code.${target}.o`)).map((each) => [each.program.name, {
      section: each.program.section.name,
      type: each.program.type,
      source: each.source.split("\n"),
      sourceWithRelocation: each.sourceWithRelocation.split("\n"),
    }]);
    const recorded = JSON.parse(Deno.readTextFileSync(new URL(`reader/code.${target}.json`, FIXTURES)));
    assert.deepEqual(Object.fromEntries(programs), recorded);
  });
}

Deno.test("every instruction is written as cilium/ebpf does", () => {
  const rows = Deno.readTextFileSync(new URL("reader/instructions.tsv", FIXTURES)).split("\n").slice(0, -1);
  for (const [hex, text] of rows.map((row) => row.split("\t") as [string, string])) {
    const code = new BinaryView(Uint8Array.fromHex(hex), true, hex);
    const [instruction] = instructionsOf({ code });
    assert.equal(instructionText(instruction!, undefined), text, hex);
  }
});

Deno.test("a function that several programs call is shown with each, and no more than once", () => {
  const programs = disassemblePrograms(read("reader/code.bpfel.o"));
  const labels = programs.map(({ program, source }) => [program.name, source.match(/^\w+(?=:$)/mg)!.slice(1)]);
  assert.deepEqual(Object.fromEntries(labels), {
    arithmetic: [],
    branches: ["exported", "shared"],
    atomics: ["exported", "remembers", "shared"],
    relocated: [],
    outside: ["each"],
  });
});

Deno.test("code that ends within an instruction of 16 bytes is invalid", () => {
  const code = new BinaryView(Uint8Array.fromHex("1801000000000000"), true, "x.o: function f");
  assert.throws(() => [...instructionsOf({ code })], {
    code: "invalid",
    message: "x.o: function f: it ends within an instruction of 16 bytes",
  });
});

/** An object of one section, of functions that call some others (by their numbers) and end. */
function callGraph(functions: readonly (readonly number[])[], nameOf = (index: number) => `f${index}`) {
  const starts: number[] = [];
  let length = 0;
  for (const callees of functions) {
    starts.push(length);
    length += callees.length + 1;
  }
  const code = new ByteWriter(true);
  functions.forEach((callees, index) => {
    callees.forEach((callee, at) => code.u8(0x85).u8(0x10).u16(0).u32(starts[callee]! - (starts[index]! + at) - 1));
    code.u64(0x95);
  });
  const symbols = starts.map((start, index) => ({
    name: nameOf(index),
    section: 1,
    value: 8 * start,
    type: ELF.FUNCTION,
  }));
  const section = { name: "xdp", flags: ELF.ALLOC | ELF.EXECUTE, bytes: code.bytes };
  return readEbpfObject(writeElf({ is64Bit: true, isLittleEndian: true }, [section], symbols), "x.o");
}

Deno.test("functions that call each other in a circle are shown once", () => {
  const object = callGraph([[1, 0], [0, 2], [1]]);
  assert.deepEqual(disassemble(object, object.functions[0]!).source.split("\n"), [
    "f0:",
    "\t 0: Call -1 <f1>",
    "\t 1: Call -1 <f0>",
    "\t 2: Exit",
    "f1:",
    "\t 3: Call -1 <f0>",
    "\t 4: Call -1 <f2>",
    "\t 5: Exit",
    "f2:",
    "\t 6: Call -1 <f1>",
    "\t 7: Exit",
    "",
  ]);
});

Deno.test("programs that all call the same thousands of functions are refused", () => {
  const callees = Array.from({ length: 1500 }, (_, index) => index + 1);
  const object = callGraph([callees, ...callees.map(() => []), ...callees.map(() => [0])]);
  const index = new CodeIndex(object);
  assert.throws(() => programsOf(object).map((program) => index.withCallees(program)), {
    code: "invalid",
    message: /: function f\d+: the object's programs have too much in common$/,
  });
  assert.throws(() => [...disassemblePrograms(object)], {
    code: "invalid",
    message: /: it has more text than \d+ char/,
  });
});

Deno.test("a program of more than a million instructions is refused", () => {
  const object = callGraph([Array.from({ length: 1_000_000 }, () => 0)]);
  assert.throws(() => disassemble(object, object.functions[0]!), {
    code: "invalid",
    message: "x.o: section 1: function f0: it has more than 1000000 instructions",
  });
});

Deno.test("more relocations than instructions are refused", () => {
  const sections = [
    { name: "xdp", flags: ELF.ALLOC | ELF.EXECUTE, bytes: Uint8Array.fromHex("9500000000000000") },
    { name: ".relxdp", type: ELF.RELOCATIONS, info: 1, bytes: new Uint8Array(2 * 16) },
  ];
  const symbol = { name: "f", section: 1, type: ELF.FUNCTION };
  const object = readEbpfObject(writeElf({ is64Bit: true, isLittleEndian: true }, sections, [symbol]), "x.o");
  assert.throws(() => disassemble(object, object.functions[0]!), {
    code: "invalid",
    message: "x.o: section 1: it has more relocations than instructions",
  });
});

Deno.test("a program that calls thousands of functions with long names is refused", () => {
  const callees = Array.from({ length: 5000 }, (_, index) => index + 1);
  const name = "f".repeat(4000);
  const object = callGraph([callees, ...callees.map(() => [])], () => name);
  assert.throws(() => disassemble(object, object.functions[0]!), {
    code: "invalid",
    message: /: it has more text than \d+ characters$/,
  });
});
