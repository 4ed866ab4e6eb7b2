import assert from "node:assert/strict";
import fc from "fast-check";
import { hasCode } from "../error.ts";
import { readManifest } from "./manifest.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const read = (value: unknown, form: "module" | "executable" = "module") => readManifest(bytes(value), form, () => {});
const manifest = (more: object = {}) => read({ contract: 1, name: "guard", hooks: ["verify"], ...more });

Deno.test("a manifest gets what it left out", () => {
  assert.deepEqual(manifest({ commands: [{ name: "hello", summary: "Says hello" }] }), {
    name: "guard",
    hooks: ["verify"],
    commands: [{ name: "hello", summary: "Says hello", arguments: { usage: "", min: 0, max: 0 }, flags: [] }],
  });
  const endless = { usage: "FILE...", min: 1, max: null };
  const { commands } = manifest({ commands: [{ name: "hello", summary: "s", arguments: endless }] });
  assert.deepEqual(commands[0].arguments, { usage: "FILE...", min: 1, max: Infinity });
});

Deno.test("a misspelt hook is refused, since it could have been a guard, with what was meant", () => {
  const meant = (hook: string) => () => manifest({ hooks: [hook] });
  assert.throws(meant("beforepull"), {
    message: 'it has a function "beforepull", which is no hook (did you mean beforePull?)',
  });
  assert.throws(meant("credential.get"), /which is no hook \(did you mean credentials.get\?\)$/);
  assert.throws(meant("onMonday"), { message: 'it has a function "onMonday", which is no hook' });
  assert.throws(() => read({ contract: 1, name: "guard", hooks: ["beforePul"] }, "executable"), {
    message: 'its manifest names "beforePul", which is no hook (did you mean beforePull?)',
  });
});

Deno.test("what a manifest has besides is passed over, and told", () => {
  const told: string[] = [];
  const value = { contract: 1, name: "guard", hooks: [], commands: [], beforePul: true };
  readManifest(bytes(value), "executable", (line) => told.push(line));
  assert.deepEqual(told, ["passed over in the manifest: commands, beforePul"]);
});

Deno.test("a plugin that does nothing is refused, but an executable may have commands that nobody knows", () => {
  assert.throws(() => manifest({ hooks: [] }), { message: "it has neither hooks nor commands" });
  assert.deepEqual(read({ contract: 1, name: "guard", hooks: [] }, "executable").hooks, []);
});

Deno.test("accounts that could be put in but not be found are refused", () => {
  for (const hook of ["credentials.store", "credentials.erase", "credentials.list"]) {
    assert.throws(() => manifest({ hooks: [hook] }), { message: `it has ${hook}, but no credentials.get` });
    assert.equal(manifest({ hooks: [hook, "credentials.get"] }).hooks.length, 2);
  }
});

Deno.test("flags that every command has, and names that stand for two things, are refused", () => {
  const flag = (more: object) => ({ name: "loud", type: "bool", summary: "s", ...more });
  const command = (more: object) => ({ name: "hello", summary: "s", ...more });
  const refused: [object[], RegExp][] = [
    [[command({ flags: [flag({ name: "help" })] })], /"help", which every command has/],
    [[command({ flags: [flag({ letter: "h" })] })], /one letter other than h/],
    [[command({ flags: [flag({}), flag({})] })], /two flags --loud/],
    [[command({ flags: [flag({ letter: "l" }), flag({ name: "long", letter: "l" })] })], /two flags -l/],
    [[command({}), command({})], /two commands hello/],
    [[command({ arguments: { usage: "", min: 2, max: 1 } })], /a "min" above its "max"/],
  ];
  for (const [commands, pattern] of refused) assert.throws(() => manifest({ commands }), pattern);
});

Deno.test("a manifest for another contract is refused by both numbers, whatever else it says", () => {
  assert.throws(() => manifest({ contract: 2, hooks: 7 }), { message: "it is for contract 2, this satchel knows 1" });
  assert.throws(() => manifest({ contract: "1" }), { message: 'its contract is the text "1", not the number 1' });
  assert.throws(
    () => read({ name: "guard", hooks: [] }),
    /^SatchelError: "contract" in the default export is missing$/,
  );
  assert.throws(() => read({ name: "guard" }, "executable"), /in the manifest is missing$/);
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
