import { peer } from "./peers.ts";
import { describe, run, type RunOptions } from "./process.ts";

/** Runs `oras`; it must succeed. Returns its stdout. */
export function oras(args: readonly string[], options?: RunOptions): Promise<string> {
  return client(peer("oras"), args, options);
}

/** Runs `crane`; it must succeed. Returns its stdout. */
export function crane(args: readonly string[], options?: RunOptions): Promise<string> {
  return client(peer("crane"), args, options);
}

/** Runs `skopeo`; it must succeed. Returns its stdout. */
export function skopeo(args: readonly string[], options?: RunOptions): Promise<string> {
  // Without a policy it would refuse to copy, and its own configuration is the machine's, not the test's.
  return client(peer("skopeo"), ["--insecure-policy", ...args], options);
}

async function client(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, { ...options, env: { HOME: "/nonexistent", ...options.env } });
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${describe(outcome)}`);
  return outcome.stdout;
}
