import { SatchelError, systemCode } from "../../lib/error.ts";
import { type Answered, createHandler } from "../../lib/server/mod.ts";
import { fileBody, listen, type Listener, type RequestHandler } from "../../lib/runtime/mod.ts";
import { write } from "../../lib/terminal/mod.ts";
import { isSet, listOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { EXIT_OK } from "../output/exit.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { storedRepositories } from "./stored.ts";
import { storedWrites } from "./stored_writes.ts";

/** How long a connection may be silent, in seconds. */
const IDLE_SECONDS = 60;

/** How long open transfers may go on after the end was asked for, in milliseconds. */
const GRACE = 10_000;

/** `satchel serve`: answers the distribution API from the local store, until it is told to end. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const onError = (error: unknown) => write("stderr", `${String(error)}\n`);
  const handler = createHandler({
    repositories: {
      ...storedRepositories(store),
      ...(isSet(invocation.flags, "writable") &&
        { writable: storedWrites(store, { signal: invocation.signal, onError }) }),
    },
    mirrorOf: listOf(invocation.flags, "mirror-of"),
    fileBody,
    onAnswer: (answered) => write("stderr", logLine(answered)),
  });
  const listener = open(textOf(invocation.flags, "listen") ?? "127.0.0.1:5000", handler);
  write("stdout", `Serving ${store.path} on http://${listener.hostname}:${listener.port}\n`);
  await aborted(invocation.signal);
  await listener.close(GRACE);
  return EXIT_OK;
}

function open(address: string, handler: RequestHandler): Listener {
  const { hostname, port } = parseAddress(address);
  try {
    return listen({ hostname, port, handler, idleSeconds: IDLE_SECONDS });
  } catch (cause) {
    throw new SatchelError("network", `Cannot listen on ${address}: ${systemCode(cause) ?? String(cause)}`, { cause });
  }
}

function parseAddress(text: string): { hostname: string; port: number } {
  const found = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/.exec(text);
  const port = Number(found?.[2]);
  if (!found || port > 65535) {
    throw new SatchelError("usage", `${JSON.stringify(text)} is no address to listen on`, {
      hint: "Give it as HOST:PORT: 127.0.0.1:5000, [::1]:5000, :5000.",
    });
  }
  return { hostname: found[1].replace(/^\[|\]$/g, "") || "0.0.0.0", port };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function logLine({ method, path, status, bytes, duration, client }: Answered): string {
  return `${client} ${method} ${path} ${status} ${bytes ?? "-"} ${duration.toFixed(1)}ms\n`;
}
