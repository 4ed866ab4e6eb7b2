/** A program on a terminal of its own; `await using` ends it. */
export interface Terminal extends AsyncDisposable {
  /** All that it wrote so far, escape codes included. */
  readonly output: string;
  /** Types something; `\x03` is Ctrl-C. */
  type(text: string): Promise<void>;
  /** Waits until what it wrote since the last call matches. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit status, when it has ended and all output was read. */
  readonly status: Promise<number>;
}

/** How long something may take to show, in milliseconds, before the test fails. */
const PATIENCE = 20_000;

/** Runs a shell command on a terminal of 24 lines and 80 columns (by `script` of util-linux). */
export function openTerminal(command: string, env: Record<string, string>): Terminal {
  const child = new Deno.Command("script", {
    args: ["-qefc", `stty rows 24 cols 80; ${command}`, "/dev/null"],
    clearEnv: true,
    env: { TERM: "xterm", SHELL: "/bin/sh", PATH: Deno.env.get("PATH") ?? "", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  let output = "";
  let seen = 0;
  let wake = () => {};
  let ended = false;
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      wake();
    }
    ended = true;
    wake();
  })();
  const status = reading.then(() => child.status).then(({ code }) => code);
  return {
    get output() {
      return output;
    },
    status,
    async type(text) {
      await writer.write(new TextEncoder().encode(text));
    },
    async waitFor(pattern) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        wake();
      }, PATIENCE);
      try {
        for (;;) {
          const found = pattern.exec(output.slice(seen));
          if (found) {
            seen += found.index + found[0].length;
            return found;
          }
          if (ended || late) throw new Error(`${pattern} did not show:\n${JSON.stringify(output.slice(seen))}`);
          await new Promise<void>((resolve) => wake = resolve);
        }
      } finally {
        clearTimeout(timer);
      }
    },
    async [Symbol.asyncDispose]() {
      await writer.close().catch(() => {});
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it had ended by itself
      }
      await status;
    },
  };
}

/** What stands on the screen after all of an output, without blank lines at the end. */
export function screenOf(output: string): string[] {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  // deno-lint-ignore no-control-regex -- escape codes are what this is about
  for (const [token, , parameter, command] of output.matchAll(/(\x1b\[([?\d;]*)([A-Za-z]))|[^]/gu)) {
    const count = Number(parameter || 1);
    if (token === "\n") row++;
    else if (token === "\r" || command === "G") column = 0;
    else if (command === "A") row = Math.max(0, row - count);
    else if (command === "B") row += count;
    else if (command === "K") lines[row] = parameter === "2" ? [] : (lines[row] ?? []).slice(0, column);
    else if (command === "J") lines.splice(row + 1, Infinity);
    else if (command === undefined) {
      (lines[row] ??= [])[column++] = token;
    }
    lines[row] ??= [];
  }
  return lines.map((line) => Array.from(line, (char) => char ?? " ").join("").trimEnd()).join("\n").trimEnd().split(
    "\n",
  );
}
