import type { CommandSpec } from "../line/spec.ts";
import { AUTHFILE, CERT_DIR, INSECURE_REGISTRIES, ONE, OUTPUT, POLICY_FLAGS, TLS_VERIFY } from "./flags.ts";

export const POLICY: CommandSpec = {
  name: "policy",
  short: "Look at what may come into the store",
  commands: [
    {
      name: "check",
      short: "Tell whether an image may come in, and why",
      long: "Tell whether an image of the local store, or of a registry, may come in by the configuration, and why.\n" +
        "The exit status is 5 if it may not.",
      usage: "IMAGE",
      arguments: ONE,
      completes: "images",
      flags: [
        ...POLICY_FLAGS.filter(({ name }) => name === "allowed-gadgets"),
        AUTHFILE,
        CERT_DIR,
        INSECURE_REGISTRIES,
        OUTPUT,
        { name: "remote", type: "bool", usage: "Look at what the registry has, instead of the store" },
        TLS_VERIFY,
      ],
      load: () => import("../policy/check.ts"),
    },
  ],
};
