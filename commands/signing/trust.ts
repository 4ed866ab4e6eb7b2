import { SatchelError } from "../../lib/error.ts";
import type { CertificateIdentity, VerifyTrust } from "../../lib/plugin/contract.ts";
import { type FlagValues, isSet, listOf, textOf } from "../line/flags.ts";
import type { Environment } from "../line/invocation.ts";
import { isRegExp } from "../settings/regexp.ts";
import { pemBlocks } from "./pem.ts";
import { readGivenText } from "./texts.ts";

/** Where values of flags may come from. */
interface Given {
  flags: FlagValues;
  environment: Environment;
}

/**
 * Whom the flags of a command trust, and what they want of a signature besides.
 *
 * @throws {SatchelError} `usage` for values that cannot be read, are not what they should be, or do not go together
 */
export function trustByFlags({ flags, environment }: Given): VerifyTrust {
  const given = { flags, environment };
  const publicKeys = pemTexts("public-keys", "PUBLIC KEY", given);
  const notationCertificates = pemTexts("notation-certificates", "CERTIFICATE", given);
  const notationTimestampCertificates = pemTexts("notation-timestamp-certificates", "CERTIFICATE", given);
  const identity = identityOf(flags);
  const trustedRoot = jsonText("trusted-root", given);
  const notationPolicy = jsonText("notation-policy-document", given);
  if (notationPolicy === undefined && notationCertificates.length + notationTimestampCertificates.length > 0) {
    throw new SatchelError(
      "usage",
      "certificates of notation need --notation-policy-document: it says what they are good for",
    );
  }
  if (identity && trustedRoot === undefined) {
    throw new SatchelError("usage", "an identity needs --trusted-root: what certificates are checked against", {
      hint: "`cosign trusted-root create` writes one.",
    });
  }
  if (trustedRoot !== undefined && !identity) {
    throw new SatchelError(
      "usage",
      "--trusted-root alone trusts nobody: add --certificate-identity and --certificate-oidc-issuer",
    );
  }
  const annotations = annotationsOf(flags);
  return {
    ...(publicKeys.length > 0 && { publicKeys }),
    ...(identity && { identities: [identity] }),
    ...(trustedRoot !== undefined && { trustedRoot }),
    ...(notationCertificates.length > 0 && { notationCertificates }),
    ...(notationTimestampCertificates.length > 0 && { notationTimestampCertificates }),
    ...(notationPolicy !== undefined && { notationPolicy }),
    ...(annotations && { annotations }),
    ...(isSet(flags, "check-name") && { checkName: true }),
  };
}

/** Whether anybody is trusted, by whatever. */
export function trustsSomebody({ publicKeys, identities, notationPolicy }: VerifyTrust): boolean {
  return publicKeys !== undefined || identities !== undefined || notationPolicy !== undefined;
}

/**
 * Claims, as `--annotation` has them.
 *
 * @returns `undefined` without any
 * @throws {SatchelError} `usage` for one without a name or a value
 */
export function annotationsOf(flags: FlagValues): Record<string, string> | undefined {
  const given = listOf(flags, "annotation");
  if (given.length === 0) return undefined;
  return Object.fromEntries(given.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new SatchelError("usage", `--annotation takes NAME=VALUE, not ${JSON.stringify(text)}`);
  }));
}

/** The PEM blocks of all values of a flag: texts or names, each of which may be a list. */
function pemTexts(name: string, label: string, { flags, environment }: Given): string[] {
  const flag = `--${name}`;
  return listOf(flags, name).flatMap((list) => list.split(",")).flatMap((value) => {
    const { text, from } = readGivenText(value, { flag, start: "-----BEGIN", environment });
    const blocks = pemBlocks(text);
    const wrong = blocks.find((block) => !block.label.endsWith(label));
    if (blocks.length === 0 || wrong) {
      const found = wrong
        ? `${/^[AEIOU]/.test(wrong.label) ? "an" : "a"} ${wrong.label.toLowerCase()} is in`
        : "nothing in PEM is in";
      throw new SatchelError(
        "usage",
        `${flag} needs ${label.toLowerCase()}s, and ${found} ${from === flag ? "it" : from}`,
      );
    }
    return blocks.map((block) => block.text);
  });
}

function jsonText(name: string, { flags, environment }: Given): string | undefined {
  const value = textOf(flags, name);
  if (value === undefined) return undefined;
  const flag = `--${name}`;
  const { text, from } = readGivenText(value, { flag, start: "{", environment });
  try {
    JSON.parse(text);
  } catch {
    throw new SatchelError("usage", `${flag}: ${from === flag ? "it" : from} is not JSON`);
  }
  return text;
}

function identityOf(flags: FlagValues): CertificateIdentity | undefined {
  const subject = textOf(flags, "certificate-identity");
  const subjectRegExp = textOf(flags, "certificate-identity-regexp");
  const issuer = textOf(flags, "certificate-oidc-issuer");
  const issuerRegExp = textOf(flags, "certificate-oidc-issuer-regexp");
  const parts = { subject, subjectRegExp, issuer, issuerRegExp };
  const given = Object.entries(parts).filter(([, value]) => value !== undefined);
  if (given.length === 0) return undefined;
  if (given.some(([, value]) => value === "")) throw new SatchelError("usage", "an identity or an issuer is empty");
  checkPair("certificate-identity", subject, subjectRegExp);
  checkPair("certificate-oidc-issuer", issuer, issuerRegExp);
  return Object.fromEntries(given);
}

/** Who says neither whose certificate it is nor who vouches for that trusts everybody. */
function checkPair(name: string, text: string | undefined, pattern: string | undefined): void {
  if (text !== undefined && pattern !== undefined) {
    throw new SatchelError("usage", `--${name} and --${name}-regexp do not go together`);
  }
  if (text === undefined && pattern === undefined) {
    throw new SatchelError("usage", `an identity needs both a subject and an issuer: --${name} is missing`);
  }
  if (pattern !== undefined && !isRegExp(pattern)) {
    throw new SatchelError("usage", `--${name}-regexp: ${JSON.stringify(pattern)} is no regular expression`);
  }
}
