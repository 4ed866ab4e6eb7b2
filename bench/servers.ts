/** Starts the servers that are measured against, on free ports of the loopback interface. @module */
import { TextLineStream } from "./_lines.ts";

/** A server that runs until it is disposed of. */
export interface Server extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  host: string;
}

/** How long a server may take to come up. */
const START_LIMIT_MS = 20_000;

/**
 * Starts a distribution registry whose content is below `folder`.
 *
 * @param program path of the `registry` program
 */
export async function startRegistry(program: string, folder: string): Promise<Server> {
  await Deno.mkdir(folder, { recursive: true });
  const config = `${folder}/config.json`;
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "info", formatter: "json", accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: `${folder}/content` },
        maintenance: { uploadpurging: { enabled: false } },
      },
      http: { addr: "127.0.0.1:0", secret: "bench" },
    }),
  );
  const command = new Deno.Command(program, {
    args: ["serve", config],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    clearEnv: true,
    env: { OTEL_TRACES_EXPORTER: "none" },
  });
  const child = command.spawn();
  return await server(child, child.stderr, /listening on (127\.0\.0\.1:\d+)/);
}

/** Starts the proxy that adds a round trip of some milliseconds before `upstream`, to connecting as well or not. */
export async function startLatencyProxy(upstream: string, roundTrip: number, instantConnect: boolean): Promise<Server> {
  const program = new URL("latency_proxy.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-net",
      program,
      upstream,
      `${roundTrip}`,
      ...(instantConnect ? ["--instant-connect"] : []),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  return await server(child, child.stdout, /^(127\.0\.0\.1:\d+)$/);
}

/** Waits for the line in which a server names its address, and reads on so that it is never held up. */
async function server(child: Deno.ChildProcess, output: ReadableStream<Uint8Array>, ready: RegExp): Promise<Server> {
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  };
  const timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
  const lines = output.pipeThrough(new TextLineStream()).getReader();
  const seen: string[] = [];
  for (;;) {
    const { value, done } = await lines.read();
    if (done) {
      clearTimeout(timer);
      await child.status;
      throw new Error(`A server did not come up: ${seen.join("\n")}`);
    }
    seen.push(value);
    const host = ready.exec(value)?.[1];
    if (host === undefined) continue;
    clearTimeout(timer);
    void drain(lines);
    return { host, [Symbol.asyncDispose]: stop };
  }
}

async function drain(lines: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await lines.read()).done);
}
