import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { binary, ROOT, run, satchel, satchelEnvironment, scratchFolder, succeed } from "../harness/mod.ts";
import { archive, damage, exported, verdict } from "./archive_files.ts";

Deno.test("inspect reads an archive out of a pipe, and tells the same as of a file", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch);
  const file = JSON.parse((await archive(scratch, "inspect", "x.tar", "-o", "json")).stdout);
  const env = { HOME: scratch.path };
  const piped = await run("sh", ["-c", `cat x.tar | "${await binary()}" archive inspect - -o json`], {
    cwd: scratch.path,
    env,
  });
  assert.deepEqual({ ...JSON.parse(piped.stdout), file: "x.tar" }, file);
});

Deno.test("an archive in volumes is verified as a whole by its first, and each volume by itself", async () => {
  await using scratch = await scratchFolder();
  const { images, printed } = await exported(scratch, "--volume-size", "100KiB");
  const whole = await verdict(scratch, 0, "x.tar.001");
  assert.equal(whole.digest, JSON.parse(printed.stdout).digest);
  assert.ok(whole.volumes.length > 2);
  assert.deepEqual((await verdict(scratch, 0, "x.tar")).digest, whole.digest);

  const volumes: string[] = whole.volumes.map(({ file }: { file: string }) => file);
  let damaged = "";
  for (const file of volumes) {
    const before = await Deno.readFile(scratch.at(file));
    if (Buffer.from(before).indexOf(Buffer.from(images[0].blobs[1].bytes.subarray(0, 64))) < 0) continue;
    damaged = file;
    await damage(scratch, file, images[0], 1);
  }
  for (const file of volumes.slice(1)) await verdict(scratch, file === damaged ? 5 : 0, file);
  const found = await verdict(scratch, 5, "x.tar.001");
  const places = found.damage.map(({ place }: { place?: string }) => place);
  assert.ok(places.includes(damaged));
});

Deno.test("a volume by itself does not pass for verified where signatures were asked for", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  const flags = ["--public-keys", join(ROOT, "tests/fixtures/cosign.pub")];
  const alone = await archive(scratch, "verify", "x.tar.002", ...flags);
  assert.equal(alone.code, 2, alone.stdout);
  assert.match(
    alone.stderr,
    /^Error: verifying an archive: x\.tar\.002 alone has no signatures .*\nHint: Name x\.tar\.001,/,
  );
  const whole = await archive(scratch, "verify", "x.tar.001", ...flags);
  assert.equal(whole.code, 5, whole.stderr);
  assert.match(whole.stdout, /^Not verified: /);
});

Deno.test("import of damaged volumes names the one that has to be copied again", async () => {
  await using scratch = await scratchFolder();
  const { images } = await exported(scratch, "--volume-size", "100KiB");
  const names = (await Array.fromAsync(Deno.readDir(scratch.path), ({ name }) => name)).filter((name) =>
    /^x\.tar\.\d+$/.test(name)
  );
  const start = Buffer.from(images[0].blobs[1].bytes.subarray(0, 64));
  const hit = names.find((name) => Buffer.from(Deno.readFileSync(scratch.at(name))).includes(start))!;
  await damage(scratch, hit, images[0], 1);
  const outcome = await satchel(["image", "import", "x.tar.001"], { store: scratch.at("new"), cwd: scratch.path });
  assert.equal(outcome.code, 5, outcome.stderr);
  assert.ok(outcome.stderr.includes(`not what x.tar-sha256sums says: ${hit}\n`), outcome.stderr);
});

Deno.test("verify names the volume that is missing", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  await Deno.remove(scratch.at("x.tar.002"));
  const { stdout, code } = await archive(scratch, "verify", "x.tar.001");
  assert.equal(code, 5);
  assert.match(stdout, /^Damaged: x\.tar\.002 is missing$/m);
  const alone = await archive(scratch, "verify", "x.tar.002");
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /there is no x\.tar\.002/);
});

Deno.test("a list of checksums that is not whole is damage, whatever the volumes are", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  const list = await Deno.readTextFile(scratch.at("x.tar-sha256sums"));
  const [head, first, ...others] = list.trimEnd().split("\n");
  for (const lines of [[], [head, first], [head, first, first, ...others], [head, ...others]]) {
    await Deno.writeTextFile(scratch.at("x.tar-sha256sums"), lines.join("\n"));
    for (const file of ["x.tar.001", "x.tar.002"]) {
      const { damage, digest } = await verdict(scratch, 5, file);
      assert.match(damage[0].message, /x\.tar-sha256sums is not a whole list of the checksums of volumes/);
      assert.equal(digest, undefined);
    }
  }
});

Deno.test("a list of checksums whose own line about the whole is another one is damage", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  const list = await Deno.readTextFile(scratch.at("x.tar-sha256sums"));
  await Deno.writeTextFile(scratch.at("x.tar-sha256sums"), list.replace(/sha256:\w{8}/, "sha256:00000000"));
  const { damage } = await verdict(scratch, 5, "x.tar.001");
  assert.match(damage[0].message, /^x\.tar-sha256sums says that all volumes together are sha256:0{8}/);
});

Deno.test("a volume that the list of checksums has not is damage", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  await Deno.copyFile(scratch.at("x.tar.002"), scratch.at("x.tar.009"));
  const { damage } = await verdict(scratch, 5, "x.tar.001");
  assert.deepEqual(damage.map(({ place }: { place: string }) => place), ["x.tar.009"]);
});

Deno.test("without the list of checksums, any volume stands for all of them", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  await Deno.remove(scratch.at("x.tar-sha256sums"));
  const found = await verdict(scratch, 0, "x.tar.002");
  assert.equal(found.images, 2);
  assert.equal(found.form.volumes, 5);
});

Deno.test("verify names the volume that was cut off", async () => {
  await using scratch = await scratchFolder();
  await exported(scratch, "--volume-size", "100KiB");
  await Deno.truncate(scratch.at("x.tar.002"), 1000);
  const found = await verdict(scratch, 5, "x.tar.001");
  assert.equal(found.volumes[1].state, "damaged");
  assert.ok(found.damage.some(({ place }: { place?: string }) => place === "x.tar.002"));
});

for (const program of ["cat", "gzip -c"]) {
  Deno.test(`verify reads a FIFO that ${program} writes into, once`, async () => {
    await using scratch = await scratchFolder();
    await exported(scratch);
    await succeed("mkfifo", [scratch.at("fifo")]);
    const script = `${program} x.tar > fifo & "${await binary()}" archive verify fifo -o json && wait $!`;
    const outcome = await run("sh", ["-c", script], {
      cwd: scratch.path,
      env: satchelEnvironment(scratch.at("none"), scratch.path),
    });
    assert.equal(outcome.code, 0, outcome.stderr);
    const { ok, images } = JSON.parse(outcome.stdout);
    assert.deepEqual([ok, images], [true, 2]);
  });
}
