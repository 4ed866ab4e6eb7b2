import type { CommandSpec, FlagSpec } from "./line/spec.ts";
import { ARCHIVE } from "./tree/archive.ts";
import { COMPLETION } from "./tree/completion.ts";
import { CONFIG } from "./tree/config.ts";
import { OUTPUT } from "./tree/flags.ts";
import { IMAGE } from "./tree/image.ts";
import { KEY } from "./tree/key.ts";
import { LOGIN, LOGOUT } from "./tree/login.ts";
import { PLUGIN } from "./tree/plugin.ts";
import { POLICY } from "./tree/policy.ts";
import { SERVE } from "./tree/serve.ts";
import { STORE } from "./tree/store.ts";

const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: "concurrency", type: "int", usage: "How many transfers may run at the same time", default: "8" },
  {
    name: "config",
    type: "string",
    usage: "Path of one more configuration file. This overrides the SATCHEL_CONFIG environment variable",
    values: "files",
  },
  { name: "debug", type: "bool", usage: "Print every request, and the stack trace of an error" },
  { name: "help", short: "h", type: "bool", usage: "" },
  {
    name: "lock-timeout",
    type: "duration",
    usage: "How long to wait while another process has locked the store, 0 is without end",
    default: "0",
  },
  { name: "no-plugins", type: "bool", usage: "Load no plugins" },
  {
    name: "plugin",
    type: "stringArray",
    usage: "Load this plugin too: path of a module (.ts, .js) or of an executable (satchel-NAME)",
    values: "files",
  },
  { name: "quiet", short: "q", type: "bool", usage: "Print only errors, warnings, lists and what -o asks for" },
  {
    name: "store",
    type: "string",
    usage: "Path of the local image store. This overrides the SATCHEL_STORE environment variable",
    values: "directories",
  },
  { name: "verbose", short: "v", type: "bool", usage: "Print more detailed information" },
  { name: "version", type: "bool", usage: "Print the version" },
  // What `ig` has for its own daemon and for running gadgets: taken without effect, so that its scripts go on working.
  { name: "auto-mount-filesystems", type: "bool", usage: "Taken for the sake of ig's scripts", hidden: true },
  { name: "auto-wsl-workaround", type: "bool", usage: "Taken for the sake of ig's scripts", hidden: true },
  { name: "pprof-addr", type: "string", usage: "Taken for the sake of ig's scripts", hidden: true },
];

/**
 * Every command and flag, as data: the parser, help and completion read it.
 *
 * @param program what the program calls itself
 */
export function commandTree(program: string): CommandSpec {
  return {
    name: program,
    short: "Carry gadget images between registries, hosts and air gaps",
    flags: GLOBAL_FLAGS,
    commands: [
      ARCHIVE,
      COMPLETION,
      CONFIG,
      {
        name: "help",
        short: "Help about any command",
        usage: "[command]",
        arguments: { min: 0, max: Infinity },
        completes: "commands",
        load: () => import("./help_command.ts"),
      },
      IMAGE,
      KEY,
      LOGIN,
      LOGOUT,
      PLUGIN,
      POLICY,
      SERVE,
      STORE,
      {
        name: "version",
        short: "Show version",
        flags: [OUTPUT],
        load: () => import("./version.ts"),
      },
      {
        name: "__complete",
        short: "Print completions for the words of a command line",
        arguments: { min: 0, max: Infinity },
        hidden: true,
        load: () => import("./completion/complete.ts"),
      },
    ],
  };
}
