import { strict as assert } from "node:assert";
import { ELF } from "../elf/elf.ts";
import { type ElfForm, type NewSection, type NewSymbol, writeElf } from "../elf/_write_elf.ts";
import { MAX_OBJECT_SIZE, readEbpfObject } from "./object.ts";
import { EXIT, objectWithPrograms } from "./_object_with_programs.ts";

const GADGETS = new URL("../../../tests/fixtures/gadgets/", import.meta.url);
const LITTLE: ElfForm = { is64Bit: true, isLittleEndian: true };

function readGadget(name: string) {
  return readEbpfObject(Deno.readFileSync(new URL(`${name}/objects/amd64.bpf.o`, GADGETS)), name);
}

/** A section of some instructions, each of them the end of a program. */
function code(name: string, count: number): NewSection {
  return { name, flags: ELF.ALLOC | ELF.EXECUTE, bytes: new Uint8Array(count * 8).fill(EXIT[0]!) };
}

function functionsOf(sections: readonly NewSection[], symbols: readonly NewSymbol[]) {
  return readEbpfObject(writeElf(LITTLE, sections, symbols), "x.o").functions;
}

Deno.test("maps have their kinds, sizes and types", () => {
  assert.deepEqual(
    readGadget("top-mapiter").maps.map(({ keyTypeId, valueTypeId, ...map }) => ({
      ...map,
      isTyped: keyTypeId !== undefined && valueTypeId !== undefined,
    })),
    [
      {
        name: "writes",
        type: "Hash",
        keySize: 20,
        valueSize: 16,
        maxEntries: 1024,
        flags: 0,
        pinning: 0,
        isTyped: true,
      },
    ],
  );
});

Deno.test("a map whose kind is not known is called by its number, what is not declared is 0", () => {
  const { maps } = objectWithPrograms((types) => {
    types.section(".maps", [types.map("odd", { type: 99, value_size: 12 })]);
  });
  const [map] = maps;
  assert.deepEqual([map!.type, map!.keySize, map!.valueSize, map!.maxEntries], ["MapType(99)", 0, 12, 0]);
});

Deno.test("variables are those that other files may see, by section and place", () => {
  assert.deepEqual(readGadget("kinds").variables, [
    { name: "preset", section: ".data", offset: 0, size: 8 },
    { name: "zeroed", section: ".bss", offset: 0, size: 8 },
    { name: "gadget_tracer_kinds___out___kinds", section: ".bss", offset: 8, size: 8 },
    { name: "keep_kinds", section: ".bss", offset: 16, size: 8 },
  ]);
});

Deno.test("functions are found by section and place, programs by name", () => {
  const object = readGadget("kinds");
  const functions = object.functions.map(({ name, section, offset, code, type, isStatic }) =>
    [name, section.name, offset, code.length > 0, type, isStatic].join(" ")
  );
  assert.deepEqual(functions, [
    "exported_helper .text 0 true UnspecifiedProgram false",
    `helper .text ${object.functions[1]!.offset} true UnspecifiedProgram true`,
    "on_switch raw_tracepoint/sched_switch 0 true RawTracepoint false",
  ]);
  assert.deepEqual([...object.programs.keys()], ["on_switch"]);
});

Deno.test("a function without a size ends where the next one begins, and labels of jumps are none", () => {
  const functions = functionsOf([code("xdp", 6)], [
    { name: "second", section: 1, value: 24 },
    { name: "first", section: 1, value: 0 },
    { name: "LBB0_2", section: 1, value: 8, binding: ELF.LOCAL },
    { name: ".L1", section: 1, value: 16, binding: ELF.LOCAL },
  ]);
  assert.deepEqual(functions.map(({ name, offset, code }) => [name, offset, code.length]), [
    ["first", 0, 24],
    ["second", 24, 24],
  ]);
});

Deno.test("several functions at one place are all there", () => {
  const symbol = { section: 1, type: ELF.FUNCTION, size: 16 };
  const functions = functionsOf([code("xdp", 2)], [{ ...symbol, name: "a" }, { ...symbol, name: "b" }]);
  assert.deepEqual(functions.map(({ name, code }) => [name, code.length]), [["a", 16], ["b", 16]]);
});

Deno.test("an object without BTF has its programs, and no maps", () => {
  const object = readEbpfObject(
    writeElf({ ...LITTLE, machine: 0 }, [code("xdp", 1)], [{ name: "f", section: 1, type: ELF.FUNCTION }]),
    "x.o",
  );
  assert.equal(object.btf, undefined);
  assert.deepEqual([object.maps, object.functions.length, object.programs.get("f")?.type], [[], 1, "XDP"]);
});

const REFUSED: [what: string, file: () => Uint8Array, message: string][] = [
  ["of x86", () => writeElf({ ...LITTLE, machine: 62 }, []), "x.o: it is an ELF file, but not of eBPF"],
  ["larger than 64 MiB", () => new Uint8Array(MAX_OBJECT_SIZE + 1), "x.o: it is larger than 64 MiB"],
  [
    "with a function that reaches beyond its section",
    () => writeElf(LITTLE, [code("xdp", 1)], [{ name: "f", section: 1, type: ELF.FUNCTION, size: 16 }]),
    "x.o: section 1: the function f reaches beyond the end",
  ],
  [
    "with a function that begins behind its section",
    () => writeElf(LITTLE, [code("xdp", 1)], [{ name: "f", section: 1, value: 16 }]),
    "x.o: section 1: the function f reaches beyond the end",
  ],
  [
    "with twenty thousand and one names of one function",
    () => {
      const symbol = { name: "f", section: 1, type: ELF.FUNCTION };
      return writeElf(LITTLE, [code("xdp", 1)], Array.from({ length: 20_001 }, () => symbol));
    },
    "x.o: it has 20001 functions, and at most 20000 are read",
  ],
  [
    "with a function whose long name is not told as a whole",
    () => writeElf(LITTLE, [code("xdp", 1)], [{ name: "f".repeat(300), section: 1, type: ELF.FUNCTION, size: 99 }]),
    `x.o: section 1: the function ${"f".repeat(100)}... reaches beyond the end`,
  ],
  [
    "with a hundred functions that are all of 1 MiB",
    () => {
      const symbols = Array.from(
        { length: 100 },
        (_, index) => ({ name: `f${index}`, section: 1, type: ELF.FUNCTION }),
      );
      const whole = { size: 1024 * 1024 };
      return writeElf(LITTLE, [code("xdp", whole.size / 8)], symbols.map((symbol) => ({ ...symbol, ...whole })));
    },
    "x.o: its functions overlap",
  ],
  [
    "with half an instruction",
    () => writeElf(LITTLE, [code("xdp", 1)], [{ name: "f", section: 1, type: ELF.FUNCTION, size: 4 }]),
    "x.o: section 1: function f: it is not made of instructions of 8 bytes",
  ],
  [
    "with a function between instructions",
    () => writeElf(LITTLE, [code("xdp", 2)], [{ name: "f", section: 1, type: ELF.FUNCTION, value: 4, size: 8 }]),
    "x.o: section 1: function f: it is not made of instructions of 8 bytes",
  ],
  [
    "with a variable that reaches beyond its section",
    () =>
      writeElf(LITTLE, [{ name: ".data", bytes: new Uint8Array(8) }], [
        { name: "v", section: 1, type: ELF.OBJECT, value: 4, size: 8 },
      ]),
    "x.o: section 1: the variable v reaches beyond the end",
  ],
];

for (const [what, file, message] of REFUSED) {
  Deno.test(`an object ${what} is invalid`, () => {
    assert.throws(() => readEbpfObject(file(), "x.o"), { code: "invalid", message });
  });
}

const REFUSED_MAPS: [what: string, build: Parameters<typeof objectWithPrograms>[0], message: string][] = [
  [
    "a map that is a number",
    (types) => types.section(".maps", [types.variable("m", types.int())]),
    "x.o: the map m is no structure",
  ],
  [
    "a map of 65 members",
    (types) => {
      const int = types.int();
      const members = Array.from({ length: 65 }, (_, index): [string, number] => [`m${index}`, int]);
      types.section(".maps", [types.variable("m", types.struct("", members))]);
    },
    "x.o: the map m has too many members",
  ],
  [
    "thousands of maps",
    (types) => {
      const struct = types.struct("", []);
      types.section(".maps", Array.from({ length: 4097 }, (_, index) => types.variable(`m${index}`, struct)));
    },
    "x.o: it has more than 4096 maps",
  ],
];

for (const [what, build, message] of REFUSED_MAPS) {
  Deno.test(`an object with ${what} is invalid`, () => {
    assert.throws(() => objectWithPrograms(build), { code: "invalid", message });
  });
}

Deno.test("functions are in the order of their places, in whatever order their symbols are", () => {
  const count = 20_000;
  const symbols = Array.from({ length: count }, (_, index): NewSymbol => ({
    name: `f${index % 1000}`,
    section: 1,
    value: 8 * (index * 7919 % count),
    type: ELF.FUNCTION,
  }));
  const functions = functionsOf([code("xdp", count)], symbols);
  assert.equal(functions.length, count);
  assert.ok(functions.every(({ offset, code }, index) => offset === 8 * index && code.length === 8));
});
