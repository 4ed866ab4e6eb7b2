import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SatchelError } from "../../error.ts";
import { checkSpace, type FileDestination, findDestination, writeError } from "./destination.ts";

function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "satchel-destination-"));
  return {
    folder,
    at: (...names: string[]) => join(folder, ...names),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

function fileAt(path: string): FileDestination {
  const found = findDestination(path);
  if (found.kind !== "file") throw new Error(`${path} is no file`);
  return found;
}

Deno.test("what is open already is written to by its number, whatever it is called", () => {
  const cases: [string, string, number][] = [
    ["-", "stdout", 1],
    ["/dev/stdout", "/dev/stdout", 1],
    ["/dev/stderr", "/dev/stderr", 2],
    ["/dev/fd/77", "/dev/fd/77", 77],
    ["/proc/self/fd/3", "/proc/self/fd/3", 3],
  ];
  for (const [path, name, to] of cases) assert.deepEqual(findDestination(path), { kind: "stream", name, to });
  assert.deepEqual(findDestination("/dev/null"), { kind: "stream", name: "/dev/null", to: "/dev/null" });
});

Deno.test("a file is found behind links, there or not, and its folder is the one that it lies in", () => {
  using made = scratch();
  mkdirSync(made.at("sub"));
  writeFileSync(made.at("sub", "there.tar"), "old");
  symlinkSync("sub/there.tar", made.at("link"));
  symlinkSync("link", made.at("link-to-link"));
  symlinkSync("sub/new.tar", made.at("dangling"));
  for (const name of ["link", "link-to-link"]) {
    const { path, folder, existing, name: shown } = fileAt(made.at(name));
    assert.deepEqual([path, folder, existing?.size], [made.at("sub", "there.tar"), made.at("sub"), 3]);
    assert.equal(shown, made.at(name));
  }
  const dangling = fileAt(made.at("dangling"));
  assert.deepEqual([dangling.path, dangling.existing], [made.at("sub", "new.tar"), undefined]);
});

Deno.test("where no file can be, it is told why", () => {
  using made = scratch();
  mkdirSync(made.at("sub"));
  writeFileSync(made.at("file"), "");
  symlinkSync("sub", made.at("to-folder"));
  symlinkSync("circle", made.at("circle"));
  const cases: [string, RegExp][] = [
    [made.at("sub"), /it is a folder/],
    [made.at("to-folder"), /it is a folder/],
    [`${made.at("new")}/`, /it is a folder/],
    [`${made.at("new")}/.`, /it is a folder/],
    [made.at("none", "x.tar"), /there is no folder /],
    [made.at("file", "x.tar"), /a part of its path is not a folder/],
    [made.at("circle"), /its links go in circles/],
  ];
  for (const [path, message] of cases) assert.throws(() => findDestination(path), { code: "storage", message });
  assert.throws(() => findDestination(""), { code: "usage" });
});

Deno.test("what does not fit on the disk is told with the numbers, before anything is written", () => {
  using made = scratch();
  const destination = fileAt(made.at("x.tar"));
  checkSpace(destination, 1);
  const message = /: it will have 9007199254740991 bytes, and \d+ are free on its disk$/;
  assert.throws(() => checkSpace(destination, Number.MAX_SAFE_INTEGER), { code: "storage", message });
});

Deno.test("errors of the system are told in words, by the name that was given, and others stay what they are", () => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  const told = (cause: unknown) => {
    const error = writeError("x.tar", cause);
    return error instanceof SatchelError ? [error.code, error.message, error.hint !== undefined] : error;
  };
  assert.deepEqual(told(system("ENOSPC")), ["storage", "Cannot write x.tar: the disk is full", true]);
  assert.deepEqual(told(system("EUCLEAN")), ["storage", "Cannot write x.tar: EUCLEAN", false]);
  const ofPart = new SatchelError("storage", "Cannot write .x.tar.partial: no", { cause: system("EROFS") });
  assert.deepEqual(told(ofPart), ["storage", "Cannot write x.tar: the file system is read-only", true]);
  for (const other of [new SatchelError("refused", "no"), new TypeError("a defect")]) {
    assert.equal(writeError("x.tar", other), other);
  }
});
