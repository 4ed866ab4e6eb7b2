import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkOpened, readInside } from "./inside.ts";

Deno.test("a file is read if it is in its folder when it is open, whatever its name leads to later", () => {
  const scratch = mkdtempSync(join(tmpdir(), "satchel-inside-"));
  try {
    const folder = join(scratch, "gadget");
    mkdirSync(folder);
    writeFileSync(join(scratch, "secret"), "secret");
    writeFileSync(join(folder, "own"), "own");
    symlinkSync("own", join(folder, "link"));
    symlinkSync("../secret", join(folder, "out"));
    assert.equal(new TextDecoder().decode(readInside(folder, "link", "wasm", 100)), "own");
    assert.throws(() => readInside(folder, "out", "wasm", 100), /^SatchelError: wasm: "out" is outside of the folder/);
    assert.throws(() => readInside(folder, "nosuch", "wasm", 100), { code: "storage" });
    // The link led out when it was opened, and is put right before anybody looks.
    const opened = statSync(join(folder, "out"));
    assert.throws(() => checkOpened(opened, folder, "link", "wasm"), /"link" was replaced while it was read/);
    checkOpened(statSync(join(folder, "own")), folder, "link", "wasm");
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
