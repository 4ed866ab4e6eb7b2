import assert from "node:assert/strict";
import { peerTest, satchel, type Scratch, scratchFolder } from "../harness/mod.ts";

const KINDS = ["tracer", "mapiter", "iter"];

function init(scratch: Scratch, ...args: string[]) {
  return satchel(["image", "init", ...args], { cwd: scratch.path, home: scratch.path });
}

for (const kind of KINDS) {
  peerTest(
    ["clang", "llvm-strip"],
    `a new gadget of kind ${kind} builds, is right, and completing its gadget.yaml changes nothing`,
    async () => {
      await using scratch = await scratchFolder();
      const written = await init(scratch, "trace_mine", "--kind", kind);
      assert.deepEqual([written.code, written.stderr], [0, ""]);
      const before = await Deno.readTextFile(scratch.at("trace_mine/gadget.yaml"));
      const built = await satchel(
        ["image", "build", "--local", "--strict", "--update-metadata", "-t", "trace_mine", "trace_mine"],
        { cwd: scratch.path, home: scratch.path, store: scratch.at("store") },
      );
      assert.equal(built.code, 0, built.stderr);
      assert.equal(await Deno.readTextFile(scratch.at("trace_mine/gadget.yaml")), before);
      assert.deepEqual(
        [...Deno.readDirSync(scratch.at("trace_mine"))].map(({ name }) => name).sort(),
        ["build.yaml", "gadget.yaml", "program.bpf.c"],
      );
    },
  );
}

Deno.test("init says what it wrote and how to build it", async () => {
  await using scratch = await scratchFolder();
  const { code, stdout } = await init(scratch, "mine");
  assert.equal(code, 0);
  assert.match(stdout, /^Wrote mine\/program\.bpf\.c, mine\/gadget\.yaml, mine\/build\.yaml\n/);
  assert.match(stdout, / image build --local -t mine mine\n/);
  assert.equal((await init(scratch, "other", "--quiet")).stdout, "");
});

Deno.test("init takes an empty folder and overwrites nothing", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("empty"));
  assert.equal((await init(scratch, "mine", "--directory", "empty")).code, 0);
  await Deno.writeTextFile(scratch.at("empty/gadget.yaml"), "mine");
  const again = await init(scratch, "mine", "--directory", "empty");
  assert.deepEqual([again.code, again.stdout], [2, ""]);
  assert.match(again.stderr, /^Error: empty is there already, and not empty\n/);
  assert.equal(await Deno.readTextFile(scratch.at("empty/gadget.yaml")), "mine");
  await Deno.writeTextFile(scratch.at("file"), "");
  assert.match((await init(scratch, "file")).stderr, /^Error: file is there already, and no folder\n/);
});

Deno.test("init refuses names that no image could have", async () => {
  await using scratch = await scratchFolder();
  for (const name of ["Mine", "../mine", "a/b", ".mine", "a..b", "", "mine\x1b[2J", "x".repeat(65)]) {
    const { code, stderr } = await init(scratch, "--", name);
    assert.equal(code, 2, name);
    assert.match(stderr, /^Error: ".*" is no name for a gadget\n/);
  }
  assert.equal((await init(scratch, "--", "-x")).code, 2);
  const kind = await init(scratch, "mine", "--kind", "profiler");
  assert.equal(kind.code, 2);
  assert.match(kind.stderr, /^Error: invalid kind "profiler", valid values are: tracer, mapiter, iter\n/);
  assert.deepEqual([...Deno.readDirSync(scratch.path)], []);
});
