import { strict as assert } from "node:assert";
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
