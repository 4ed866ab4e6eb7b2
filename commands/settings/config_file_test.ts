import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { effectiveUser } from "../../lib/runtime/process.ts";
import { findConfigFiles } from "./config_file.ts";

const NOBODY = 65534;
const isRoot = effectiveUser() === 0;

/** A file in a scratch folder. */
function file(): Disposable & { path: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "satchel-config-"));
  const path = join(folder, "config.yaml");
  writeFileSync(path, "concurrency: 3\n");
  return { path, folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const silent = { note: () => assert.fail("noted"), warn: () => assert.fail("warned") };

Deno.test("files that do not exist are passed over in silence, a named one is an error", () => {
  assert.deepEqual(findConfigFiles({ host: "/nowhere/a", user: "/nowhere/b" }, undefined, silent), []);
  assert.throws(() => findConfigFiles({ host: "/nowhere/a" }, "/nowhere/c", silent), { code: "usage" });
});

Deno.test("a link in the place of the host's file, or of its folder, must not lead nowhere", () => {
  using scratch = file();
  const missing = join(scratch.folder, "missing");
  symlinkSync(missing, join(scratch.folder, "link"));
  for (const host of [join(scratch.folder, "link"), join(scratch.folder, "link", "config.yaml")]) {
    assert.throws(() => findConfigFiles({ host }, undefined, silent), { code: "usage", message: /link leads nowhere/ });
  }
  mkdirSync(missing);
  assert.deepEqual(findConfigFiles({ host: join(scratch.folder, "link", "config.yaml") }, undefined, silent), []);
});

Deno.test({
  name: "the host's file must be root's",
  ignore: !isRoot,
  fn() {
    using host = file();
    assert.equal(findConfigFiles({ host: host.path }, undefined, silent).length, 1);
    chownSync(host.path, NOBODY, NOBODY);
    assert.throws(() => findConfigFiles({ host: host.path }, undefined, silent), {
      code: "refused",
      message: `the configuration file ${host.path} is not taken: it belongs to the user nobody`,
      hint: /chown root/,
    });
  },
});

Deno.test("nobody else may write to a file", () => {
  using user = file();
  for (const mode of [0o666, 0o602]) {
    chmodSync(user.path, mode);
    assert.throws(() => findConfigFiles({ host: "/nowhere/config.yaml", user: user.path }, undefined, silent), {
      code: "refused",
    });
    assert.throws(() => findConfigFiles({ host: "/nowhere/config.yaml" }, user.path, silent), { code: "refused" });
  }
});

Deno.test("nobody else may write to a folder on the way to a file, the user's own links included", () => {
  using user = file();
  mkdirSync(join(user.folder, "dotfiles"));
  renameSync(user.path, join(user.folder, "dotfiles", "config.yaml"));
  symlinkSync("dotfiles/config.yaml", user.path);
  const usual = { host: "/nowhere/config.yaml", user: user.path };
  const read = [() => findConfigFiles(usual, undefined, silent), () => findConfigFiles(usual, user.path, silent)];
  assert.deepEqual(read.map((each) => each().length), [1, 2]);
  for (const folder of [user.folder, join(user.folder, "dotfiles")]) {
    chmodSync(folder, 0o757);
    for (const each of read) {
      assert.throws(each, { code: "refused", message: new RegExp(`: ${folder} can be written to by everybody`) });
    }
    chmodSync(folder, 0o700);
  }
});

Deno.test("a file may lie in a sticky folder, where nobody else can exchange it", () => {
  using user = file();
  chmodSync(user.folder, 0o1777);
  assert.equal(findConfigFiles({ host: "/nowhere/config.yaml" }, user.path, silent).length, 1);
});

Deno.test({
  name: "another user's folder or link on the way to a file of root's has it passed over, and a named one refused",
  ignore: !isRoot,
  fn() {
    using root = file();
    using home = file();
    rmSync(home.path);
    symlinkSync(root.path, home.path);
    const foreigners: [string, () => void][] = [
      [home.folder, () => chownSync(home.folder, NOBODY, NOBODY)],
      [home.path, () => {
        chownSync(home.folder, 0, 0);
        chmodSync(home.folder, 0o1777);
        lchownSync(home.path, NOBODY, NOBODY);
      }],
    ];
    const read = (warn: (text: string) => void) =>
      findConfigFiles({ host: "/nowhere/config.yaml", user: home.path }, undefined, { ...silent, warn });
    assert.equal(read(assert.fail).length, 1);
    for (const [at, prepare] of foreigners) {
      prepare();
      const warnings: string[] = [];
      assert.deepEqual(read((text) => warnings.push(text)), []);
      const subject = at === home.path ? "it" : at;
      assert.deepEqual(warnings, [
        `passed over the configuration file ${home.path}: ${subject} belongs to the user nobody`,
      ]);
      assert.throws(() => findConfigFiles({ host: "/nowhere/config.yaml" }, home.path, silent), { code: "refused" });
    }
  },
});

Deno.test({
  name: "another user's folder is passed over though others may write to it, and though the file is broken",
  ignore: !isRoot,
  fn() {
    using home = file();
    mkdirSync(join(home.folder, "open"));
    const path = join(home.folder, "open", "config.yaml");
    renameSync(home.path, path);
    chmodSync(home.folder, 0o777);
    chownSync(join(home.folder, "open"), NOBODY, NOBODY);
    truncateSync(path, 10_000_000);
    const warnings: string[] = [];
    const passedOver = { ...silent, warn: (text: string) => warnings.push(text) };
    assert.deepEqual(findConfigFiles({ host: "/nowhere/config.yaml", user: path }, undefined, passedOver), []);
    assert.equal(warnings.length, 1, warnings.join());
  },
});

Deno.test("a file of more than 64 KiB is an error that says so, before it is parsed", () => {
  using user = file();
  const read = () => findConfigFiles({ host: "/nowhere/config.yaml" }, user.path, silent);
  truncateSync(user.path, 64 * 1024);
  assert.equal(read().length, 1);
  truncateSync(user.path, 64 * 1024 + 1);
  assert.throws(read, { code: "usage", message: `the configuration file ${user.path} is larger than 65536 bytes` });
});

Deno.test("a file that is not UTF-8 is an error that names it", () => {
  using user = file();
  writeFileSync(user.path, new Uint8Array([0x73, 0x3a, 0x20, 0xff, 0x0a]));
  assert.throws(() => findConfigFiles({ host: "/nowhere/config.yaml", user: user.path }, undefined, silent), {
    code: "usage",
    message: `the configuration file ${user.path} is not UTF-8`,
  });
});
