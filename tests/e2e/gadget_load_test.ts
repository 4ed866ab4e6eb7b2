import { strict as assert } from "node:assert";
import {
  capabilityTest,
  type LoadedPrograms,
  loadPrograms,
  type Peer,
  peer,
  peerTest,
  type Scratch,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import { buildParts } from "./built_gadgets.ts";

// Gadgets that satchel builds with the clang of this machine, and whether the kernel takes what is in their images.

const CLANG = ["clang", "llvm-strip"] as const satisfies Peer[];
const LOAD = ["bpf", "bpftool", ...CLANG] as const;

interface World extends AsyncDisposable {
  scratch: Scratch;
  kernel: LoadedPrograms;
  /** Builds a gadget; the paths of its objects by architecture. */
  objects(name: string): Promise<Record<string, string>>;
}

async function startWorld(): Promise<World> {
  const scratch = await scratchFolder();
  const kernel = await loadPrograms();
  return {
    scratch,
    kernel,
    objects: async (name) => {
      const parts = await buildParts(scratch, name, ["--local"]);
      for (const [architecture, { ebpf }] of Object.entries(parts)) {
        await Deno.writeFile(scratch.at(`${name}-${architecture}.o`), ebpf);
      }
      return Object.fromEntries(Object.keys(parts).map((each) => [each, scratch.at(`${name}-${each}.o`)]));
    },
    async [Symbol.asyncDispose]() {
      await kernel[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

for (
  const [name, program] of [
    ["trace-signals", "on_kill"],
    ["trace-exits", "on_exit"],
    ["top-writes", "on_write"],
    ["list-tasks", "list_tasks"],
  ]
) {
  capabilityTest(LOAD, `the kernel takes what is built of ${name} for amd64 and for arm64`, async () => {
    await using world = await startWorld();
    const { amd64, arm64 } = await world.objects(name);
    assert.deepEqual(await world.kernel.load(amd64), [program]);
    assert.deepEqual(await world.kernel.load(arm64), [program]);
  });
}

capabilityTest(
  [...LOAD, "bpf-headers"],
  "the kernel takes a gadget with headers, and flags in its build.yaml",
  async () => {
    await using world = await startWorld();
    const { amd64, arm64 } = await world.objects("params");
    assert.deepEqual(await world.kernel.load(amd64), ["on_switch"]);
    assert.deepEqual(await world.kernel.load(arm64), ["on_switch"]);
  },
);

capabilityTest(LOAD, "an iterator that is built lists the tasks of this machine", async () => {
  await using world = await startWorld();
  const { amd64 } = await world.objects("list-tasks");
  const rows = await world.kernel.iterate(amd64);
  const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
  const pids = Array.from({ length: rows.length / 24 }, (_, at) => view.getUint32(at * 24, true));
  assert.ok(pids.includes(Deno.pid), `${Deno.pid} is not among ${pids}`);
});

peerTest("go", "a gadget of WebAssembly alone is built from Go, and is the same for each architecture", async () => {
  await using scratch = await scratchFolder();
  const cache = (await succeed(peer("go"), ["env", "GOCACHE"], { env: goHome() })).trim();
  const { amd64, arm64 } = await buildParts(scratch, "wasm-only", ["--local"], {
    GOCACHE: cache,
    GOTOOLCHAIN: "local",
  });
  assert.deepEqual(Object.keys(amd64), ["wasm"]);
  assert.deepEqual([...amd64.wasm.subarray(0, 4)], [...new TextEncoder().encode("\0asm")]);
  assert.deepEqual(amd64, arm64);
});

Deno.test("a gadget of metadata alone needs no compiler, and has no layers", async () => {
  await using scratch = await scratchFolder();
  const parts = await buildParts(scratch, "metadata-only", ["--local"], { PATH: "/nowhere" });
  assert.deepEqual(parts, { amd64: {}, arm64: {} });
});

/** Where Go keeps what it has compiled before. */
function goHome(): Record<string, string> {
  return { HOME: Deno.env.get("HOME") ?? "/root" };
}
