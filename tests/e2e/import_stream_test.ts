import assert from "node:assert/strict";
import { binary, makeGadget, ROOT, scratchFolder, succeed } from "../harness/mod.ts";
import { blobAt, FULL, importInto, listed, pack, writeLayout } from "./import_archives.ts";

const IG_ARCHIVE = `${ROOT}/tests/fixtures/ig-export-signed.tar`;
const IG_NAME = "127.0.0.1:5001/fixture/hello:v1";
const IG_DIGEST = "sha256:e38971200f97ea6b65a97a258b408dbeb4486a4f8aed52a428073fd13f0dd228";

for (const [program, flag] of [["gzip", "-c"], ["zstd", "-cq"]]) {
  Deno.test(`an archive compressed with ${program}, whatever its name: works`, async () => {
    await using scratch = await scratchFolder();
    await succeed("sh", ["-c", `${program} ${flag} < "$1" > "$2"`, "sh", IG_ARCHIVE, scratch.at("x.tar")]);
    const { code, stdout } = await importInto(scratch, "x.tar");
    assert.deepEqual([code, stdout], [0, `Successfully imported images:\n  ${IG_NAME}\nWith them: 1 signature\n`]);
  });
}

Deno.test("out of a pipe: works", async () => {
  await using scratch = await scratchFolder();
  const env = { HOME: scratch.path, TMPDIR: scratch.path };
  const shell = `cat "$1" | "$2" image import - --store "$3"`;
  const stdout = await succeed("sh", ["-c", shell, "sh", IG_ARCHIVE, await binary(), scratch.at("store")], { env });
  assert.equal(stdout, `Successfully imported images:\n  ${IG_NAME}\nWith them: 1 signature\n`);
  assert.deepEqual(await listed(scratch), { [IG_NAME]: IG_DIGEST });
});

Deno.test("a damaged blob in a compressed archive costs only the image that needs it", async () => {
  await using scratch = await scratchFolder();
  const [image, other] = [makeGadget(), makeGadget()];
  const folder = await writeLayout(scratch, [{ image, name: FULL }, { image: other, name: "example.org/c:v1" }]);
  await Deno.writeFile(blobAt(folder, image.blobs[1].digest), new Uint8Array(1000));
  const outcome = await importInto(scratch, await pack(scratch, folder, "x.tar", "--gzip"));
  assert.deepEqual([outcome.code, outcome.stdout], [5, "Successfully imported images:\n  example.org/c:v1\n"]);
  assert.match(outcome.stderr, new RegExp(`${FULL}: ${image.blobs[1].digest} has other bytes`));
});

Deno.test("a file as stdin is read in any order, from where it stands on, and nothing is spooled", async () => {
  await using scratch = await scratchFolder();
  const image = makeGadget({ layerSize: 20_000_000, architectures: ["amd64"] });
  // Blobs first, as tar packs a folder: out of a pipe this would be spooled.
  await pack(scratch, await writeLayout(scratch, [{ image, name: FULL }]));
  await Deno.writeFile(scratch.at("behind.tar"), new Uint8Array(512).fill(1));
  await succeed("sh", ["-c", "cat x.tar >> behind.tar"], { cwd: scratch.path });
  const run = (command: string, spool: string) =>
    succeed("bash", ["-c", command, program, scratch.at("store")], {
      env: { HOME: scratch.path, TMPDIR: spool },
      cwd: scratch.path,
    });
  const program = await binary();
  await run('"$0" image import - --store "$1" < x.tar', scratch.at("none"));
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
  await Deno.remove(scratch.at("store"), { recursive: true });
  const behind = '{ dd bs=512 count=1 of=/dev/null status=none; "$0" image import - --store "$1"; } < behind.tar';
  await run(behind, scratch.path);
  assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
});
