import assert from "node:assert/strict";
import fc from "fast-check";
import { hasCode } from "../error.ts";
import { readManifest } from "./manifest.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const read = (value: unknown, form: "module" | "executable" = "module") => readManifest(bytes(value), form, () => {});
const manifest = (more: object = {}) => read({ contract: 1, name: "guard", hooks: ["verify"], ...more });

Deno.test("a manifest gets what it left out", () => {
  assert.deepEqual(manifest({ commands: [{ name: "hello", short: "Says hello" }] }), {
    name: "guard",
    hooks: ["verify"],
    commands: [{ name: "hello", short: "Says hello", arguments: { min: 0, max: 0 }, flags: [] }],
  });
});

Deno.test("a misspelt hook is refused: it could have been a guard", () => {
  assert.throws(() => manifest({ hooks: ["beforePul"] }), /"hooks\[0\]" is "beforePul", not one of .*beforePull/);
  assert.throws(() => manifest({ beforePul: true }), /"beforePul" is not known/);
});

Deno.test("a manifest of another version of the contract is refused by both numbers, whatever else it says", () => {
  assert.throws(() => manifest({ contract: 2, hooks: 7 }), /version 2 of the contract, and this satchel version 1/);
  assert.throws(() => read({ name: "guard", hooks: [] }), /"contract" is missing/);
});

Deno.test("a name that is none, or that would disturb a terminal, is refused", () => {
  for (const name of ["", "A", "7up", "a b", "a\n", "\x1b[2J", "a".repeat(65), "../a"]) {
    assert.throws(() => manifest({ name }), (error) => hasCode(error, "invalid"), JSON.stringify(name));
  }
  assert.throws(() => manifest({ description: "two\nlines" }), /one line/);
});

Deno.test("any JSON is a manifest that was checked, or is refused", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.throws(() => read(value), (error) => hasCode(error, "invalid"));
  }));
});
