import assert from "node:assert/strict";
import { binary, satchelEnvironment, scratchFolder, succeed } from "../harness/mod.ts";
import { FULL, listed, writeLayout } from "./import_archives.ts";
import { imageOf, largeLayer } from "./large_images.ts";

const LAYER_SIZE = 300_000_000;

/** The most memory that a running process has had so far, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) * 1024;
}

Deno.test("an archive out of a pipe that has to be spooled takes no more memory than any other", async () => {
  await using scratch = await scratchFolder();
  const image = imageOf([largeLayer(LAYER_SIZE)]);
  const layout = await writeLayout(scratch, [{ image, name: FULL }]);
  // The list of images at its end.
  const child = new Deno.Command(await binary(), {
    args: ["image", "import", "-"],
    clearEnv: true,
    env: { ...satchelEnvironment(scratch.at("store"), scratch.path), TMPDIR: scratch.path },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = new Response(child.stderr).text();
  const tar = scratch.at("x.tar");
  await succeed("tar", ["-cf", tar, "-C", layout, "blobs", "oci-layout", "index.json"]);
  const writer = child.stdin.getWriter();
  for await (const chunk of (await Deno.open(tar)).readable) await writer.write(chunk);
  // All but what is in the pipe was taken, and the end has not come.
  const peak = await peakOf(child.pid);
  await writer.close();
  const { code } = await child.status;
  assert.equal(code, 0, await output);
  assert.ok(peak > 0 && peak < 120_000_000, `${peak} bytes of memory`);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});
