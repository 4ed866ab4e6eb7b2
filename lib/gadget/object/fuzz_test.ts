import fc from "fast-check";
import { unlessInvalid } from "../_outcome.ts";
import { disassemblePrograms } from "./disassemble.ts";
import { mapUses } from "./map_uses.ts";
import { dataSourceOf, readMarkers } from "./markers.ts";
import { readEbpfObject } from "./object.ts";
import { readParams } from "./params.ts";

const FIXTURES = new URL("../../../tests/fixtures/", import.meta.url);

const OBJECTS = [
  "gadgets/ebpf-and-wasm/objects/amd64.bpf.o",
  "gadgets/kinds/objects/amd64.bpf.o",
  "gadgets/params/objects/amd64.bpf.o",
  "gadgets/snap-iter/objects/amd64.bpf.o",
  "gadgets/top-mapiter/objects/amd64.bpf.o",
  "gadgets/trace-ringbuf/objects/amd64.bpf.o",
  "reader/code.bpfel.o",
  "reader/code.bpfeb.o",
].map((path) => Deno.readFileSync(new URL(path, FIXTURES)));

/** Reads all that is read of an object; each part by itself, for what is broken may be only one. */
function readAll(bytes: Uint8Array): void {
  const object = unlessInvalid(() => readEbpfObject(bytes, "x.o"));
  if (!object) return;
  unlessInvalid(() => [...disassemblePrograms(object)]);
  for (const program of object.functions) unlessInvalid(() => mapUses(object, program));
  unlessInvalid(() => readParams(object));
  if (!object.btf) return;
  for (let id = 0; id < object.btf.count; id++) {
    unlessInvalid(() => object.btf!.type(id));
    unlessInvalid(() => object.btf!.sizeOf(id));
  }
  const markers = unlessInvalid(() => readMarkers(object.btf!).markers) ?? [];
  for (const marker of markers) unlessInvalid(() => dataSourceOf(object, marker));
}

const anObject = fc.constantFrom(...OBJECTS);

Deno.test("whatever bytes are changed in an object, it is read or refused", () => {
  const change = fc.record({ at: fc.nat(20_000), byte: fc.nat(255) });
  fc.assert(
    fc.property(anObject, fc.array(change, { minLength: 1, maxLength: 12 }), (object, changes) => {
      const bytes = object.slice();
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      readAll(bytes);
    }),
    { numRuns: 500 },
  );
});

Deno.test("whatever words are changed in an object to what is large, small or near, it is read or refused", () => {
  const value = fc.constantFrom(0, 1, 2, 3, 4, 8, 16, 255, 65535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
  const change = fc.record({ at: fc.nat(5000), value, isLittleEndian: fc.boolean() });
  fc.assert(
    fc.property(anObject, fc.array(change, { minLength: 1, maxLength: 6 }), (object, changes) => {
      const bytes = object.slice();
      const view = new DataView(bytes.buffer);
      for (const { at, value, isLittleEndian } of changes) {
        view.setUint32(4 * (at % Math.floor(bytes.length / 4)), value, isLittleEndian);
      }
      readAll(bytes);
    }),
    { numRuns: 500 },
  );
});

Deno.test("an object that is put together from pieces of others is read or refused", () => {
  const piece = fc.record({ from: anObject, at: fc.nat(20_000), length: fc.nat(2000), to: fc.nat(20_000) });
  fc.assert(
    fc.property(anObject, fc.array(piece, { minLength: 1, maxLength: 4 }), (object, pieces) => {
      const bytes = object.slice();
      for (const { from, at, length, to } of pieces) {
        const place = to % bytes.length;
        const start = at % from.length;
        bytes.set(from.subarray(start, start + Math.min(length, bytes.length - place)), place);
      }
      readAll(bytes);
    }),
    { numRuns: 300 },
  );
});

Deno.test("an object that is cut off anywhere is read or refused", () => {
  const [object] = OBJECTS;
  for (let length = 0; length < object!.length; length++) readAll(object!.subarray(0, length));
});
