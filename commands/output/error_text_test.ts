import assert from "node:assert/strict";
import { SatchelError } from "../../lib/error.ts";
import { exitStatus } from "./exit.ts";
import { parseLine } from "../line/parse.ts";
import { errorText, stackText } from "./error_text.ts";
import { commandTree } from "../tree.ts";

function usageError(...line: string[]): unknown {
  try {
    parseLine(commandTree("satchel"), line);
  } catch (error) {
    return error;
  }
}

Deno.test("an error is what failed, and a hint", () => {
  assert.equal(errorText(new SatchelError("network", "pulling x: no route")), "Error: pulling x: no route\n");
  const error = new SatchelError("storage", "the disk is full", { hint: "Free some space." });
  assert.equal(errorText(error), "Error: the disk is full\nHint: Free some space.\n");
});

Deno.test("a remedy is told behind the hint, in the words of the command at hand", () => {
  const error = new SatchelError("storage", "too large", { hint: "FAT is.", remedy: { kind: "small-volumes" } });
  assert.equal(errorText(error), "Error: too large\nHint: FAT is.\n");
  assert.equal(
    errorText(error, new Set(["volume-size"])),
    "Error: too large\nHint: FAT is. --volume-size 4GB writes several smaller ones.\n",
  );
});

Deno.test("a mistake on the command line comes with suggestions and the way to help", () => {
  assert.equal(
    errorText(usageError("imag")),
    `Error: unknown command "imag" for "satchel"

Did you mean this?
	image

Run 'satchel --help' for usage.
`,
  );
  assert.equal(
    errorText(usageError("image", "pull")),
    "Error: accepts 1 arg(s), received 0\nRun 'satchel image pull --help' for usage.\n",
  );
});

Deno.test("an error that nobody foresaw says what kind it is", () => {
  assert.equal(errorText(new TypeError("x is undefined")), "Error: TypeError: x is undefined\n");
});

Deno.test("what comes from outside cannot act on the terminal", () => {
  assert.equal(errorText(new SatchelError("registry", "says \x1b[2J")), "Error: says \\x1b[2J\n");
});

Deno.test("the stack trace is apart, with what led to it", () => {
  const error = new SatchelError("network", "outer", { cause: new Error("inner") });
  assert.doesNotMatch(errorText(error), /inner|at /);
  assert.match(stackText(error), /outer[^]*at [^]*Caused by:\nError: inner[^]*at /);
});

Deno.test("each kind of failure has its exit status", () => {
  const status = (code: ConstructorParameters<typeof SatchelError>[0]) => exitStatus(new SatchelError(code, ""));
  assert.deepEqual(
    (["usage", "not-found", "denied", "integrity", "refused", "network", "storage", "cancelled"] as const).map(status),
    [2, 3, 4, 5, 5, 1, 1, 130],
  );
  assert.equal(exitStatus(new Error("anything")), 1);
});

Deno.test("what a runtime says of a request is shown without the path, which may have a secret", () => {
  const cause = new TypeError('Malformed_HTTP_Response fetching "http://store.example/x?X-Amz-Signature=SECRET". More');
  const text = stackText(new SatchelError("network", "the line broke", { cause }));
  assert.ok(!text.includes("SECRET"), text);
  assert.match(text, /fetching "http:\/\/store\.example\/\.\.\."\. More/);
  const unforeseen = errorText(new TypeError("proxy HTTP://me:SECRET@proxy.example/x?key=SECRET failed"));
  assert.equal(unforeseen, "Error: TypeError: proxy HTTP://...@proxy.example/... failed\n");
});

Deno.test("a further line of a message cannot pass for an error of its own", () => {
  const forged = "odd\nError: forged\nWarning: forged";
  const told = (text: string) => text.split("\n").filter((line) => /^(Error|Warning):/.test(line)).length;
  const error = new SatchelError("registry", forged, { hint: forged, cause: new TypeError(forged) });
  assert.equal(told(errorText(error)), 1);
  assert.equal(told(stackText(error)), 0);
});
