/**
 * How a plugin is read from what a module exports: which hooks it has, and how they are called. The worker of modules and the
 * built-in plugins go by the same text, which stands before that of `module_worker.ts` in the worker. So nothing but types may
 * be imported here, and no name may be used in both.
 *
 * @module
 */
import type {
  CommandContext,
  HookName,
  Json,
  Plugin,
  PluginContext,
  PluginInvocation,
  SatchelInfo,
} from "./contract.ts";

/** A plugin that was read. */
export interface PluginObject {
  /** What it says of itself, not checked: what it should not have is in it as well. */
  manifest: Members;
  call(hook: string, request: Json, context: PluginContext): unknown;
  runCommand(name: string, invocation: PluginInvocation, context: CommandContext): unknown;
}

type Members = { readonly [name: string]: unknown };
type Callable = { readonly [name: string]: (request: Json, context: PluginContext) => unknown };

const DATA_MEMBERS = ["contract", "name", "description", "version"];
const HOOK_GROUP = "credentials";

/**
 * Reads a plugin, whose members may stand on prototypes: it may be an instance of a class.
 *
 * @param exported the default export
 * @throws {Error} if it is no plugin, or a hook is no function
 */
export function readPlugin(exported: unknown, satchel: SatchelInfo): PluginObject {
  const plugin: unknown = typeof exported === "function" ? exported(satchel) : exported;
  if (!isObject(plugin) || Array.isArray(plugin)) throw new Error("it has no default export that is a plugin");
  if (typeof plugin.then === "function") throw new Error("its default export is a promise, and not a plugin");
  const { credentials, commands } = plugin as unknown as Plugin & Members;
  if (credentials !== undefined && !isObject(credentials)) throw new Error(`its ${HOOK_GROUP} are no object`);
  if (commands !== undefined && !Array.isArray(commands)) throw new Error("its commands are no list");

  const hooks = [
    ...credentials ? functionsOf(credentials as unknown as Members, `${HOOK_GROUP}.`, [], satchel) : [],
    ...functionsOf(plugin, "", [...DATA_MEMBERS, HOOK_GROUP, "commands"], satchel),
  ];
  const manifest = {
    ...namesAlone(dataOf(plugin)),
    ...Object.fromEntries(DATA_MEMBERS.map((name) => [name, plugin[name]])),
    hooks,
    credentials: undefined,
    commands: commands?.map(describe),
  };
  return {
    manifest,
    call: (hook, request, context) => {
      const [group, inner] = hook.split(".");
      const owner = (inner === undefined ? plugin : credentials) as unknown as Callable;
      return owner[inner ?? group](request, context);
    },
    runCommand: (name, invocation, context) => {
      const command = commands?.find((each) => each.name === name);
      if (!command) throw new Error(`it has no command ${name}`);
      return command.run(invocation, context);
    },
  };
}

/** The names of hooks and of all functions that could have been meant as one. */
function functionsOf(owner: Members, prefix: string, others: readonly string[], { hooks }: SatchelInfo): string[] {
  return allNames(owner).filter((name) => !others.includes(name)).flatMap((name) => {
    const value = owner[name];
    const full = prefix + name;
    if (typeof value === "function") return [full];
    if (value !== undefined && hooks.includes(full as HookName)) throw new Error(`its ${full} is no function`);
    if (!isObject(value)) return [];
    // What is called credential, without s, could hold hooks as well.
    return Object.keys(value).filter((each) => typeof value[each] === "function").map((each) => `${full}.${each}`);
  });
}

/** The names of all members, those on prototypes too. */
function allNames(value: object): string[] {
  const names = new Set<string>();
  for (let at = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== "constructor") names.add(name);
  }
  return [...names];
}

/** The names of members that are no functions. An instance of a class keeps things that are not meant for satchel. */
function dataOf(plugin: Members): string[] {
  const prototype = Object.getPrototypeOf(plugin);
  if (prototype !== null && prototype !== Object.prototype) return [];
  return Object.keys(plugin).filter((name) => plugin[name] !== undefined && typeof plugin[name] !== "function");
}

function describe(command: unknown, index: number): Members {
  if (!isObject(command)) throw new Error(`its commands[${index}] is no command`);
  if (typeof command.run !== "function") throw new Error(`its command ${String(command.name)} has no function run`);
  const { name, summary, description, arguments: taken, flags } = command;
  return { ...namesAlone(Object.keys(command)), run: undefined, name, summary, description, arguments: taken, flags };
}

/** What nobody knows is told by its name: its value may be anything. */
function namesAlone(names: readonly string[]): Members {
  return Object.fromEntries(names.map((name) => [name, null]));
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}
