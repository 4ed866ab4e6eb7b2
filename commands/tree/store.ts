import type { CommandSpec } from "../line/spec.ts";
import { OUTPUT } from "./flags.ts";

export const STORE: CommandSpec = {
  name: "store",
  short: "Check and clean the local image store",
  long: "Check and clean the local image store.\n" +
    "It is /var/lib/ig/oci-store for root and ~/.ig/oci-store for others, the same that ig has.",
  commands: [
    {
      name: "check",
      short: "Read and hash everything in the store and say what is damaged",
      long: "Read and hash everything in the store and say what is damaged.\nThe exit status is 1 if something is.",
      flags: [OUTPUT],
      load: () => import("../store/check.ts"),
    },
    {
      name: "gc",
      short: "Remove what no image needs",
      flags: [
        { name: "dry-run", type: "bool", usage: "Say what would be removed, and remove nothing" },
        {
          name: "min-age",
          type: "duration",
          usage: "Keep what is younger: another process may just be writing it",
          default: "1h",
        },
        OUTPUT,
        { name: "untagged", type: "bool", usage: "Remove images without a name too" },
      ],
      load: () => import("../store/gc.ts"),
    },
    {
      name: "inventory",
      short: "List what is in the store, for image export --have elsewhere",
      long: "List what is in the store, for image export --have elsewhere.\nIt is JSON, and small when compressed.",
      flags: [{ name: "check", type: "bool", usage: "Read and hash everything, and leave out what is damaged" }, {
        ...OUTPUT,
        usage: "Output mode: json, whether it is asked for or not",
        default: "json",
        values: ["json"],
      }],
      load: () => import("../store/inventory.ts"),
    },
  ],
};
