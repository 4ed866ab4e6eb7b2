import { strict as assert } from "node:assert";
import { ROOT, run } from "../harness/mod.ts";

Deno.test("deno compile accepts the module graph, the flags and the permissions", async () => {
  const env = { ...Deno.env.toObject(), DENORT_BIN: Deno.execPath(), NO_COLOR: "1" };
  const { code, stderr, stdout } = await run(Deno.execPath(), ["task", "compile"], {
    cwd: ROOT,
    env,
    timeout: 300_000,
  });
  assert.equal(code, 0, stderr);
  const report = stdout + stderr;
  assert.match(report, /main\.ts/);
  assert.match(report, /define\.ts|dist/);
  assert.doesNotMatch(report, /@oven|fast-check/, "packages of development must not be embedded");
});
