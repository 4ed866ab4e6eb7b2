import type { CommandSpec } from "../line/spec.ts";
import { ONE, OUTPUT } from "./flags.ts";

export const PLUGIN: CommandSpec = {
  name: "plugin",
  short: "Show, try and start plugins",
  commands: [
    {
      name: "call",
      short: "Call a hook of a plugin, to try it",
      long:
        "Call a hook of a plugin, to try it.\nThe request is read from stdin as JSON, the answer is printed as JSON.",
      usage: "PLUGIN HOOK",
      arguments: { min: 2, max: 2 },
      load: () => import("../plugin/call.ts"),
    },
    {
      name: "init",
      short: "Write a plugin to start from",
      usage: "NAME",
      arguments: ONE,
      flags: [
        { name: "directory", type: "string", usage: "Where to write it", default: ".", values: "directories" },
        {
          name: "form",
          type: "string",
          usage: "What to write: a module in TypeScript, or an executable in POSIX shell",
          default: "module",
          values: ["module", "executable"],
        },
      ],
      load: () => import("../plugin/init.ts"),
    },
    {
      name: "inspect",
      short: "Show what a plugin offers",
      usage: "PLUGIN",
      arguments: ONE,
      flags: [OUTPUT],
      load: () => import("../plugin/inspect.ts"),
    },
    {
      name: "list",
      aliases: ["ls"],
      short: "List plugins, and what is wrong with those that cannot be loaded",
      flags: [OUTPUT],
      load: () => import("../plugin/list.ts"),
    },
    {
      name: "types",
      short: "Print the types that a module imports, for its author",
      load: () => import("../plugin/types.ts"),
    },
  ],
};
