import type { CommandSpec } from "../line/spec.ts";
import { AUTHFILE, CERT_DIR, INSECURE_REGISTRIES, ONE, OUTPUT, TLS_VERIFY } from "./flags.ts";
import { ANNOTATION, TRUST_FLAGS } from "./signing_flags.ts";

export const IMAGE_ATTACH: CommandSpec = {
  name: "attach",
  short: "Attach a file to an image",
  long:
    "Attach FILE to an image of the local store as what refers to it; - is stdin. It goes wherever the image goes.\n" +
    "Of an SBOM (SPDX, CycloneDX) and of an attestation (in-toto, DSSE, Sigstore bundle), the file tells which it is.",
  usage: "IMAGE FILE",
  arguments: { min: 2, max: 2 },
  completes: "images",
  flags: [
    { ...ANNOTATION, usage: "Annotation of the manifest that is made, as NAME=VALUE" },
    AUTHFILE,
    CERT_DIR,
    INSECURE_REGISTRIES,
    OUTPUT,
    { name: "remote", type: "bool", usage: "Attach it to what the registry has, there" },
    TLS_VERIFY,
    {
      name: "type",
      type: "string",
      usage: "What the file is: sbom, attestation or a media type",
    },
  ],
  load: () => import("../image/attach.ts"),
};

export const IMAGE_REFERRERS: CommandSpec = {
  name: "referrers",
  short: "List what refers to an image",
  long: "List what refers to an image, and what refers to that: signatures, attestations, SBOMs.\n" +
    "IMAGE is one of the local store, or archive:FILE[#NAME] or dir:FOLDER[#NAME].",
  usage: "IMAGE",
  arguments: ONE,
  completes: "images",
  flags: [
    AUTHFILE,
    CERT_DIR,
    INSECURE_REGISTRIES,
    OUTPUT,
    { name: "remote", type: "bool", usage: "List what the registry has, instead of the store" },
    TLS_VERIFY,
  ],
  load: () => import("../image/referrers.ts"),
};

export const IMAGE_SIGN: CommandSpec = {
  name: "sign",
  short: "Sign an image",
  long:
    "Sign an image of the local store, in a format of cosign or of notation. The signature is attached to the image.",
  usage: "IMAGE",
  arguments: ONE,
  completes: "images",
  flags: [
    ANNOTATION,
    AUTHFILE,
    CERT_DIR,
    {
      name: "format",
      type: "string",
      usage: "Format of cosign, possible values are, bundle, oci-1.1, legacy",
      default: "bundle",
      values: ["bundle", "oci-1.1", "legacy"],
    },
    INSECURE_REGISTRIES,
    {
      name: "key",
      type: "string",
      usage: "Private key: a file, env://NAME, or plugin:NAME[:WORDS] for a plugin that signs",
      values: "files",
    },
    {
      name: "notation-cert-chain",
      type: "string",
      usage: "Certificates of the notation key, its own first: a file, env://NAME or PEM",
      values: "files",
    },
    {
      name: "notation-key",
      type: "string",
      usage: "Private key for a signature of notation: a file or env://NAME",
      values: "files",
    },
    OUTPUT,
    {
      name: "password-stdin",
      type: "bool",
      usage: "Take the password of the key from stdin. Without it, from COSIGN_PASSWORD or a terminal",
    },
    { name: "remote", type: "bool", usage: "Sign what the registry has, and attach the signature there" },
    TLS_VERIFY,
  ],
  load: () => import("../image/sign.ts"),
};

export const IMAGE_VERIFY: CommandSpec = {
  name: "verify",
  short: "Verify the signatures of an image",
  long:
    "Verify the signatures of an image of the local store, of any format of cosign and of notation. One good signature is enough.\n" +
    "Without flags that say whom to trust, the rules of the configuration for its name say it; without such a rule, the release\n" +
    "key of Inspektor Gadget is trusted.",
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
