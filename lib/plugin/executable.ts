import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { runProgram } from "../runtime/exec.ts";
import { ANSWER_LIMIT } from "./answers.ts";
import type { HookCall, HookName, Json, TransferRequest } from "./contract.ts";
import { CONTRACT, executableEnvironment, TRANSFER_HOOKS } from "./hooks.ts";
import type { PluginOptions } from "./host_types.ts";
import { type CallLimits, LOAD_TIMEOUT, type LoadedPlugin } from "./loaded.ts";
import { createLog } from "./log.ts";
import { MANIFEST_LIMIT, readManifest } from "./manifest.ts";

/** Variables of an environment. */
type Variables = { readonly [name: string]: string | undefined };

/** How an executable is called once. */
interface Call extends CallLimits {
  stdin?: string;
  maxOutput: number;
  environment: Variables;
}

/** How much of what an executable said last stands in its error, in UTF-16 units. */
const LAST_WORDS = 300;

/**
 * Asks an executable what it is. Each of its hooks is a run of its own.
 *
 * @param path its path
 * @param log gets what it writes to stderr
 * @throws {SatchelError} `plugin`, `program` if it cannot be asked, `invalid` if it is no plugin of this contract, `cancelled`
 */
export async function loadExecutable(
  path: string,
  settings: { readonly [key: string]: Json },
  options: PluginOptions,
  log: (line: string) => void,
): Promise<LoadedPlugin> {
  const { version, signal, loadTimeout = LOAD_TIMEOUT } = options;
  const environment = executableEnvironment(options.environment, version);

  async function run(args: readonly string[], call: Call): Promise<Uint8Array> {
    let last = "";
    const { bytes, end } = createLog((line) => log(last = line));
    const { status, stdout } = await runProgram(path, args, { ...call, onStderr: bytes }).finally(end);
    if (status === 0) return stdout;
    const words = last === "" ? "" : `: ${printable(last, LAST_WORDS)}`;
    throw new SatchelError("plugin", `it ended with status ${status}${words}`);
  }

  const call: Call = { environment, maxOutput: MANIFEST_LIMIT, timeout: loadTimeout, signal };
  return {
    manifest: readManifest(await run(["--satchel-manifest"], call), "executable", log),
    call: (hook, request, limits) => {
      const { timeout } = limits;
      const stdin: HookCall = { contract: CONTRACT, version, hook, timeout, settings, request };
      return run(["--satchel-hook", hook], {
        ...limits,
        stdin: JSON.stringify(stdin),
        maxOutput: ANSWER_LIMIT,
        environment: { ...environment, ...transferVariables(hook, request) },
      });
    },
    dispose: () => {},
  };
}

/** What a script needs of a request, so that it need not read JSON. */
function transferVariables(hook: HookName, request: Json): Variables {
  if (!TRANSFER_HOOKS.some((each) => each === hook)) return {};
  const { reference, registry, repository, tag, subject, store } = request as unknown as Partial<TransferRequest>;
  const variables = {
    SATCHEL_REFERENCE: reference,
    SATCHEL_REGISTRY: registry,
    SATCHEL_REPOSITORY: repository,
    SATCHEL_TAG: tag,
    SATCHEL_DIGEST: subject?.digest,
    SATCHEL_STORE: store,
  };
  // A request that somebody typed for `plugin call` may be anything.
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, typeof value === "string" ? value : ""]),
  );
}
