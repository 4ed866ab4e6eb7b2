import type { FlagSpec } from "../line/spec.ts";

// Flags of the commands that make and judge signatures.

export const ANNOTATION: FlagSpec = {
  name: "annotation",
  type: "stringArray",
  usage: "Claim that a signature has, as NAME=VALUE",
};

/** Whom signatures are trusted by. */
export const TRUST_FLAGS: readonly FlagSpec[] = [
  ANNOTATION,
  { name: "certificate-identity", type: "string", usage: "Whom the certificate of a signature has to be for" },
  {
    name: "certificate-identity-regexp",
    type: "string",
    usage: "The same as a regular expression, for the whole of it",
  },
  {
    name: "certificate-oidc-issuer",
    type: "string",
    usage: "Who has to vouch for that, as https://accounts.example.com",
  },
  {
    name: "certificate-oidc-issuer-regexp",
    type: "string",
    usage: "The same as a regular expression, for the whole of it",
  },
  { name: "check-name", type: "bool", usage: "Take signatures for this very name alone, not only for this digest" },
  {
    name: "notation-certificates",
    type: "stringArray",
    usage: "Certificates of notation's trust store: PEM, a file or env://NAME, or several joined by commas",
    values: "files",
  },
  {
    name: "notation-policy-document",
    type: "string",
    usage: "notation's trust policy: JSON, a file or env://NAME",
    values: "files",
  },
  {
    name: "notation-timestamp-certificates",
    type: "stringArray",
    usage: "Certificates of the authorities whose timestamps notation believes, given alike",
    values: "files",
  },
  {
    name: "public-keys",
    type: "stringArray",
    usage:
      "Public keys for cosign's signatures: PEM, a file or env://NAME, or several joined by commas; one that fits is enough",
    values: "files",
  },
  {
    name: "trusted-root",
    type: "string",
    usage: "Sigstore's trusted root, to check certificates against: JSON, a file or env://NAME",
    values: "files",
  },
];
