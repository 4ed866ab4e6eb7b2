/**
 * Reads all types of a kernel once and prints what that took as JSON, in milliseconds: what `kernel_types.ts` starts in each
 * runtime.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { Btf } from "../lib/gadget/btf/btf.ts";

const [path] = process.argv.slice(2);
const started = performance.now();
const before = process.cpuUsage();
const btf = new Btf(new Uint8Array(readFileSync(path!)), path!);
for (const type of btf) btf.sizeOf(type.id);
const found = btf.find("struct", "task_struct");
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({
  wall: performance.now() - started,
  processor: (user + system) / 1000,
  types: btf.count,
  members: found?.members.length,
}));
