import { strict as assert } from "node:assert";
import { ROOT, run, scratchFolder } from "../harness/mod.ts";

Deno.test("deno compile accepts the module graph, the flags and the permissions", async () => {
  await using scratch = await scratchFolder();
  // With Deno itself as the runtime part everything is checked but whether the result starts.
  const env = { ...Deno.env.toObject(), DENORT_BIN: Deno.execPath(), NO_COLOR: "1" };
  const args = ["task", "compile", "--output", scratch.at("satchel")];
  const { code, stderr, stdout } = await run(Deno.execPath(), args, { cwd: ROOT, env, timeout: 300_000 });
  assert.equal(code, 0, stderr);
  const report = stdout + stderr;
  for (const part of ["main.ts", "commands", "lib"]) assert.ok(report.includes(` ${part}`), report);
  assert.doesNotMatch(report, /@oven|fast-check/, "packages of development must not be embedded");
  assert.ok((await Deno.stat(scratch.at("satchel"))).size > 10_000_000);
});
