import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stageFile } from "./staged_file.ts";

Deno.test("a staged file comes to where its folder was when it was staged, also if a link is put there", () => {
  const scratch = mkdtempSync(join(tmpdir(), "satchel-staged-"));
  try {
    const [folder, outside] = [join(scratch, "gadget"), join(scratch, "outside")];
    mkdirSync(join(folder, "sub"), { recursive: true });
    mkdirSync(outside);
    symlinkSync(outside, join(folder, "link"));
    const [owner, bytes] = [statSync(folder), new Uint8Array(3)];
    assert.throws(() => stageFile(join(folder, "link/a"), bytes, { owner, within: folder }), { code: "invalid" });
    using file = stageFile(join(folder, "sub/a"), bytes, { owner, within: folder });
    if (existsSync("/proc/self/fd")) {
      renameSync(join(folder, "sub"), join(folder, "moved"));
      symlinkSync(outside, join(folder, "sub"));
    }
    file.commit();
    const at = existsSync("/proc/self/fd") ? "moved" : "sub";
    assert.deepEqual([readdirSync(join(folder, at)), readdirSync(outside)], [["a"], []]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
