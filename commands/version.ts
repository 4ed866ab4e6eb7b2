import { hostPlatform, runtime } from "../lib/runtime/process.ts";
import { COMMIT, VERSION, versionLine } from "./build_info.ts";
import { EXIT_OK } from "./output/exit.ts";
import type { Invocation } from "./line/invocation.ts";
import { outputMode, printResult } from "./output/output.ts";

/** `satchel version`: what this is, and with `-o json` what it was made of and runs on. */
export async function run(invocation: Invocation): Promise<number> {
  const { name, version } = runtime();
  const result = { version: VERSION, commit: COMMIT, runtime: `${name} ${version}`, platform: hostPlatform() };
  await printResult(outputMode(invocation.flags), result, versionLine);
  return EXIT_OK;
}
