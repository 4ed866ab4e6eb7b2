import { join } from "node:path";
import { BINARY, ROOT } from "./paths.ts";
import { describe, type Outcome, run, type RunOptions } from "./process.ts";
import { scratchFolder } from "./scratch.ts";

/** Options of {@link satchel}. */
export interface SatchelOptions extends RunOptions {
  /** The store. Without one, an empty one that is gone afterwards. */
  store?: string;
  /** The folder that is `HOME`. Without one, an empty one that is gone afterwards. */
  home?: string;
}

/** Runs the built binary, with a scratch HOME and store of its own unless told otherwise. */
export async function satchel(args: readonly string[], options: SatchelOptions = {}): Promise<Outcome> {
  await ensureBinary();
  return await inScratch(options, (options) => run(BINARY, args, options));
}

/** Runs the built binary, which must end with status 0; returns what it wrote to stdout. */
export async function satchelSucceeds(args: readonly string[], options: SatchelOptions = {}): Promise<string> {
  return (await runSucceeds(satchel, args, options)).stdout;
}

/** Runs the same from its sources by `deno run`. */
export function satchelByDeno(args: readonly string[], options: SatchelOptions = {}): Promise<Outcome> {
  return inScratch(
    options,
    (options) =>
      run(Deno.execPath(), ["run", "-A", "--no-prompt", join(ROOT, "main.ts"), ...args], {
        ...options,
        // Deno's own cache: it holds the packages, which must not be fetched for every run.
        env: { ...denoCache(), ...options.env },
      }),
  );
}

/** Runs satchel in one of the ways in which it can be run. */
export type RunSatchel = (args: readonly string[], options?: SatchelOptions) => Promise<Outcome>;

/** The ways in which it can be run, for tests of what the two runtimes do differently. */
export const RUNTIMES: Readonly<Record<string, RunSatchel>> = {
  "the binary": satchel,
  "satchel by Deno": satchelByDeno,
};

/** Runs it in this way; it must end with status 0. */
export async function runSucceeds(
  run: RunSatchel,
  args: readonly string[],
  options?: SatchelOptions,
): Promise<Outcome> {
  const outcome = await run(args, options);
  if (outcome.code !== 0) throw new Error(`satchel ${args.join(" ")}: ${describe(outcome)}`);
  return outcome;
}

/** The environment that {@link satchel} runs in, for tests that start the binary by other means. */
export function satchelEnvironment(store: string, home: string): Record<string, string> {
  return { HOME: home, SATCHEL_STORE: store, NO_COLOR: "1", LC_ALL: "C.UTF-8" };
}

/** The path of the binary, built if there is none or if a source is newer. */
export async function binary(): Promise<string> {
  await ensureBinary();
  return BINARY;
}

async function inScratch<T>(options: SatchelOptions, fn: (options: RunOptions) => Promise<T>): Promise<T> {
  const { store, home, env, ...rest } = options;
  await using scratch = await scratchFolder();
  return await fn({
    cwd: scratch.path,
    ...rest,
    env: { ...satchelEnvironment(store ?? scratch.at("store"), home ?? scratch.path), ...env },
  });
}

function denoCache(): Record<string, string> {
  const folder = Deno.env.get("DENO_DIR") ||
    join(Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "/root", ".cache"), "deno");
  return { DENO_DIR: folder };
}

let checked: Promise<void> | undefined;

/** Builds the binary if it is older than a source; once for all test files, which run at the same time. */
function ensureBinary(): Promise<void> {
  return checked ??= buildIfOld();
}

async function buildIfOld(): Promise<void> {
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  using lock = await Deno.open(join(ROOT, "dist/.build.lock"), { create: true, write: true });
  await lock.lock(true);
  if (await newest(ROOT, ["main.ts", "deno.json", "commands", "lib", "plugins", "scripts"]) <= await age(BINARY)) {
    return;
  }
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "build"],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`The binary cannot be built:\n${new TextDecoder().decode(stderr)}`);
}

/** When the newest of these files, and of those below these folders, was changed, in milliseconds. */
async function newest(folder: string, names: Iterable<string>): Promise<number> {
  let time = 0;
  for (const name of names) {
    if (name.endsWith("_test.ts")) continue;
    const path = join(folder, name);
    try {
      const info = await Deno.stat(path);
      time = Math.max(
        time,
        info.isDirectory ? await newest(path, Array.from(Deno.readDirSync(path), (e) => e.name)) : await age(path),
      );
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return time;
}

async function age(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return -1;
    throw error;
  }
}
