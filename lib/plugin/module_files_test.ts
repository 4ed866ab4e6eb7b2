import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { SatchelError } from "../error.ts";
import { openModuleFiles } from "./module_files.ts";

/** A folder with these files, none of which others may write to. */
function folderWith(files: Record<string, string>): { at: (name: string) => string } & Disposable {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "satchel-test-")));
  chmodSync(folder, 0o755);
  const at = (name: string) => join(folder, name);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(at(name)), { recursive: true, mode: 0o755 });
    writeFileSync(at(name), text, { mode: 0o644 });
  }
  return { at, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function refusal(work: () => unknown): SatchelError {
  try {
    work();
  } catch (error) {
    if (error instanceof SatchelError) return error;
    throw error;
  }
  throw new Error("it was read");
}

Deno.test("TypeScript becomes JavaScript, JSON a module, and JavaScript stays as it is", () => {
  using folder = folderWith({
    "a.ts": "enum E { One = 1 }\nexport const one: number = E.One;\n",
    "b.js": "export const two = 2;\n",
    "c.json": '{"three": 3}\n',
  });
  const files = openModuleFiles();
  assert.doesNotMatch(files.read(folder.at("a.ts")).source, /: number|enum/);
  assert.equal(files.read(folder.at("b.js")).source, "export const two = 2;\n");
  assert.equal(files.read(folder.at("c.json")).source, 'export default JSON.parse("{\\"three\\":3}");');
});

Deno.test("a path is relative to the file that it stands in, and a file is one module under all its names", () => {
  using folder = folderWith({ "lib/a.js": "", "lib/b.js": "export {};", "c.js": "" });
  symlinkSync(folder.at("lib/b.js"), folder.at("link.js"));
  const files = openModuleFiles();
  const b = files.read("./b.js", files.read(folder.at("lib/a.js")).url);
  assert.equal(b.url, pathToFileURL(folder.at("lib/b.js")).href);
  assert.equal(files.read("../link.js", b.url), b);
  assert.equal(files.read(b.url, b.url), b);
});

Deno.test("a file that others may write to is not read, wherever it is imported from", () => {
  using folder = folderWith({ "a.js": "", "b.js": "" });
  chmodSync(folder.at("b.js"), 0o666);
  const files = openModuleFiles();
  const error = refusal(() => files.read("./b.js", files.read(folder.at("a.js")).url));
  assert.equal(error.code, "refused");
  assert.match(error.message, /it imports "\.\/b\.js".*b\.js/);
});

Deno.test("packages, addresses and what is no module are not imported, and the error says what was", () => {
  using folder = folderWith({ "a.js": "", "a.txt": "", "latin.js": "", "sub/x.js": "" });
  writeFileSync(folder.at("latin.js"), Uint8Array.of(0xff, 0xfe));
  const files = openModuleFiles();
  const { url } = files.read(folder.at("a.js"));
  for (
    const specifier of ["lodash", "npm:lodash", "https://example.org/a.js", "bun:ffi", "data:text/javascript,1", "fs"]
  ) {
    const error = refusal(() => files.read(specifier, url));
    assert.equal(error.code, "plugin");
    assert.ok(error.message.includes(JSON.stringify(specifier)), error.message);
  }
  assert.match(refusal(() => files.read("./a.txt", url)).message, /a\.txt is no module/);
  assert.match(refusal(() => files.read("./latin.js", url)).message, /not UTF-8/);
  assert.match(refusal(() => files.read("./sub", url)).message, /sub is no module/);
  assert.match(refusal(() => files.read("./missing.js", url)).message, /it imports "\.\/missing\.js"/);
});

Deno.test("a mistake in a file is told with its place", () => {
  using folder = folderWith({ "a.ts": "const a = 1;\nconst b: = 2;\n", "c.json": "{" });
  assert.match(refusal(() => openModuleFiles().read(folder.at("a.ts"))).message, /a\.ts:2:10: \S/);
  assert.match(refusal(() => openModuleFiles().read(folder.at("c.json"))).message, /c\.json:/);
});

Deno.test("a file that would fill the memory is not read", () => {
  using folder = folderWith({ "big.js": " ".repeat(4 * 1024 * 1024 + 1) });
  assert.match(refusal(() => openModuleFiles().read(folder.at("big.js"))).message, /larger than/);
});
