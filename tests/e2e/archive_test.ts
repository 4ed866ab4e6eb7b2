import { strict as assert } from "node:assert";
import { binary, describe, run, satchelSucceeds, scratchFolder, succeed } from "../harness/mod.ts";
import { archive, damage, exportAll, exported, LAYER_SIZE, NAMES, verdict } from "./archive_files.ts";

Deno.test("inspect shows images, platforms, sizes and signatures, and reads no more than it needs", async () => {
  await using scratch = await scratchFolder();
  const { images } = await exported(scratch);
  await damage(scratch, "x.tar", images[0], 1);
  const { stdout, code } = await archive(scratch, "inspect", "x.tar");
  assert.equal(code, 0);
  const [header, first, second, summary] = stdout.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(header, ["NAME", "DIGEST", "PLATFORMS", "SIZE", "REFERRERS", "SIGNATURES"]);
  const platforms = "linux/amd64,linux/arm64";
  assert.deepEqual(first.toSpliced(1, 1), [NAMES[0], platforms, "203 kB", "1", "cosign-tag"]);
  assert.deepEqual(second.toSpliced(1, 1), [NAMES[1], platforms, "202 kB", "0", "-"]);
  assert.match(summary[0], /^x\.tar: OCI image layout in a tar; 2 images, 15 blobs \(405 kB\)$/);
});

Deno.test("verify reads everything, and prints the checksum that export printed", async () => {
  await using scratch = await scratchFolder();
  const { printed } = await exported(scratch);
  const { digest, size, blobs } = JSON.parse(printed.stdout);
  const found = await verdict(scratch, 0, "x.tar");
  assert.deepEqual([found.ok, found.digest, found.size, found.damage], [true, digest, size, []]);
  assert.deepEqual(found.checked, { blobs: blobs.count, bytes: blobs.bytes });
});

Deno.test("verify ends with status 5 and names every damaged blob, with the images that need it", async () => {
  await using scratch = await scratchFolder();
  const { images } = await exported(scratch);
  const damaged = [await damage(scratch, "x.tar", images[0], 1), await damage(scratch, "x.tar", images[1], 2)];
  const found = await verdict(scratch, 5, "x.tar");
  const named = found.damage.map(({ kind, digest, images }: Record<string, unknown>) => ({ kind, digest, images }));
  const expected = damaged.map((digest, at) => ({ kind: "damaged", digest, images: [NAMES[at]] }));
  assert.deepEqual(new Set(named), new Set(expected));
  const { stdout } = await archive(scratch, "verify", "x.tar");
  assert.match(stdout, new RegExp(`Damaged: ${damaged[0]} has other bytes .*\\(part of ${NAMES[0]}\\)`));
  assert.match(stdout, /, 2 damaged$/m);
});

Deno.test("verify of half an archive ends with status 5", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch);
  await Deno.truncate(scratch.at("x.tar"), 300_000);
  const found = await verdict(scratch, 5, "x.tar");
  assert.equal(found.ok, false);
  assert.ok(found.damage.length > 0);
});

Deno.test("verify refuses what needs too much memory, and does not call it damaged", async () => {
  await using scratch = await scratchFolder();
  // A frame of Zstandard with a window of 2 TiB, and an empty block.
  await Deno.writeFile(scratch.at("x.tar.zst"), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xf8, 1, 0, 0));
  const { code, stdout, stderr } = await archive(scratch, "verify", "x.tar.zst");
  assert.deepEqual([code, stdout], [5, ""]);
  assert.match(stderr, /^Error: verifying an archive: \S+ needs \d+ bytes of memory .*\nHint: .*--long=31/);
});

Deno.test("verify of a compressed archive that lost its end, or a bit, ends with status 5", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch);
  await run("gzip", ["-n", scratch.at("x.tar")]);
  const bytes = await Deno.readFile(scratch.at("x.tar.gz"));
  const { ok, form } = await verdict(scratch, 0, "x.tar.gz");
  assert.deepEqual([ok, form.compression], [true, "gzip"]);
  await Deno.writeFile(scratch.at("cut.tar.gz"), bytes.subarray(0, bytes.length - 1000));
  const altered = bytes.slice();
  altered[bytes.length >> 1] ^= 1;
  await Deno.writeFile(scratch.at("altered.tar.gz"), altered);
  for (const file of ["cut.tar.gz", "altered.tar.gz"]) {
    const { damage } = await verdict(scratch, 5, file);
    assert.ok(damage.length > 0, file);
  }
});

Deno.test("verify accepts what a thin archive says that it leaves out, and nothing beyond that", async () => {
  await using scratch = await scratchFolder();
  const { images } = await exported(scratch);
  const inventory = await satchelSucceeds(["store", "inventory"], { store: scratch.at("store") });
  const prefixes: { sha256: string[] } = JSON.parse(inventory);
  const left = images[0].blobs[1].digest.slice("sha256:".length);
  const have = { ...prefixes, sha256: prefixes.sha256.filter((prefix) => left.startsWith(prefix)) };
  await Deno.writeTextFile(scratch.at("have.json"), JSON.stringify(have));
  await exportAll(scratch, "thin.tar", "--have", "have.json");
  const thin = await verdict(scratch, 0, "thin.tar");
  assert.deepEqual(thin.leftOut, { blobs: 1, bytes: LAYER_SIZE });

  await Deno.mkdir(scratch.at("layout"));
  await run("tar", ["-xf", scratch.at("thin.tar"), "-C", scratch.at("layout")]);
  const lost = images[1].blobs[1].digest;
  await Deno.remove(scratch.at("layout", "blobs", ...lost.split(":")));
  const missing = await verdict(scratch, 5, "layout");
  assert.equal(missing.damage.length, 2);
  assert.ok(missing.damage.some(({ digest, kind }: Record<string, string>) => digest === lost && kind === "missing"));
  assert.deepEqual((await verdict(scratch, 0, "layout", "--thin")).leftOut.blobs, 2);
});

Deno.test("verify of what is no archive, and of what is not there", async () => {
  await using scratch = await scratchFolder();
  await Deno.writeTextFile(scratch.at("text"), "some text\n".repeat(100));
  const text = await verdict(scratch, 5, "text");
  assert.equal(text.damage[0].kind, "broken");
  const nothing = await archive(scratch, "verify", "nothing.tar");
  assert.equal(nothing.code, 2);
  const inspected = await archive(scratch, "inspect", "text");
  assert.equal(inspected.code, 5);
  assert.match(inspected.stderr, /^Error: inspecting an archive: /);
});

Deno.test("verify prints the checksum of what comes out of a pipe as well, if it came to its end", async () => {
  await using scratch = await scratchFolder();
  const { printed } = await exported(scratch);
  const { digest, size } = JSON.parse(printed.stdout);
  const env = { HOME: scratch.path, TMPDIR: scratch.path };
  const verify = (source: string) =>
    run("bash", ["-c", `"$0" archive verify -o json - ${source}`, program], { env, cwd: scratch.path });
  const program = await binary();
  for (const source of ["< <(cat x.tar)", "< x.tar"]) {
    const outcome = await verify(source);
    assert.equal(outcome.code, 0, describe(outcome));
    const report = JSON.parse(outcome.stdout);
    assert.deepEqual([report.digest, report.size], [digest, size]);
  }
  const cut = await verify("< <(head -c 100000 x.tar)");
  assert.equal(cut.code, 5, describe(cut));
  await succeed("bash", ["-c", "gzip < x.tar > y && sha256sum < y > sum"], { cwd: scratch.path });
  const [hex] = (await Deno.readTextFile(scratch.at("sum"))).split(" ");
  assert.equal(JSON.parse((await verify("< <(cat y)")).stdout).digest, `sha256:${hex}`);
});
