import type { CommandSpec } from "../line/spec.ts";
import { ONE, OUTPUT } from "./flags.ts";
import { TRUST_FLAGS } from "./signing_flags.ts";

export const ARCHIVE: CommandSpec = {
  name: "archive",
  short: "Look into archives of images",
  commands: [
    {
      name: "inspect",
      short: "Show what is inside of an archive, by its manifests",
      usage: "FILE",
      arguments: ONE,
      flags: [
        { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
        OUTPUT,
      ],
      load: () => import("../archive/inspect.ts"),
    },
    {
      name: "verify",
      short: "Read and hash everything in an archive",
      long:
        "Read and hash everything in an archive.\nThe first volume stands for all of them, another one for itself. " +
        "With flags that say whom to trust, every image needs a good signature.",
      usage: "FILE",
      arguments: ONE,
      flags: [
        OUTPUT,
        { name: "thin", type: "bool", usage: "Take blobs that are missing for left out, whatever the archive says" },
        ...TRUST_FLAGS,
      ],
      load: () => import("../archive/verify.ts"),
    },
  ],
};
