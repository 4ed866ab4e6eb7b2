import { strict as assert } from "node:assert";
import { SatchelError, systemCode, withContext } from "./error.ts";

Deno.test("context goes in front of a message; code, hint and cause stay", () => {
  const error = new SatchelError("busy", "it is locked", { hint: "Wait." });
  const told = withContext("tagging image", error);
  assert.ok(told instanceof SatchelError);
  assert.equal(told.message, "tagging image: it is locked");
  assert.deepEqual([told.code, told.hint, told.cause], ["busy", "Wait.", error]);
});

Deno.test("what was not thrown on purpose gets no context, and no code that would hide it", () => {
  for (const mistake of [new TypeError("undefined is not a function"), "text"]) {
    assert.equal(withContext("tagging image", mistake), mistake);
  }
});

Deno.test("the system's code of an error is text or nothing", () => {
  assert.equal(systemCode(Object.assign(new Error("open"), { code: "ENOENT" })), "ENOENT");
  for (const other of [undefined, null, "ENOENT", new Error("open"), { code: 2 }]) {
    assert.equal(systemCode(other), undefined);
  }
  assert.equal(systemCode(new SatchelError("storage", "Cannot read")), undefined);
});
