import { pathToFileURL } from "node:url";
import { cancelled, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { startWorker, type TextWorker } from "../runtime/worker.ts";
import { ANSWER_LIMIT } from "./answers.ts";
import type { Json } from "./contract.ts";
import { execForPlugin } from "./exec.ts";
import { satchelInfo } from "./hooks.ts";
import type { PluginOptions } from "./host_types.ts";
import { type CallLimits, ERROR_LENGTH, LOAD_TIMEOUT, type LoadedPlugin, tooLate } from "./loaded.ts";
import { createLog } from "./log.ts";
import { MANIFEST_LIMIT, type PluginManifest, readManifest } from "./manifest.ts";
import { openModuleFiles } from "./module_files.ts";
import type { FromWorker, ToWorker } from "./module_worker.ts";
import workerSource from "./module_worker.ts" with { type: "text" };
import objectSource from "./plugin_object.ts" with { type: "text" };

/** How long a plugin is left to heed the end of its time, before its worker is ended, in milliseconds. */
const GRACE = 100;

/** The most imports of one plugin: a file may be imported by many others. */
const MAX_IMPORTS = 20_000;

/** A call that has not ended. */
interface Pending {
  resolve(text: string): void;
  reject(error: SatchelError): void;
  print(text: string): void;
  /** Ends what the plugin runs on behalf of this call. */
  controller: AbortController;
}

/** Commands have no time limit. */
type AskLimits = Pick<CallLimits, "signal"> & Partial<CallLimits>;

/** The conversation with one worker. */
interface Conversation {
  /** Sends a message and waits for its answer. */
  ask(message: (id: number) => ToWorker, limits: AskLimits, print?: (text: string) => void): Promise<string>;
  end(): void;
}

/**
 * Loads a module plugin in a worker of its own, so that one that loops, exits or prints takes nothing along.
 *
 * @param path its real path
 * @param log gets what the plugin says
 * @throws {SatchelError} `plugin` if it cannot be loaded, `invalid` if it is no plugin of this contract, `cancelled`
 */
export async function loadModule(
  path: string,
  settings: { readonly [key: string]: Json },
  options: PluginOptions,
  log: (line: string) => void,
): Promise<LoadedPlugin> {
  const conversation = converse(options, log);
  const load = (id: number) => ({
    type: "load" as const,
    id,
    url: pathToFileURL(path).href,
    settings,
    environment: { ...options.environment },
    satchel: satchelInfo(options.version),
  });
  let manifest: PluginManifest;
  try {
    const limits = { timeout: options.loadTimeout ?? LOAD_TIMEOUT, signal: options.signal };
    manifest = readManifest(bytesOf(await conversation.ask(load, limits), MANIFEST_LIMIT), "module", log);
  } catch (error) {
    conversation.end();
    throw error;
  }
  return {
    manifest,
    call: async (hook, request, limits) =>
      bytesOf(await conversation.ask((id) => ({ type: "call", id, hook, request }), limits), ANSWER_LIMIT),
    runCommand: async (name, invocation, signal) => {
      const ask = (id: number) => ({ type: "command" as const, id, name, invocation });
      return returned(await conversation.ask(ask, { signal }, options.onPrint));
    },
    dispose: conversation.end,
  };
}

function converse(options: PluginOptions, log: (line: string) => void): Conversation {
  const { text } = createLog(log);
  const files = openModuleFiles();
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let imported = 0;
  let failure: SatchelError | undefined;
  let mercy: ReturnType<typeof setTimeout> | undefined;

  const worker: TextWorker = startWorker(objectSource + workerSource, {
    onMessage: (message) => {
      // A plugin could send messages of its own.
      if (typeof message === "object" && message !== null) receive(message as FromWorker);
    },
    onError: (error) => end(broken(error)),
    onEnd: () => end(broken("it ended by itself")),
  });
  const post = (message: ToWorker) => worker.post(message);

  /** Nothing more is expected of the worker. */
  function giveUp(reason: SatchelError): void {
    failure ??= reason;
    for (const call of [...pending.values()]) call.reject(reason);
  }

  function end(reason: SatchelError): void {
    giveUp(reason);
    clearTimeout(mercy);
    worker.terminate();
  }

  function receive(message: FromWorker): void {
    if (message.type === "log") return text(textIn(message.text));
    if (message.type === "broken") return end(broken(message.error));
    if (message.type === "import") return handOver(message);
    const call = pending.get(message.id);
    if (!call) return;
    if (message.type === "answer") call.resolve(textIn(message.answer));
    else if (message.type === "failed") call.reject(broken(message.error));
    else if (message.type === "print") call.print(textIn(message.text));
    else if (message.type === "exec") void exec(call, message);
  }

  /** Gives the worker a file that the plugin imports. */
  function handOver({ request, specifier, referrer }: FromWorker & { type: "import" }): void {
    if (++imported > MAX_IMPORTS) return end(broken(`it imports more than ${MAX_IMPORTS} times`));
    try {
      post({ type: "file", request, file: files.read(String(specifier), referrer) });
    } catch (error) {
      post({ type: "file", request, error: error instanceof SatchelError ? textOfError(error) : String(error) });
    }
  }

  async function exec({ controller }: Pending, message: FromWorker & { type: "exec" }): Promise<void> {
    const { run, program, args, options: execOptions } = message;
    const caller = { environment: options.environment, signal: controller.signal, terminal: "none" } as const;
    try {
      post({ type: "ended", run, result: await execForPlugin(program, args, execOptions, caller) });
    } catch (error) {
      post({ type: "ended", run, error: error instanceof Error ? error.message : String(error) });
    }
  }

  return {
    ask: (message, { timeout, signal }, print = () => {}) =>
      new Promise((resolve, reject) => {
        if (failure) return reject(new SatchelError("plugin", `it has ended before: ${failure.message}`));
        if (signal.aborted) return reject(cancelled(signal));
        const id = ++lastId;
        const controller = new AbortController();
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", interrupt);
          pending.delete(id);
          controller.abort();
        };
        const interrupt = () => {
          post({ type: "abort", id, reason: "interrupted" });
          done();
          reject(cancelled(signal));
        };
        const expire = () => {
          post({ type: "abort", id, reason: "its time is up" });
          giveUp(tooLate(timeout!));
          // It may be in a loop that nothing else ends.
          mercy = setTimeout(() => worker.terminate(), GRACE);
        };
        const timer = timeout === undefined ? undefined : setTimeout(expire, timeout);
        pending.set(id, {
          controller,
          print,
          resolve: (answer) => (done(), resolve(answer)),
          reject: (error) => (done(), reject(error)),
        });
        signal.addEventListener("abort", interrupt, { once: true });
        post(message(id));
      }),
    end: () => end(new SatchelError("plugin", "it was ended")),
  };
}

function broken(error: unknown): SatchelError {
  return new SatchelError("plugin", printable(textIn(error), ERROR_LENGTH));
}

/** The hint comes along: what the worker tells of the error is a text. */
function textOfError({ message, hint }: SatchelError): string {
  return hint === undefined ? message : `${message} (${hint})`;
}

/** A text that a worker has sent, or what stands for anything else. */
function textIn(value: unknown): string {
  return typeof value === "string" ? value : "(no text)";
}

/** What a command returned. */
function returned(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new SatchelError("plugin", "what it returned is not JSON");
  }
}

/** Text as bytes; what is far too long is cut off, and refused by its length by whoever reads it. */
function bytesOf(text: string, limit: number): Uint8Array {
  return new TextEncoder().encode(text.length > limit ? text.slice(0, limit + 1) : text);
}
