import { SatchelError } from "../error.ts";
import { runProgram } from "../runtime/exec.ts";
import { ANSWER_LIMIT, CONTRACT, MANIFEST_LIMIT, readManifest } from "./answers.ts";
import type { HookCall, Json } from "./contract.ts";
import type { PluginOptions } from "./host.ts";
import { LOAD_TIMEOUT, type LoadedPlugin } from "./loaded.ts";
import { createLog } from "./log.ts";

/** How an executable is called once. */
interface Call {
  stdin?: string;
  maxOutput: number;
  timeout: number;
  signal: AbortSignal;
}

/**
 * Asks an executable what it is. Each of its hooks is a run of its own.
 *
 * @param path its path
 * @param log gets what it writes to stderr
 * @throws {SatchelError} `plugin` if it cannot be asked, `invalid` if it is no plugin of this contract, `cancelled`
 */
export async function loadExecutable(
  path: string,
  settings: { readonly [key: string]: Json },
  options: PluginOptions,
  log: (line: string) => void,
): Promise<LoadedPlugin> {
  const environment = { ...options.environment, SATCHEL_CONTRACT: String(CONTRACT) };

  async function run(args: readonly string[], call: Call): Promise<Uint8Array> {
    const { bytes, end } = createLog(log);
    const { status, stdout } = await runProgram(path, args, { ...call, environment, onStderr: bytes }).finally(end);
    if (status !== 0) throw new SatchelError("plugin", `it ended with status ${status}`);
    return stdout;
  }

  const manifest = readManifest(
    await run(["--satchel-manifest"], {
      maxOutput: MANIFEST_LIMIT,
      timeout: LOAD_TIMEOUT,
      signal: options.signal,
    }),
  );
  if (manifest.commands.length > 0) {
    throw new SatchelError(
      "invalid",
      "it names commands; what follows `satchel NAME` is handed to an executable as it is",
    );
  }
  return {
    manifest,
    call: (hook, request, limits) => {
      const stdin: HookCall = { contract: CONTRACT, hook, settings, request };
      return run(["--satchel-hook", hook], { ...limits, stdin: JSON.stringify(stdin), maxOutput: ANSWER_LIMIT });
    },
    dispose: () => {},
  };
}
