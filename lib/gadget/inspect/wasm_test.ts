import { strict as assert } from "node:assert";
import fc from "fast-check";
import { SatchelError } from "../../error.ts";
import { imageOf } from "./_fixture.ts";
import { readWasm } from "./wasm.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const CONSTANT = [0x00, 0x42, 0x01, 0x0b];

const text = (value: string) => {
  const bytes = [...new TextEncoder().encode(value)];
  return [bytes.length, ...bytes];
};
const section = (id: number, ...content: number[]) => [id, ...leb(content.length), ...content];
const leb = (value: number): number[] => value < 0x80 ? [value] : [value & 0x7f | 0x80, ...leb(value >>> 7)];
const bodies = (...functions: number[][]) =>
  section(10, functions.length, ...functions.flatMap((each) => [...leb(each.length), ...each]));
const read = (...parts: number[][]) => readWasm(Uint8Array.from([...HEADER, ...parts.flat()]), "module.wasm");

/** A module that exports a function of the version, which is the first of these. */
function version(...functions: number[][]) {
  return read(section(7, 1, ...text("gadgetAPIVersion"), 0, 0), bodies(...functions)).apiVersion;
}

Deno.test("a module has what it imports and exports, in its order", () => {
  const { imports, exports, upcalls, apiVersion } = readWasm(imageOf("wasm-only").wasm!, "program.wasm");
  assert.deepEqual(imports, [{ module: "ig", name: "gadgetLog", kind: "function" }]);
  assert.deepEqual(exports.map(({ name, kind }) => [name, kind]), [
    ["memory", "memory"],
    ["_initialize", "function"],
    ["gadgetAPIVersion", "function"],
    ["gadgetInit", "function"],
  ]);
  assert.deepEqual([upcalls, apiVersion], [["gadgetLog"], 1n]);
});

Deno.test("upcalls are functions of the module ig alone", () => {
  const imports = section(
    2,
    4,
    ...text("ig"),
    ...text("gadgetLog"),
    0,
    0,
    ...text("ig"),
    ...text("memory"),
    2,
    1,
    1,
    2,
    ...text("wasi_snapshot_preview1"),
    ...text("fd_write"),
    0,
    0,
    ...text("ig"),
    ...text("newDataSource"),
    0,
    0,
  );
  assert.deepEqual(read(imports).upcalls, ["gadgetLog", "newDataSource"]);
});

Deno.test("every kind of import is passed, whatever stands behind it", () => {
  const imports = section(
    2,
    7,
    ...text("m"),
    ...text("function"),
    0,
    0x80,
    0x01,
    ...text("m"),
    ...text("table"),
    1,
    0x70,
    1,
    1,
    2,
    ...text("m"),
    ...text("typed table"),
    1,
    0x63,
    0x05,
    0,
    1,
    ...text("m"),
    ...text("memory of 64 bits"),
    2,
    4,
    0x80,
    0x80,
    0x80,
    0x80,
    0x10,
    ...text("m"),
    ...text("global"),
    3,
    0x7e,
    1,
    ...text("m"),
    ...text("tag"),
    4,
    0,
    3,
    ...text("ig"),
    ...text("last"),
    0,
    0,
  );
  const { imports: found, upcalls } = read(imports);
  assert.deepEqual(found.map(({ kind }) => kind), [
    "function",
    "table",
    "table",
    "memory",
    "global",
    "tag",
    "function",
  ]);
  assert.deepEqual(upcalls, ["last"]);
});

Deno.test("the version is the constant that its function returns", () => {
  assert.equal(version(CONSTANT), 1n);
  assert.equal(version([0x00, 0x42, 0xc0, 0x00, 0x0b]), 64n);
  assert.equal(version([0x00, 0x42, 0x01, 0x0f, 0x0b]), 1n);
  assert.equal(version([0x00, 0x42, 0x7f, 0x0b]), 2n ** 64n - 1n);
  assert.equal(version([0x00, 0x10, 0x05, 0x10, 0x06, 0x42, 0x03, 0x0b]), 3n);
});

Deno.test("the version of a module that Go made is found behind what Go exports", () => {
  const hex = (value: string) => value.match(/../g)!.map((each) => parseInt(each, 16));
  // As Go 1.26 made them of `return 77`, but for the numbers of what they call.
  const exported = hex(
    "00230045044010be090b230041086b2400230041086b24002300428180a8a70137030041001064" +
      "0440428180a8a701421088a710bc090b2300290300230041086a24000f000b",
  );
  const inner = hex("01017f230021010240024020000e0100010b2001ad42087ca742cd00370300200141086a2201240041000f0b000b");
  assert.equal(version(exported, ...new Array(99).fill(CONSTANT), inner), 77n);
});

Deno.test("a function that does anything else has an unknown version, and is not run", () => {
  assert.equal(version([0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x42, 0x01, 0x0b]), "unknown");
  assert.equal(version([0x00, 0x23, 0x00, 0x0b]), "unknown");
  assert.equal(version([...CONSTANT, 0x0b]), "unknown");
  assert.equal(version([0x00, 0x42, ...new Array(11).fill(0x80), 0x0b]), "unknown");
});

Deno.test("a module without the function has no version; one that imports it an unknown one", () => {
  assert.equal(read().apiVersion, "missing");
  assert.equal(read(section(7, 1, ...text("gadgetAPIVersion"), 2, 0)).apiVersion, "missing");
  const imports = section(2, 1, ...text("env"), ...text("f"), 0, 0);
  assert.equal(read(imports, section(7, 1, ...text("gadgetAPIVersion"), 0, 0), bodies(CONSTANT)).apiVersion, "unknown");
});

for (
  const [what, bytes, message] of [
    ["text", [...new TextEncoder().encode("hello")], /module.wasm is no WebAssembly module/],
    ["nothing", [], /is no WebAssembly module/],
    ["half a header", HEADER.slice(0, 6), /it ends before the version/],
    ["a component", [...HEADER.slice(0, 4), 0x0d, 0, 1, 0], /is a WebAssembly component, not a module/],
    ["another version", [...HEADER.slice(0, 4), 2, 0, 0, 0], /a WebAssembly module of version 2/],
    ["a section that is cut off", [...HEADER, 7, 5, 1], /section 7 reaches beyond the end/],
    ["a section of 4 GB", [...HEADER, 7, 0xff, 0xff, 0xff, 0xff, 0x0f], /section 7 reaches beyond the end/],
    ["a length of more than 32 bits", [...HEADER, 7, 0xff, 0xff, 0xff, 0xff, 0x1f], /of more than 32 bits/],
    ["a length without an end", [...HEADER, 7, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], /of more than 32 bits/],
    ["a section twice", [...HEADER, ...section(7, 0), ...section(7, 0)], /section 7 is not where it has to be/],
    ["sections in another order", [...HEADER, ...section(7, 0), ...section(2, 0)], /section 2 is not where/],
    ["an unknown section", [...HEADER, ...section(99)], /an unknown section \(99\)/],
    [
      "4 billion exports",
      [...HEADER, ...section(7, 0xff, 0xff, 0xff, 0xff, 0x0f)],
      /4294967295 exports, more than 10000/,
    ],
    ["a name that is not there", [...HEADER, ...section(7, 1, 100)], /the name reaches beyond the end/],
    ["a name of 4 GB", [...HEADER, ...section(7, 1, 0xff, 0xff, 0xff, 0xff, 0x0f)], /a name of 4294967295 bytes/],
    ["a name that is not UTF-8", [...HEADER, ...section(7, 1, 1, 0xff, 0, 0)], /a name that is not UTF-8/],
    ["an unknown kind", [...HEADER, ...section(7, 1, 0, 9, 0)], /an unknown kind of import or export \(9\)/],
    ["unknown limits", [...HEADER, ...section(2, 1, 0, 0, 2, 8, 0)], /unknown limits \(8\)/],
  ] satisfies [string, number[], RegExp][]
) {
  Deno.test(`${what} is no module that is read`, () => {
    assert.throws(() => readWasm(Uint8Array.from(bytes), "module.wasm"), (error) => {
      assert.ok(error instanceof SatchelError && error.code === "invalid");
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("functions that are cut off are an error where the version is looked for", () => {
  assert.throws(
    () => read(section(7, 1, ...text("gadgetAPIVersion"), 0, 0), section(10, 1, 50, 0)),
    /reaches beyond the end/,
  );
});

Deno.test("modules with wrong bytes are read or refused, and nothing else", () => {
  const original = imageOf("wasm-only").wasm!;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
      fc.nat(original.length),
      (changes, end) => {
        const bytes = original.slice(0, end < 8 ? undefined : end);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        try {
          readWasm(bytes, "module.wasm");
        } catch (error) {
          assert.ok(error instanceof SatchelError && error.code === "invalid");
        }
      },
    ),
    { numRuns: 3000 },
  );
});
