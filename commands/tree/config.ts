import type { CommandSpec } from "../line/spec.ts";
import { OUTPUT } from "./flags.ts";

export const CONFIG: CommandSpec = {
  name: "config",
  short: "Show the configuration",
  commands: [
    {
      name: "show",
      short: "Show the effective values, and where each comes from",
      flags: [OUTPUT],
      load: () => import("../config/show.ts"),
    },
  ],
};
