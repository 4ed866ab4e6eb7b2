import type { CommandSpec } from "../line/spec.ts";
import { AUTHFILE, CERT_DIR, INSECURE_REGISTRIES, ONE, OUTPUT, TLS_VERIFY } from "./flags.ts";
import { TRUST_FLAGS } from "./signing_flags.ts";

export const IMAGE_VERIFY: CommandSpec = {
  name: "verify",
  short: "Verify the signatures of an image",
  long:
    "Verify the signatures of an image of the local store, of any format of cosign and of notation. One good signature is enough.\n" +
    "Without anybody to trust, the release key of Inspektor Gadget is trusted.",
  usage: "IMAGE",
  arguments: ONE,
  completes: "images",
  flags: [
    AUTHFILE,
    CERT_DIR,
    INSECURE_REGISTRIES,
    { name: "offline", type: "bool", usage: "Ask no registry for signatures that the store has not" },
    OUTPUT,
    { name: "remote", type: "bool", usage: "Verify what the registry has, instead of the store" },
    TLS_VERIFY,
    ...TRUST_FLAGS,
  ],
  load: () => import("../image/verify.ts"),
};
