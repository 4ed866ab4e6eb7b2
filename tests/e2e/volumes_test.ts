import assert from "node:assert/strict";
import { join } from "node:path";
import {
  binary,
  describe,
  digestOf,
  makeGadget,
  peer,
  peerTest,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { runAndKill } from "./kill.ts";

const NAME = "example.org/demo/app:v1";

async function prepare(
  scratch: Scratch,
  layerSize = 300_000,
): Promise<{ store: string; out: string; archive: string }> {
  const [store, out] = [scratch.at("store"), scratch.at("out")];
  await writeStore(store, [{ image: makeGadget({ layerSize }), name: NAME }]);
  await Deno.mkdir(out);
  return { store, out, archive: join(out, "x.tar") };
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

function exportInto(store: string, archive: string, size: string) {
  return satchel(["image", "export", NAME, archive, "--volume-size", size, "-o", "json"], { store });
}

Deno.test("volumes together are the plain archive, byte for byte, and sha256sum checks each", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  await satchelSucceeds(["image", "export", NAME, scratch.at("plain.tar")], { store });
  const outcome = await exportInto(store, archive, "100kB");
  assert.equal(outcome.code, 0, describe(outcome));
  const { digest, size, volumes } = JSON.parse(outcome.stdout);
  assert.equal(digest, digestOf(await Deno.readFile(scratch.at("plain.tar"))));
  assert.equal(volumes.length, Math.ceil(size / 100_000));
  const names = volumes.map(({ file }: { file: string }) => file);
  assert.deepEqual(await filesIn(out), ["x.tar-sha256sums", ...names].toSorted());
  await succeed("bash", ["-c", "cat x.tar.* | cmp - ../plain.tar && sha256sum --check --strict x.tar-sha256sums"], {
    cwd: out,
  });
  for (const volume of volumes) {
    const bytes = await Deno.readFile(join(out, volume.file));
    assert.deepEqual([volume.size, volume.digest], [bytes.length, digestOf(bytes)]);
  }
  const text = await satchelSucceeds(["image", "export", NAME, archive, "--volume-size", "100kB"], { store });
  assert.match(text, new RegExp(`, ${volumes.length} volumes\n`));
});

Deno.test("older volumes of an archive are replaced, those that are too many removed", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  assert.equal((await exportInto(store, archive, "64KiB")).code, 0);
  const many = await filesIn(out);
  assert.equal((await exportInto(store, archive, "256KiB")).code, 0);
  const few = await filesIn(out);
  assert.ok(few.length < many.length && few.every((name) => many.includes(name)), few.join(" "));
  await succeed("sha256sum", ["--check", "--strict", "x.tar-sha256sums"], { cwd: out });
});

Deno.test("volumes that no list of checksums names are in the way, and nothing is written", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  await Deno.writeTextFile(`${archive}.002`, "somebody's");
  const { code, stderr } = await exportInto(store, archive, "100kB");
  assert.equal(code, 5, stderr);
  assert.match(stderr, /has volumes of another archive: x\.tar\.002\n/);
  assert.deepEqual(await filesIn(out), ["x.tar.002"]);
  assert.equal(await Deno.readTextFile(`${archive}.002`), "somebody's");
});

Deno.test("after each of 20 kill -9 every volume there is whole, and the next export works where the list still fits", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch, 2_000_000);
  const args = ["image", "export", NAME, archive, "--volume-size", "500kB"];
  const first = await satchel(args, { store });
  assert.equal(first.code, 0, describe(first));
  const sums = await Deno.readTextFile(`${archive}-sha256sums`);
  const files = await filesIn(out);
  let usual = first.ms;
  for (let killed = 0, round = 0; killed < 20; round++) {
    assert.ok(round < 200, `only ${killed} of ${round} exports were still running when they were killed`);
    const env = satchelEnvironment(store, scratch.path);
    const outcome = await runAndKill(await binary(), args, env, Math.sqrt(Math.random()) * usual);
    if (outcome.wasKilled) killed++;
    else usual = outcome.ms;
    assert.equal(await Deno.readTextFile(`${archive}-sha256sums`), sums);
    await succeed("sha256sum", ["--check", "--strict", "x.tar-sha256sums"], { cwd: out });
  }
  assert.equal((await satchel(args, { store })).code, 0);
  assert.deepEqual(await filesIn(out), files);
});

/** More renames than an export makes here. */
const MOST = 30;

peerTest(
  "strace",
  "killed before any rename or removal, an export in the place of another leaves the one or the other, or what shows",
  async () => {
    await using scratch = await scratchFolder();
    const [store, out] = [scratch.at("store"), scratch.at("out")];
    const images = [makeGadget({ layerSize: 200_000 }), makeGadget({ layerSize: 100_000 })];
    const names = ["example.org/demo/long:v1", "example.org/demo/short:v1"];
    await writeStore(store, images.map((image, at) => ({ image, name: names[at] })));
    const archive = join(out, "x.tar");
    const exporting = (name: string) => ["image", "export", name, archive, "--volume-size", "70kB"];
    for (const [before, after] of [names, names.toReversed()]) {
      for (const call of ["rename", "unlink"]) {
        for (let at = 1, isDone = false; !isDone; at++) {
          assert.ok(at < MOST, `more than ${MOST} calls of ${call}`);
          await Deno.mkdir(out);
          await satchelSucceeds(exporting(before), { store });
          const inject = ["-f", "-qq", "-o", "/dev/null", "-e", `inject=${call}:signal=SIGKILL:when=${at}`];
          const env = satchelEnvironment(store, scratch.path);
          isDone = (await run(peer("strace"), [...inject, await binary(), ...exporting(after)], { env })).code === 0;
          const state = `killed before ${call} ${at} of ${after}`;
          const far = scratch.at(`far-${call}-${at}`);
          const imported = await satchel(["image", "import", `${archive}.001`, "-o", "json"], { store: far });
          const found = JSON.parse(imported.stdout || "[]").map(({ name }: { name: string }) => name);
          assert.ok([before, after, undefined].includes(found[0]) && found.length < 2, state);
          assert.equal(imported.code === 0, found.length === 1, `${state}: ${describe(imported)}`);
          const verified = await satchel(["archive", "verify", `${archive}.001`], { store });
          if (verified.code === 0) assert.equal(imported.code, 0, state);
          if (isDone) assert.deepEqual(found, [after]);
          const again = await satchel(exporting(after), { store });
          assert.equal(again.code, 0, `${state}: ${describe(again)}`);
          assert.equal((await satchel(["archive", "verify", `${archive}.001`], { store })).code, 0, state);
          await succeed("sha256sum", ["--check", "--strict", "--quiet", "x.tar-sha256sums"], { cwd: out });
          for (const folder of [out, far]) await Deno.remove(folder, { recursive: true }).catch(() => {});
        }
      }
    }
  },
);

Deno.test("a plain archive does not take the place of a volume, nor of the list of volumes", async () => {
  await using scratch = await scratchFolder();
  const { store, out, archive } = await prepare(scratch);
  assert.equal((await exportInto(store, archive, "100kB")).code, 0);
  const before = await Promise.all((await filesIn(out)).map((name) => Deno.readFile(join(out, name))));
  for (const path of [`${archive}.001`, `${archive}.003`, `${archive}-sha256sums`]) {
    for (const args of [["export", NAME, path], ["copy", `store:${NAME}`, `archive:${path}`]]) {
      const outcome = await satchel(["image", ...args], { store });
      assert.equal(outcome.code, 5, describe(outcome));
      assert.match(outcome.stderr, /belongs to the volumes of x\.tar, which would be broken\nHint: /);
    }
  }
  assert.deepEqual(await Promise.all((await filesIn(out)).map((name) => Deno.readFile(join(out, name)))), before);
  // A name that only looks like that of a volume is one like any other.
  for (let twice = 0; twice < 2; twice++) {
    await satchelSucceeds(["image", "export", NAME, join(out, "y.001")], { store });
  }
});
