/**
 * Measures how long reading all types of this machine's kernel takes in a process that has just started, in the runtime of the
 * binary and in Deno, by turns, and prints a table in Markdown.
 *
 *     deno task bench-kernel-types
 *     deno task bench-kernel-types --rounds 11
 *
 * @module
 */
import { parseArgs } from "node:util";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { hostTarget, installedBun } from "../scripts/build/targets.ts";
import { succeed } from "../tests/harness/mod.ts";

const TYPES = "/sys/kernel/btf/vmlinux";
const SCRIPT = fileURLToPath(new URL("read_kernel_types.ts", import.meta.url));

/** What `read_kernel_types.ts` prints: times in milliseconds. */
interface Reading {
  wall: number;
  processor: number;
  types: number;
}

const { values } = parseArgs({ args: Deno.args, options: { rounds: { type: "string", default: "7" } } });
const rounds = Number(values.rounds);
if (!(rounds >= 1 && rounds <= 100)) throw new Error("--rounds 1-100");

const root = dirname(dirname(SCRIPT));
const runtimes: [name: string, command: string, args: string[]][] = [
  ["Bun, as in the binary", installedBun(root, await hostTarget(root)), ["run", SCRIPT, TYPES]],
  ["Deno", Deno.execPath(), ["run", "-A", "--no-check", SCRIPT, TYPES]],
];
const readings = new Map<string, Reading[]>(runtimes.map(([name]) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, command, args] of runtimes) readings.get(name)!.push(JSON.parse(await succeed(command, args)));
}

const types = [...readings.values()][0]![0]!.types;
console.log(`${types} types of Linux ${Deno.osRelease()}, ${rounds} processes each, in milliseconds:\n`);
console.log("| | median | least | most | processor, median |\n|---|---:|---:|---:|---:|");
for (const [name, all] of readings) {
  const [wall, processor] = [sorted(all, "wall"), sorted(all, "processor")];
  const cells = [middle(wall), wall[0]!, wall.at(-1)!, middle(processor)].map((value) => value.toFixed(0));
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}

function sorted(all: readonly Reading[], key: "wall" | "processor"): number[] {
  return all.map((reading) => reading[key]).sort((a, b) => a - b);
}

function middle(values: readonly number[]): number {
  return values[Math.floor(values.length / 2)]!;
}
