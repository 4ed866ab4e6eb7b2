import { type CommandSpec, type FlagSpec, OUTPUT_MODES } from "../line/spec.ts";

// Flags that several commands have, and how many arguments most take.

export const OUTPUT: FlagSpec = {
  name: "output",
  short: "o",
  type: "string",
  usage: `Output mode, possible values are, ${OUTPUT_MODES.join(", ")}`,
  default: "columns",
  values: OUTPUT_MODES,
};

export const AUTHFILE: FlagSpec = {
  name: "authfile",
  type: "string",
  usage: "Path of the authentication file. This overrides the REGISTRY_AUTH_FILE environment variable " +
    '(default "/var/lib/ig/config.json", for users other than root "~/.ig/config.json")',
  values: "files",
};

export const CERT_DIR: FlagSpec = {
  name: "cert-dir",
  type: "string",
  usage: "Use certificates at the specified path (*.crt, *.cert, *.key) to access the registry",
  values: "directories",
};

export const TLS_VERIFY: FlagSpec = {
  name: "tls-verify",
  type: "bool",
  usage: "Verify TLS certificates",
  default: "true",
};

export const REFERRERS: FlagSpec = {
  name: "referrers",
  type: "bool",
  usage: "Take along what refers to the image: signatures, attestations, SBOMs",
  default: "true",
};

/** What may come into the store. */
export const POLICY_FLAGS: readonly FlagSpec[] = [
  {
    name: "allowed-gadgets",
    type: "strings",
    usage:
      "The only names, of those that the configuration allows, that may come into the store; as START*, all that start so",
  },
  {
    name: "verify",
    type: "bool",
    usage: "Verify signatures where the configuration wants it; false does without where that is overridable",
    default: "true",
  },
];

export const INSECURE_REGISTRIES: FlagSpec = {
  name: "insecure-registries",
  type: "strings",
  usage: "List of registries to access over plain HTTP, as host or host:port",
};

export const TRANSFER_FLAGS: readonly FlagSpec[] = [
  AUTHFILE,
  CERT_DIR,
  INSECURE_REGISTRIES,
  OUTPUT,
  REFERRERS,
  TLS_VERIFY,
];

export const ONE: CommandSpec["arguments"] = { min: 1, max: 1 };
