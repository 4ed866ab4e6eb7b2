import assert from "node:assert/strict";
import { join } from "node:path";
import { hasCode } from "../../error.ts";
import { peer, peerTest, type Scratch, scratchFolder, succeed } from "../../../tests/harness/mod.ts";
import { type BtfgenOptions, generateBtfs } from "./btfgen.ts";
import { openLocal } from "./local.ts";

/** What asks for two members of a kernel's structure, wherever they are in there. */
const GADGET = `
struct task { int pid; long start; } __attribute__((preserve_access_index));
__attribute__((section("kprobe/x"), used)) long x(struct task *task) { return task->pid + task->start; }
char LICENSE[] __attribute__((section("license"), used)) = "GPL";
`;
/** A kernel, for this test. */
const kernel = (members: string) => `struct other { long a[9]; } o; struct task { ${members} } t;`;

interface World extends AsyncDisposable {
  scratch: Scratch;
  archive: string;
  lines: string[];
  generate(more?: Partial<BtfgenOptions>): ReturnType<typeof generateBtfs>;
}

async function compile(scratch: Scratch, source: string, object: string): Promise<void> {
  await succeed(peer("clang"), ["-target", "bpf", "-g", "-O2", "-x", "c", "-c", "-", "-o", object], {
    stdin: source,
    cwd: scratch.path,
  });
}

/** Writes one packed BTF, as BTFHub has them. */
async function addKernel(scratch: Scratch, path: string, members: string): Promise<void> {
  const [, folder, release] = /^(.*)\/(.*)$/.exec(path)!;
  await Deno.mkdir(scratch.at("archive", folder), { recursive: true });
  await compile(scratch, kernel(members), scratch.at("kernel.o"));
  const btf = `${release}.btf`;
  await succeed(peer("llvm-objcopy"), ["--dump-section", `.BTF=${scratch.at(btf)}`, scratch.at("kernel.o")]);
  await succeed("tar", ["-cJf", scratch.at("archive", `${path}.btf.tar.xz`), "-C", scratch.path, btf]);
  await Deno.remove(scratch.at(btf));
}

async function startWorld(): Promise<World> {
  const scratch = await scratchFolder();
  const lines: string[] = [];
  const [archive, output] = [scratch.at("archive"), scratch.at("out")];
  await Deno.mkdir(output);
  for (const name of ["amd64", "arm64"]) await compile(scratch, GADGET, join(output, `${name}.bpf.o`));
  await addKernel(scratch, "ubuntu/20.04/x86_64/5.4.0-1", "int pid; long start; long rest[99];");
  await addKernel(scratch, "ubuntu/20.04/x86_64/5.4.0-2", "long rest[99]; long start; int pid;");
  await addKernel(scratch, "ubuntu/20.04/arm64/5.4.0-1", "long start; int pid;");
  const runner = openLocal({ source: scratch.path, output, btfhubArchive: archive }, Deno.env.toObject());
  return {
    scratch,
    archive,
    lines,
    generate: (more) =>
      generateBtfs({
        runner,
        archive,
        output,
        bpftool: [peer("bpftool")],
        tell: (line) => lines.push(line),
        signal: AbortSignal.timeout(60_000),
        ...more,
      }),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

function layersOf(result: Awaited<ReturnType<typeof generateBtfs>>): Map<string, Uint8Array> {
  if ("failure" in result) throw new Error(new TextDecoder().decode(result.failure.output));
  return result.layers;
}

const PEERS = ["clang", "llvm-objcopy", "bpftool", "xz"] as const;

peerTest(
  PEERS,
  "a layer has of each kernel the types that the object asks for, and nothing else is left behind",
  async () => {
    await using world = await startWorld();
    const { scratch } = world;
    const before = listFiles(world.archive);
    const layers = layersOf(await world.generate());
    assert.deepEqual([...layers.keys()], ["amd64", "arm64"]);
    await Deno.mkdir(scratch.at("unpacked"));
    await succeed("tar", ["-xzf", scratch.at("out/btfs-x86_64.tar.gz"), "-C", scratch.at("unpacked")]);
    assert.deepEqual(listFiles(scratch.at("unpacked")), ["5.4.0-1.btf", "5.4.0-2.btf"]);
    const dump = await succeed(peer("bpftool"), ["btf", "dump", "file", scratch.at("unpacked/5.4.0-2.btf")]);
    // As in that kernel: behind 99 * 8 bytes.
    assert.match(dump, /'start' type_id=\d+ bits_offset=6336/);
    assert.doesNotMatch(dump, /'rest'|'other'/);
    assert.deepEqual(listFiles(scratch.at("out")), [
      "amd64.bpf.o",
      "arm64.bpf.o",
      "btfs-arm64.tar.gz",
      "btfs-x86_64.tar.gz",
    ]);
    assert.deepEqual(await Deno.readFile(scratch.at("out/btfs-arm64.tar.gz")), layers.get("arm64"));
    assert.deepEqual(listFiles(world.archive), before);
  },
);

peerTest(PEERS, "the same archive gives the same bytes", async () => {
  await using world = await startWorld();
  const first = layersOf(await world.generate());
  assert.deepEqual(layersOf(await world.generate({ concurrency: 1 })), first);
});

peerTest(PEERS, "an architecture without kernels has no layer, and one without any is an error", async () => {
  await using world = await startWorld();
  await Deno.remove(join(world.archive, "ubuntu/20.04/arm64"), { recursive: true });
  assert.deepEqual([...(layersOf(await world.generate())).keys()], ["amd64"]);
  assert.match(world.lines.join("\n"), /no BTFs for arm64/);
  await Deno.remove(join(world.archive, "ubuntu"), { recursive: true });
  await assert.rejects(
    world.generate(),
    (error) => hasCode(error, "not-found") && /no BTFs of kernels/.test(error.message),
  );
});

peerTest(
  PEERS,
  "a damaged file of the archive is told by the step that failed, and leaves nothing behind",
  async () => {
    await using world = await startWorld();
    await Deno.writeTextFile(join(world.archive, "ubuntu/20.04/x86_64/5.4.0-2.btf.tar.xz"), "no xz");
    const result = await world.generate();
    assert.ok("failure" in result);
    assert.equal(result.failure.step.name, "unpack the BTF of 5.4.0-2 for amd64");
    assert.deepEqual(listFiles(world.scratch.at("out")), ["amd64.bpf.o", "arm64.bpf.o"]);
  },
);

function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(join(folder, name)).map((each) => join(name, each)) : [name]
  ).sort();
}
