/** Examples as their headers tell to install them. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Scratch } from "../../tests/harness/mod.ts";
import { writeFile } from "../../tests/e2e/plugin_files.ts";

const EXAMPLES = dirname(fileURLToPath(import.meta.url));

/** Copies an example to where nobody else may write; returns its path. */
export async function installed(scratch: Scratch, name: string): Promise<string> {
  const mode = name.endsWith(".ts") ? 0o644 : 0o755;
  return await writeFile(scratch.at(name), await Deno.readTextFile(join(EXAMPLES, name)), mode);
}
