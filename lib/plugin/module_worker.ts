/**
 * What runs in the worker of a module plugin: it loads the plugin, calls it, and hands everything on to the host, which is
 * `module.ts`. The host starts it from its text, behind that of `plugin_object.ts`, so nothing but types may be imported here.
 *
 * @module
 */
import type {
  CommandContext,
  ExecOptions,
  ExecResult,
  Json,
  PluginContext,
  PluginInvocation,
  SatchelInfo,
} from "./contract.ts";
import type { ModuleFile } from "./module_files.ts";
import type { PluginObject } from "./plugin_object.ts";

/** What the host sends. */
export type ToWorker =
  | {
    type: "load";
    id: number;
    url: string;
    settings: { readonly [key: string]: Json };
    environment: Variables;
    satchel: SatchelInfo;
  }
  | { type: "call"; id: number; hook: string; request: Json }
  | { type: "command"; id: number; name: string; invocation: PluginInvocation }
  | { type: "abort"; id: number; reason: string }
  | { type: "ended"; run: number; result?: ExecResult; error?: string }
  | { type: "file"; request: number; file?: ModuleFile; error?: string };

/**
 * What comes back. Answers are JSON, that of `load` is the manifest. A plugin could send messages of its own, so the host takes
 * nothing for granted.
 */
export type FromWorker =
  | { type: "answer"; id: number; answer: string }
  | { type: "failed"; id: number; error: string }
  | { type: "broken"; error: string }
  | { type: "log"; text: string }
  | { type: "print"; id: number; text: string }
  | { type: "import"; request: number; specifier: string; referrer?: string }
  | { type: "exec"; id: number; run: number; program: string; args: readonly string[]; options: ExecOptions };

type Variables = { readonly [name: string]: string | undefined };

/** What of the globals is used or replaced here. */
interface Scope {
  postMessage(message: FromWorker): void;
  addEventListener(type: "message", listener: (event: { data: ToWorker }) => void): void;
  addEventListener(type: "error" | "unhandledrejection", listener: (event: Uncaught) => void): void;
  console: Record<string, unknown>;
  close: unknown;
  process: {
    exit: unknown;
    abort: unknown;
    chdir: unknown;
    umask: unknown;
    reallyExit: unknown;
    stdout: { write: unknown };
    stderr: { write: unknown };
    getBuiltinModule(name: "node:stream"): { Writable: new (options: WritableOptions) => object };
    getBuiltinModule(name: "node:vm"): ModuleMaker;
    getBuiltinModule(name: string): Record<string, unknown> | undefined;
  };
  Deno?: { exit: unknown };
}

/** What of `node:vm` is used: modules that are linked here, and not by the runtime, which would look for files by itself. */
interface ModuleMaker {
  SourceTextModule: new (source: string, options: {
    identifier: string;
    initializeImportMeta(meta: Record<string, unknown>): void;
    importModuleDynamically(specifier: string): Promise<LinkedModule>;
  }) => LinkedModule;
  SyntheticModule: new (names: string[], evaluate: (this: SyntheticModule) => void) => LinkedModule;
}

interface SyntheticModule {
  setExport(name: string, value: unknown): void;
}

interface LinkedModule {
  readonly identifier: string;
  readonly status: string;
  readonly namespace: { readonly default?: unknown };
  link(linker: (specifier: string, from: LinkedModule) => Promise<LinkedModule>): Promise<void>;
  evaluate(): Promise<void>;
}

/** What a stream of Node is made of. */
interface WritableOptions {
  write(chunk: unknown, encoding: string, done: () => void): void;
}

/** What nobody caught. */
interface Uncaught extends Event {
  error?: unknown;
  reason?: unknown;
}

const scope = globalThis as unknown as Scope;
// Taken before the plugin could put something else in their places.
const postMessage = scope.postMessage.bind(scope);
const stringify = JSON.stringify;
const { SourceTextModule, SyntheticModule } = scope.process.getBuiltinModule("node:vm");

declare const readPlugin: typeof import("./plugin_object.ts").readPlugin;

let plugin: PluginObject;
let environment: Variables = {};
let settings: PluginContext["settings"] = {};
let version = "";

/** The calls that have not ended. */
const calls = new Map<number, AbortController>();
const runs = new Map<number, { resolve(result: ExecResult): void; reject(error: Error): void }>();
let lastRun = 0;

/** The modules of the plugin by their URLs, and what each imports. */
const modules = new Map<string, LinkedModule>();
const imports = new Map<string, Set<string>>();
const evaluations = new Map<LinkedModule, Promise<void>>();
let linking: Promise<void> = Promise.resolve();
const awaited = new Map<number, { resolve(file: ModuleFile): void; reject(error: Error): void }>();
let lastRequest = 0;

closeExits();
divertOutput();
for (const type of ["error", "unhandledrejection"] as const) scope.addEventListener(type, tellUncaught);

scope.addEventListener("message", ({ data }) => {
  if (data.type === "load") void load(data);
  else if (data.type === "call") void answer(data.id, (context) => plugin.call(data.hook, data.request, context));
  else if (data.type === "command") void runCommand(data);
  else if (data.type === "file") takeFile(data);
  else if (data.type === "abort") calls.get(data.id)?.abort(new Error(data.reason));
  else endRun(data);
});

async function load({ id, url, satchel, ...rest }: ToWorker & { type: "load" }): Promise<void> {
  ({ environment, settings } = rest);
  version = satchel.version;
  try {
    const { namespace } = await importModule(url);
    plugin = readPlugin(namespace.default, satchel);
    postMessage({ type: "answer", id, answer: stringify(plugin.manifest) });
  } catch (error) {
    postMessage({ type: "failed", id, error: textOf(error) });
  }
}

async function importModule(specifier: string, referrer?: string): Promise<LinkedModule> {
  const module = await moduleOf(specifier, referrer);
  await linkInTurn(module);
  await evaluate(module);
  return module;
}

/** One after the other: a module that is being linked for one import cannot be linked for another. */
function linkInTurn(module: LinkedModule): Promise<void> {
  const turn = linking.then(async () => {
    if (module.status === "unlinked") await module.link((each, { identifier }) => moduleOf(each, identifier));
  });
  linking = turn.catch(() => {});
  return turn;
}

/** Evaluates a module once, however often it is imported meanwhile. */
async function evaluate(module: LinkedModule): Promise<void> {
  // As a part of another module that is not done yet.
  if (module.status === "evaluating" && !evaluations.has(module)) await Promise.allSettled(evaluations.values());
  let evaluation = evaluations.get(module);
  if (!evaluation) evaluations.set(module, evaluation = module.evaluate());
  await evaluation;
}

async function moduleOf(specifier: string, referrer?: string): Promise<LinkedModule> {
  if (specifier.startsWith("node:")) return builtinModule(specifier);
  if (specifier === "bun:wrap") throw new Error("decorators and accessor fields are not supported in plugins");
  const { url, source } = await askForFile(specifier, referrer);
  const known = modules.get(url);
  if (referrer !== undefined) noteImport(referrer, url, known !== undefined);
  if (known) return known;
  let module: LinkedModule;
  try {
    module = new SourceTextModule(source, {
      identifier: url,
      initializeImportMeta: (meta) => describeModule(meta, url),
      importModuleDynamically: (each) => importModule(each, url),
    });
  } catch (error) {
    throw new Error(`${pathOfUrl(url)}: ${textOf(error)}`);
  }
  modules.set(url, module);
  return module;
}

/** What a module knows of itself by `import.meta`; `require`, which Bun adds, would load files by other rules. */
function describeModule(meta: Record<string, unknown>, url: string): void {
  const filename = pathOfUrl(url);
  const dirname = filename.slice(0, Math.max(filename.lastIndexOf("/"), 1));
  Object.assign(meta, { url, filename, dirname, resolve: (specifier: string) => new URL(specifier, url).href });
  for (const name of ["require", "dir", "path", "file"]) if (name in meta) meta[name] = undefined;
}

function pathOfUrl(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}

/** Never by the runtime's own import: it looks for a package of that name, in every folder above the current one. */
function builtinModule(specifier: string): LinkedModule {
  const builtin = scope.process.getBuiltinModule(specifier);
  if (!builtin) throw new Error(`it imports ${stringify(specifier)}, which this runtime has not`);
  const names = Object.keys(builtin).filter((name) => name !== "default");
  return new SyntheticModule(["default", ...names], function () {
    this.setExport("default", builtin.default ?? builtin);
    for (const name of names) this.setExport(name, builtin[name]);
  });
}

/** The host reads files: it knows which may be read. */
function askForFile(specifier: string, referrer?: string): Promise<ModuleFile> {
  return new Promise((resolve, reject) => {
    const request = ++lastRequest;
    awaited.set(request, { resolve, reject });
    postMessage({ type: "import", request, specifier, ...(referrer !== undefined && { referrer }) });
  });
}

function takeFile({ request, file, error }: ToWorker & { type: "file" }): void {
  const waiting = awaited.get(request);
  awaited.delete(request);
  if (file) waiting?.resolve(file);
  else waiting?.reject(new Error(error));
}

/**
 * Bun evaluates modules that import each other in the wrong order, so they are refused, in every runtime alike.
 *
 * @param isOld whether `to` was there before: a new module leads nowhere yet
 */
function noteImport(from: string, to: string, isOld: boolean): void {
  imports.set(from, (imports.get(from) ?? new Set()).add(to));
  const seen = new Set<string>();
  const next = isOld ? [to] : [];
  for (let url = next.pop(); url !== undefined; url = next.pop()) {
    if (url === from) throw new Error(`${from} and ${to} import each other, themselves or by way of others`);
    if (seen.has(url)) continue;
    seen.add(url);
    next.push(...imports.get(url) ?? []);
  }
}

function runCommand({ id, name, invocation }: ToWorker & { type: "command" }): Promise<void> {
  const print: CommandContext["print"] = (text) => postMessage({ type: "print", id, text: String(text) });
  return answer(id, (context) => plugin.runCommand(name, invocation, { ...context, print }));
}

async function answer(id: number, call: (context: PluginContext) => unknown): Promise<void> {
  const controller = new AbortController();
  calls.set(id, controller);
  const context: PluginContext = {
    settings,
    environment,
    version,
    signal: controller.signal,
    log,
    exec: (program, args, options = {}) => exec(id, program, args, options),
  };
  try {
    // What JSON cannot say becomes null, which is an answer to no hook.
    const text = stringify(await call(context)) ?? "null";
    postMessage({ type: "answer", id, answer: text });
  } catch (error) {
    postMessage({ type: "failed", id, error: textOf(error) });
  } finally {
    calls.delete(id);
  }
}

function exec(id: number, program: string, args: readonly string[], options: ExecOptions): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const run = ++lastRun;
    runs.set(run, { resolve, reject });
    postMessage({ type: "exec", id, run, program, args, options });
  });
}

function endRun({ run, result, error }: ToWorker & { type: "ended" }): void {
  const waiting = runs.get(run);
  runs.delete(run);
  if (result) waiting?.resolve(result);
  else waiting?.reject(new Error(error));
}

function log(text: string): void {
  postMessage({ type: "log", text: String(text) });
}

/** Output of the plugin that does not go through its context would get between satchel's own. */
function divertOutput(): void {
  for (const name of ["debug", "dir", "error", "info", "log", "table", "trace", "warn"]) {
    scope.console[name] = (...values: unknown[]) => log(values.map(shown).join(" "));
  }
  const write = (chunk: unknown) => {
    log(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk as Uint8Array));
    return true;
  };
  for (const name of ["stdout", "stderr"] as const) divertStream(name, write);
}

/**
 * Puts another stream in the place of the real one. In Bun to look at the real one, or to define a property in its place,
 * takes ten milliseconds; so it is assigned, and made when it is used.
 */
function divertStream(name: "stdout" | "stderr", write: (chunk: unknown) => boolean): void {
  const node = scope.process;
  // There `node:process` has the stream without asking for it here.
  if (scope.Deno) return void (node[name].write = write);
  let stream: object | undefined;
  const made = () => stream ??= writable(node, write);
  node[name] = new Proxy({ write }, {
    get: (_, member) => {
      const value = Reflect.get(made(), member);
      return typeof value === "function" ? value.bind(made()) : value;
    },
    set: (_, member, value) => Reflect.set(made(), member, value),
    has: (_, member) => Reflect.has(made(), member),
  });
}

function writable(node: Scope["process"], write: (chunk: unknown) => boolean): object {
  const { Writable } = node.getBuiltinModule("node:stream");
  return new Writable({ write: (chunk, _encoding, done) => (write(chunk), done()) });
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return String(value);
  try {
    return stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Without this Deno would print it. Bun may not say what it was, and tells the host by itself. */
function tellUncaught(event: Uncaught): void {
  const error = event.error ?? event.reason;
  if (error === undefined || error === null) return;
  event.preventDefault();
  postMessage({ type: "broken", error: textOf(error) });
}

/** A plugin that exits ends itself, and the host hears of it in every runtime. */
function closeExits(): void {
  const end = (how: string) => () => {
    postMessage({ type: "broken", error: `it ended itself by ${how}` });
    throw new Error(`${how} was called`);
  };
  scope.close = end("close()");
  if (scope.Deno) scope.Deno.exit = end("Deno.exit()");
  scope.process.exit = end("process.exit()");
  scope.process.reallyExit = end("process.exit()");
  scope.process.abort = end("process.abort()");
  // These would act on satchel, which shares them.
  for (const name of ["chdir", "umask"] as const) {
    scope.process[name] = () => {
      throw new Error(`process.${name}() is not for plugins`);
    };
  }
}

function textOf(error: unknown): string {
  const isError = typeof error === "object" && error !== null && "message" in error;
  return isError ? String(error.message) : String(error);
}
