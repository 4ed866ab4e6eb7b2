import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { effectiveUser } from "../../lib/runtime/process.ts";
import { findConfigFiles } from "./config_file.ts";

const NOBODY = 65534;
const isRoot = effectiveUser() === 0;

/** A file in a scratch folder. */
function file(): Disposable & { path: string } {
  const folder = mkdtempSync(join(tmpdir(), "satchel-config-"));
  const path = join(folder, "config.yaml");
  writeFileSync(path, "concurrency: 3\n");
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const silent = { note: () => assert.fail("noted"), warn: () => assert.fail("warned") };

Deno.test("files that do not exist are passed over in silence, a named one is an error", () => {
  assert.deepEqual(findConfigFiles({ host: "/nowhere/a", user: "/nowhere/b" }, undefined, silent), []);
  assert.throws(() => findConfigFiles({ host: "/nowhere/a" }, "/nowhere/c", silent), { code: "usage" });
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
      message: `the configuration file ${host.path} does not belong to root`,
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

Deno.test("a file that is not UTF-8 is an error that names it", () => {
  using user = file();
  writeFileSync(user.path, new Uint8Array([0x73, 0x3a, 0x20, 0xff, 0x0a]));
  assert.throws(() => findConfigFiles({ host: "/nowhere/config.yaml", user: user.path }, undefined, silent), {
    code: "usage",
    message: `the configuration file ${user.path} is not UTF-8`,
  });
});
