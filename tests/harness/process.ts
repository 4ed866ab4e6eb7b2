/** What a program did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** How long it ran, in milliseconds. */
  ms: number;
}

/** Options of {@link run}. */
export interface RunOptions {
  /** The whole environment of the program, apart from `PATH`. */
  env?: Record<string, string>;
  /** Written to its standard input, which is then closed; without it the input is empty. */
  stdin?: string;
  cwd?: string;
  /** Milliseconds after which it is killed and the test fails. Default: 60,000. */
  timeout?: number;
}

/** Runs a program to its end. Its exit status is for the caller to look at; {@link succeed} insists on 0. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const started = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, options.timeout ?? 60_000);
  try {
    if (options.stdin !== undefined) await writeAll(child.stdin, options.stdin);
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    const outcome = {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
      ms: performance.now() - started,
    };
    if (timedOut) throw new Error(`${program} ${args.join(" ")} did not end in time:\n${describe(outcome)}`);
    return outcome;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program that must end with status 0; returns what it wrote to stdout. */
export async function succeed(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, options);
  if (outcome.code !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${describe(outcome)}`);
  return outcome.stdout;
}

/** An outcome as text for the message of a failed test. */
export function describe({ code, stdout, stderr }: Outcome): string {
  return `status ${code}\n--- stdout\n${stdout}--- stderr\n${stderr}`;
}

/** A program that runs in the background; `await using` ends it. */
export interface Background<T> extends AsyncDisposable {
  pid: number;
  /** What `ready` found. */
  found: T;
  /** Every line that it wrote so far, stdout and stderr together. */
  lines: readonly string[];
  /** Waits for the first line, of those written and those to come, for which `find` has a value. */
  waitFor<V>(find: (line: string) => V | undefined, timeout?: number): Promise<V>;
  kill(signal: Deno.Signal): void;
  /** Its exit status, when it has ended. */
  status: Promise<Deno.CommandStatus>;
}

/** Options of {@link startInBackground}. */
export interface BackgroundOptions<T> {
  /** The whole environment of the program, apart from `PATH`. */
  env?: Record<string, string>;
  cwd?: string;
  /** Called with every line of output until it has a value: then the program is ready. */
  ready: (line: string) => T | undefined;
  /** Milliseconds to get ready in. Default: 20,000. */
  timeout?: number;
}

/** Starts a program and waits until a line of its output says that it is ready. */
export async function startInBackground<T>(
  program: string,
  args: readonly string[],
  options: BackgroundOptions<T>,
): Promise<Background<T>> {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines = new Lines();
  const read = Promise.all([lines.readFrom(child.stdout), lines.readFrom(child.stderr)]).then(() => lines.end());
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it had ended by itself
    }
    await child.status;
    await read;
  };
  try {
    const found = await lines.waitFor(options.ready, options.timeout ?? 20_000);
    return {
      pid: child.pid,
      found,
      lines: lines.all,
      waitFor: (find, timeout = 20_000) => lines.waitFor(find, timeout),
      kill: (signal) => child.kill(signal),
      status: child.status.then((status) => lines.settled(read).then(() => status)),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`${program} did not get ready:\n${lines.all.join("\n")}`, { cause: error });
  }
}

/** Lines of output, and those who wait for one. */
class Lines {
  readonly all: string[] = [];
  #ended = false;
  #waiting = new Set<() => void>();

  /** Waits until all output of a program that has ended is read, for a second at most: what it has started may hold its pipes. */
  async settled(read: Promise<void>): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, 1000);
    await Promise.race([read, limit.promise]);
    clearTimeout(timer);
  }

  async readFrom(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      this.all.push(...parts);
      this.#wake();
    }
    if (rest !== "") this.all.push(rest);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async waitFor<V>(find: (line: string) => V | undefined, timeout: number): Promise<V> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, timeout);
    try {
      for (let next = 0;;) {
        for (; next < this.all.length; next++) {
          const value = find(this.all[next]);
          if (value !== undefined) return value;
        }
        if (this.#ended) throw new Error("The program ended");
        if (late) throw new Error(`No such line came within ${timeout} ms`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const resolve of waiting) resolve();
  }
}

async function writeAll(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // a program need not read its input
  }
}
