import { strict as assert } from "node:assert";
import { ByteWriter } from "../_bytes.ts";
import { ELF } from "../elf/elf.ts";
import { writeElf } from "../elf/_write_elf.ts";
import { programsOf } from "./disassemble.ts";
import { mapUses } from "./map_uses.ts";
import { readEbpfObject } from "./object.ts";

const FIXTURES = new URL("../../../tests/fixtures/", import.meta.url);

function usesOf(path: string): Record<string, string[]> {
  const object = readEbpfObject(Deno.readFileSync(new URL(path, FIXTURES)), path);
  return Object.fromEntries(
    programsOf(object).map((program) => [
      program.name,
      mapUses(object, program).map(({ map, operation }) => `${operation} ${map}`),
    ]),
  );
}

Deno.test("look-ups and updates are uses of a map, in their order", () => {
  assert.deepEqual(usesOf("gadgets/top-mapiter/objects/amd64.bpf.o"), {
    on_write: ["Lookup writes", "Update writes"],
  });
});

Deno.test("output to a perf event array is a use, whatever is done with a ring buffer is none", () => {
  assert.deepEqual(usesOf("gadgets/trace-perf/objects/amd64.bpf.o"), { on_exit: ["EventOutput exits"] });
  assert.deepEqual(usesOf("gadgets/trace-ringbuf/objects/amd64.bpf.o"), { on_openat: [] });
});

for (const target of ["bpfel", "bpfeb"]) {
  Deno.test(`uses by functions that a program calls are its own, each use once: ${target}`, () => {
    assert.deepEqual(usesOf(`reader/code.${target}.o`), {
      arithmetic: [],
      branches: [],
      atomics: ["Lookup counts", "Update counts", "Delete counts"],
      relocated: [],
      outside: ["EventOutput events"],
    });
  });
}

/** What a program does with the map `m`, which its first instruction loads; the others are opcode, registers and immediate. */
function usesOfCode(...instructions: [opcode: number, registers: number, immediate: number][]): string[] {
  const code = new ByteWriter(true);
  for (const [opcode, registers, immediate] of instructions) code.u8(opcode).u8(registers).u16(0).u32(immediate);
  const sections = [
    { name: "xdp", flags: ELF.ALLOC | ELF.EXECUTE, bytes: code.bytes },
    { name: ".maps", bytes: new Uint8Array(8) },
    { name: ".relxdp", type: ELF.RELOCATIONS, info: 1, bytes: new ByteWriter(true).u64(0).u64(2n << 32n | 1n).bytes },
  ];
  const symbols = [
    { name: "f", section: 1, type: ELF.FUNCTION },
    { name: "m", section: 2, type: ELF.OBJECT },
  ];
  const object = readEbpfObject(writeElf({ is64Bit: true, isLittleEndian: true }, sections, symbols), "x.o");
  return mapUses(object, object.functions[0]!).map(({ map, operation }) => `${operation} ${map}`);
}

const [LOAD_64, MOVE, MOVE_NUMBER, CALL, EXIT] = [0x18, 0xbf, 0xb7, 0x85, 0x95];
const [LOOKUP, UPDATE] = [1, 2];

Deno.test("a map is followed from one register to another", () => {
  const uses = usesOfCode([LOAD_64, 0x06, 0], [0, 0, 0], [MOVE, 0x61, 0], [CALL, 0, LOOKUP], [MOVE, 0x61, 0], [
    CALL,
    0,
    UPDATE,
  ], [EXIT, 0, 0]);
  assert.deepEqual(uses, ["Lookup m", "Update m"]);
});

Deno.test("a register has no map after a call, or after something else was put there", () => {
  const load: [number, number, number][] = [[LOAD_64, 0x01, 0], [0, 0, 0]];
  assert.deepEqual(usesOfCode(...load, [CALL, 0, LOOKUP], [CALL, 0, UPDATE], [EXIT, 0, 0]), ["Lookup m"]);
  assert.deepEqual(usesOfCode(...load, [MOVE_NUMBER, 0x01, 7], [CALL, 0, LOOKUP], [EXIT, 0, 0]), []);
});
