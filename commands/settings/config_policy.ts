import { isMap, isScalar, isSeq } from "yaml";
import { hasCode } from "../../lib/error.ts";
import type { CertificateIdentity } from "../../lib/plugin/contract.ts";
import { type NamePattern, parseNamePattern } from "../../lib/signing/name_pattern.ts";
import type { AllowedName, KeyPlace, NotationFiles, Signers, VerifyRule } from "../../lib/signing/policy.ts";
import { type ConfigSource, readEntries, readMap, readPath, readText, within } from "./config_node.ts";
import { isRegExp } from "./regexp.ts";

/** A key that satchel has itself, behind `builtin:`. */
export const RELEASE_KEY_NAME = "builtin:inspektor-gadget";

/** What a rule has beside the names that it is for, if somebody must have signed. */
const SIGNER_KEYS = ["keys", "identities", "trustedRoot", "notation", "plugins", "annotations", "checkName"] as const;

/** Reads `verify`: rules, each for the names of its `images`. */
export function readVerify(node: unknown, source: ConfigSource): VerifyRule[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list of rules");
  const seen = new Set<string>();
  return node.items.map((item) => {
    const rule = readRule(item, source);
    for (const { text, kind, value } of rule.images) {
      // Which of two rules counts must not be a matter of luck.
      if (seen.has(`${kind} ${value}`)) {
        throw source.complain(item, `${text} is in a rule already, or by another of its names`);
      }
      seen.add(`${kind} ${value}`);
    }
    return rule;
  });
}

/** Reads `allowed`: names, or starts of names, that may come in. */
export function readAllowed(node: unknown, source: ConfigSource): AllowedName[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list of names");
  if (node.items.length === 0) throw source.complain(node, "it is empty: without it, every name may come in");
  return node.items.map((item) => ({ pattern: readPattern(item, source), from: lineOf(item, source) }));
}

function readRule(node: unknown, source: ConfigSource): VerifyRule {
  if (!isMap(node)) throw source.complain(node, "a rule is a map with images and who must have signed them");
  const { images, required = true, overridable = false, ...given } = readMap(node, {
    images: readPatterns,
    required: readFlag,
    overridable: readFlag,
    keys: readKeys,
    identities: readIdentities,
    trustedRoot: readPath,
    notation: readNotation,
    plugins: (value: unknown, source: ConfigSource) => readList(value, source, readName),
    annotations: readAnnotations,
    checkName: readFlag,
  }, source);
  if (images === undefined) throw source.complain(node, "images is missing");
  const rule = { images, overridable, from: lineOf(node, source) };
  if (required) return { ...rule, signers: signersOf(given, node, source) };
  const extra = SIGNER_KEYS.find((key) => given[key] !== undefined);
  if (extra) throw source.complain(node, `${extra} and required: false do not go together`);
  return rule;
}

function signersOf(
  given: Partial<Signers>,
  node: unknown,
  source: ConfigSource,
): Signers {
  const { keys = [], identities = [], trustedRoot, notation, plugins = [], annotations, checkName = false } = given;
  if (identities.length > 0 && trustedRoot === undefined) {
    throw source.complain(node, "identities need trustedRoot: what certificates are checked against");
  }
  if (trustedRoot !== undefined && identities.length === 0) {
    throw source.complain(node, "trustedRoot alone trusts nobody: identities is missing");
  }
  if (keys.length + identities.length + plugins.length === 0 && !notation) {
    throw source.complain(
      node,
      "it says of nobody who must have signed: keys, identities, notation, plugins, or required: false",
    );
  }
  return {
    keys,
    identities,
    plugins,
    checkName,
    ...(trustedRoot !== undefined && { trustedRoot }),
    ...(notation && { notation }),
    ...(annotations && { annotations }),
  };
}

/** One pattern, or a list of them. */
function readPatterns(node: unknown, source: ConfigSource): NamePattern[] {
  return isSeq(node) ? readList(node, source, readPattern) : [readPattern(node, source)];
}

function readPattern(node: unknown, source: ConfigSource): NamePattern {
  const text = readText(node, source);
  try {
    return parseNamePattern(text);
  } catch (error) {
    if (hasCode(error, "usage")) throw source.complain(node, error.message);
    throw error;
  }
}

function readKeys(node: unknown, source: ConfigSource): KeyPlace[] {
  return readList(node, source, (item) => {
    const text = readText(item, source);
    if (text === RELEASE_KEY_NAME || text.trimStart().startsWith("-----BEGIN")) return { text };
    if (text.startsWith("env://")) {
      throw source.complain(item, "a policy takes no keys from the environment, which is anybody's: name a file");
    }
    return { path: readPath(item, source) };
  });
}

function readIdentities(node: unknown, source: ConfigSource): CertificateIdentity[] {
  return readList(node, source, (item) => {
    if (!isMap(item)) throw source.complain(item, "an identity is a map of subject and issuer");
    const identity = readMap(item, {
      subject: readName,
      subjectRegExp: readRegExp,
      issuer: readName,
      issuerRegExp: readRegExp,
    }, source);
    for (const name of ["subject", "issuer"] as const) {
      // Who says only one of them trusts everybody whom the other one fits.
      const count = Number(identity[name] !== undefined) + Number(identity[`${name}RegExp`] !== undefined);
      if (count !== 1) throw source.complain(item, `an identity has either ${name} or ${name}RegExp`);
    }
    return identity;
  });
}

function readRegExp(node: unknown, source: ConfigSource): string {
  const text = readName(node, source);
  if (!isRegExp(text)) throw source.complain(node, "it is no regular expression");
  return text;
}

function readNotation(node: unknown, source: ConfigSource): NotationFiles {
  if (!isMap(node)) throw source.complain(node, "it must be a map of policy and certificates");
  const readPaths = (value: unknown, source: ConfigSource) => readList(value, source, readPath);
  const { policy, certificates = [], timestampCertificates = [] } = readMap(node, {
    policy: readPath,
    certificates: readPaths,
    timestampCertificates: readPaths,
  }, source);
  if (policy === undefined) throw source.complain(node, "policy is missing");
  return { policy, certificates, timestampCertificates };
}

function readAnnotations(node: unknown, source: ConfigSource): Record<string, string> {
  const entries = readEntries(node, source, "it must be a map of texts");
  return Object.fromEntries(entries.map(([key, value, keyNode]) => {
    return [key, readText(value, within(source, key, value ?? keyNode))];
  }));
}

function readFlag(node: unknown, source: ConfigSource): boolean {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  throw source.complain(node, "it must be true or false");
}

function readName(node: unknown, source: ConfigSource): string {
  const text = readText(node, source);
  if (text === "") throw source.complain(node, "it must not be empty");
  return text;
}

/** A list that says something. */
function readList<T>(node: unknown, source: ConfigSource, read: (item: unknown, source: ConfigSource) => T): T[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list");
  if (node.items.length === 0) throw source.complain(node, "it must not be empty");
  return node.items.map((item) => read(item, source));
}

/** Without the column. */
function lineOf(node: unknown, source: ConfigSource): string {
  return source.where(node).replace(/:\d+$/, "");
}
