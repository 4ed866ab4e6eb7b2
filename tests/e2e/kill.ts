import type { Outcome } from "../harness/mod.ts";

/** Runs a program and kills it after a time, if it is still running then. */
export async function runAndKill(
  program: string,
  args: string[],
  env: Record<string, string>,
  milliseconds: number,
): Promise<Outcome & { wasKilled: boolean }> {
  const started = performance.now();
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It was faster.
    }
  }, milliseconds);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return {
    code,
    stdout: text(stdout),
    stderr: text(stderr),
    ms: performance.now() - started,
    wasKilled: signal === "SIGKILL",
  };
}
