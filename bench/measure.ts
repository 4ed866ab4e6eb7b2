/** Runs a program once and tells how long it took and how much memory it held. @module */

/** One run of a program. */
export interface Sample {
  /** Wall-clock time in seconds, from before it was started until it had ended. */
  seconds: number;
  /** The most resident memory, in bytes; `undefined` where there is no GNU time to ask. */
  memory?: number;
}

/** A run that takes longer is broken. */
const TIME_LIMIT_MS = 180_000;

const GNU_TIME = "/usr/bin/time";

/** How a program is run: with which environment, and where its figures go. */
export class Runner {
  readonly #environment: Record<string, string>;
  readonly #figures: string | undefined;

  /**
   * @param home an empty folder that programs take for the user's home, so that no configuration of the user is read
   */
  constructor(home: string) {
    this.#environment = { HOME: home, PATH: Deno.env.get("PATH") ?? "", LANG: "C.UTF-8" };
    this.#figures = exists(GNU_TIME) ? `${home}/.figures` : undefined;
  }

  /**
   * Runs a command to its end.
   *
   * @throws {Error} if it fails or takes too long, with what it wrote to stderr
   */
  async run(words: readonly string[]): Promise<Sample> {
    const [program, ...rest] = this.#figures ? [GNU_TIME, "-q", "-f", "%M", "-o", this.#figures, ...words] : words;
    const started = performance.now();
    const child = new Deno.Command(program, {
      args: rest,

      clearEnv: true,
      env: this.#environment,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const timer = setTimeout(() => killTree(child.pid), TIME_LIMIT_MS);
    const stderr = new Response(child.stderr).text();
    const { success, code } = await child.status;
    const seconds = (performance.now() - started) / 1000;
    clearTimeout(timer);
    if (!success) {
      throw new Error(`${words.join(" ")} ended with ${code} after ${seconds.toFixed(1)} s: ${(await stderr).trim()}`);
    }
    await stderr;
    return { seconds, memory: this.#memory() };
  }

  #memory(): number | undefined {
    if (!this.#figures) return undefined;
    const kilobytes = Number(Deno.readTextFileSync(this.#figures).trim());
    return Number.isFinite(kilobytes) ? kilobytes * 1024 : undefined;
  }
}

/** The median of some numbers; of an even number of them the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Whether a file is there. */
export function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Ends a process and those that it started. */
function killTree(pid: number): void {
  let children: string[] = [];
  try {
    children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean);
  } catch {
    // No /proc, or the process has ended.
  }
  for (const child of children) killTree(Number(child));
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
