import { INSPECT_MODES, PULL_POLICIES } from "../inspect/words.ts";
import type { CommandSpec } from "../line/spec.ts";
import { AUTHFILE, CERT_DIR, INSECURE_REGISTRIES, ONE, TLS_VERIFY } from "./flags.ts";

const UNVERIFIED = "Not taken: inspect verifies no signatures";

export const IMAGE_INSPECT: CommandSpec = {
  name: "inspect",
  short: "Inspect a gadget image",
  long:
    "Show what an image holds: of a gadget, its programs, maps, parameters and data sources. Nothing of it is run.\n" +
    "IMAGE is one of the local store, or REGISTRY/NAME:TAG, of which only manifests and the config are fetched,\n" +
    "or archive:FILE[#NAME] or dir:FOLDER[#NAME].",
  usage: "IMAGE",
  arguments: ONE,
  completes: "images",
  flags: [
    AUTHFILE,
    CERT_DIR,
    { name: "disallow-pulling", type: "bool", usage: "Ask no registry, as --pull never" },
    { name: "extra-info", type: "string", usage: "Show one entry alone, as ebpf.maps; an unknown one lists them" },
    INSECURE_REGISTRIES,
    {
      name: "jsonpath",
      type: "string",
      usage: "Show what this JSONPath (RFC 9535; the $ at its start may be left out) finds in the entry",
    },
    {
      name: "output",
      short: "o",
      type: "string",
      usage: `Output mode, possible values are, ${
        INSPECT_MODES.join(", ")
      } (default summary on a terminal, else jsonpretty)`,
      values: INSPECT_MODES,
    },
    {
      name: "platform",
      type: "string",
      usage: "Platform to look into, as os/architecture[/variant] (default that of this host)",
    },
    {
      name: "pull",
      type: "string",
      usage: `When to ask the registry, possible values are, ${PULL_POLICIES.join(", ")}; it is not stored`,
      default: "missing",
      values: PULL_POLICIES,
    },
    { name: "show-datasources", type: "bool", usage: "Show the data sources with their fields" },
    TLS_VERIFY,
    // Flags of ig. Nothing is verified here, which must not be believed; what cannot mislead is taken without effect.
    { name: "verify-image", type: "bool", usage: UNVERIFIED, hidden: true },
    { name: "public-keys", type: "stringArray", usage: UNVERIFIED, hidden: true },
    { name: "notation-certificates", type: "stringArray", usage: UNVERIFIED, hidden: true },
    { name: "notation-policy-document", type: "string", usage: UNVERIFIED, hidden: true },
    { name: "validate-metadata", type: "bool", usage: "Taken for the sake of ig's scripts", hidden: true },
  ],
  load: () => import("../image/inspect.ts"),
};
