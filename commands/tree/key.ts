import type { CommandSpec } from "../line/spec.ts";
import { OUTPUT } from "./flags.ts";

/** Those that cosign reads. */
const KEY_TYPES = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"];

export const KEY: CommandSpec = {
  name: "key",
  short: "Manage keys that sign images",
  commands: [
    {
      name: "generate",
      short: "Make a pair of keys that sign images",
      long: "Make a pair of keys that sign images: cosign.key, encrypted by a password, and cosign.pub.\n" +
        "cosign reads both. The password is asked for twice on a terminal; COSIGN_PASSWORD and --password-stdin\n" +
        "give it as well. What is there already is never overwritten.",
      flags: [
        OUTPUT,
        {
          name: "output-key-prefix",
          type: "string",
          usage: "What the two files are called, without .key and .pub; may have folders",
          default: "cosign",
          values: "files",
        },
        { name: "password-stdin", type: "bool", usage: "Take the password from stdin" },
        {
          name: "type",
          type: "string",
          usage: `Kind of the keys, possible values are, ${KEY_TYPES.join(", ")}`,
          default: "ecdsa-p256",
          values: KEY_TYPES,
        },
      ],
      load: () => import("../key/generate.ts"),
    },
  ],
};
