import assert from "node:assert/strict";
import { join } from "node:path";
import { binary, describe, peer, peerTest, ROOT, run, scratchFolder, succeed } from "../harness/mod.ts";

const UNIT = join(ROOT, "docs/systemd/satchel-serve.service");

/** The most that is accepted of what systemd calls exposure, in tenths: from 0 to 20 it calls it OK or better. */
const EXPOSURE = 20;

peerTest("systemd-analyze", "the example unit is hardened, by systemd's own measure", async () => {
  const args = ["security", "--offline=true", `--threshold=${EXPOSURE}`, "--no-pager", UNIT];
  const outcome = await run(peer("systemd-analyze"), args);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stdout, /Overall exposure level for satchel-serve\.service: [01]\.\d/);
});

peerTest("systemd-analyze", "systemd finds nothing wrong with the example unit", async () => {
  await using scratch = await scratchFolder();
  const unit = scratch.at("satchel-serve.service");
  const text = await Deno.readTextFile(UNIT);
  await Deno.writeTextFile(unit, text.replace("/usr/local/bin/satchel", await binary()));
  const outcome = await run(peer("systemd-analyze"), ["verify", "--man=no", unit]);
  assert.deepEqual([outcome.code, outcome.stderr], [0, ""], describe(outcome));
});

Deno.test("every flag of the example unit is one of serve's", async () => {
  const help = await succeed(await binary(), ["serve", "--help"], { env: { HOME: "/nonexistent" } });
  const flags = (await Deno.readTextFile(UNIT)).match(/ --[a-z-]+/g) ?? [];
  assert.ok(flags.length > 5);
  for (const flag of flags) assert.ok(help.includes(`${flag} `), flag);
});
