import { strict as assert } from "node:assert";
import { seal, SEALED_NAMES } from "./sealed_runtime.ts";

/** The comparison with `BUN_JSC_` as it stands in Bun's machine code for x64. */
const COMPARISON = "41803e42750041807e0155750041807e024e750041807e035f";

const NAMES = SEALED_NAMES.map(({ name }) => name);

/** How the folder of the cache of compiled modules stands in Bun. */
const CACHE = "memory@t@RuntimeTranspilerCache.toFile";

/** Bytes as those of Bun: a table of all names but the last, a message, a script that asks for the last, machine code. */
function runtime(names: readonly string[], comparison = COMPARISON, cache = CACHE): Uint8Array {
  const script = `see "BUN_OPTIONS"; process.env.${names.at(-1)};${cache}`;
  const text = new TextEncoder().encode(`\0${names.slice(0, -1).join("\0")}\0${script}`);
  const code = Uint8Array.fromHex(comparison);
  const bytes = new Uint8Array(text.length + code.length);
  bytes.set(text);
  bytes.set(code, text.length);
  return bytes;
}

Deno.test("sealing changes the names in tables and in the runtime's scripts, not those in messages", () => {
  const bytes = runtime(NAMES);
  seal(bytes, "x64");
  const text = new TextDecoder("latin1").decode(bytes);
  assert.ok(text.includes("\0\0UN_BE_BUN\0"));
  assert.ok(text.includes(`see "BUN_OPTIONS"; process.env[""]${" ".repeat(NAMES.at(-1)!.length - 3)};`));
});

for (const name of NAMES) {
  Deno.test(`sealing fails if the runtime does not contain ${name}`, () => {
    const bytes = runtime(NAMES.filter((other) => other !== name));
    assert.throws(() => seal(bytes, "x64"), new RegExp(`does not contain ${name}\\.`));
  });
}

Deno.test("sealing fails if the machine code does not look as expected", () => {
  assert.throws(() => seal(runtime(NAMES, COMPARISON.replace("55", "56")), "x64"), /0 places compare with BUN_JSC_/);
  assert.throws(() => seal(runtime(NAMES, COMPARISON + COMPARISON), "x64"), /2 places/);
});

Deno.test("sealing leads no path to the cache of compiled modules, and fails if its folder is not found", () => {
  const bytes = runtime(NAMES);
  seal(bytes, "x64");
  assert.ok(new TextDecoder("latin1").decode(bytes).includes("memory\0t@RuntimeTranspilerCache.toFile"));
  assert.throws(() => seal(runtime(NAMES, COMPARISON, ""), "x64"), /0 places name its cache/);
});
