import { join } from "node:path";
import { peer } from "./peers.ts";
import { run, succeed } from "./process.ts";
import { scratchFolder } from "./scratch.ts";

/** What is in the kernel as long as a test runs; `await using` takes it out again. */
export interface LoadedPrograms extends AsyncDisposable {
  /**
   * Loads all programs of an object, as libbpf does: the kernel checks them, and fits them to its own structures.
   *
   * @returns their names, sorted
   */
  load(object: string): Promise<string[]>;
  /** What the one iterator program of an object writes when somebody reads. */
  iterate(object: string): Promise<Uint8Array>;
}

/** Makes a place for eBPF programs. It needs the capability `bpf`. */
export async function loadPrograms(): Promise<LoadedPrograms> {
  const scratch = await scratchFolder();
  const folder = scratch.at("bpf");
  await Deno.mkdir(folder);
  await succeed("mount", ["-t", "bpf", "bpf", folder]);
  let count = 0;
  return {
    async load(object) {
      const place = join(folder, `programs${count++}`);
      await succeed(peer("bpftool"), ["prog", "loadall", object, place]);
      return Array.from(Deno.readDirSync(place), ({ name }) => name).sort();
    },
    async iterate(object) {
      const place = join(folder, `iterator${count++}`);
      await succeed(peer("bpftool"), ["iter", "pin", object, place]);
      return await Deno.readFile(place);
    },
    async [Symbol.asyncDispose]() {
      await run("umount", ["--lazy", folder]);
      await scratch[Symbol.asyncDispose]();
    },
  };
}
