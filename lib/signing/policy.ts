import type { CertificateIdentity } from "../plugin/contract.ts";
import { compareSpecificity, type ImageName, matcherOf, type NamePattern } from "./name_pattern.ts";

/** What has to be true of images before they come in, by one configuration file. */
export interface Policy {
  /** Its path. */
  file: string;
  /** Who may have written the files that it names, beside root: the number of a user. `undefined` where there are no users. */
  owner?: number;
  /** Whether plugins of the user may judge for it, and not only those of the host. */
  isOfHost: boolean;
  verify: readonly VerifyRule[];
  /** `undefined` if all names are. */
  allowed?: readonly AllowedName[];
}

/** What signatures images with some names need. */
export interface VerifyRule {
  images: readonly NamePattern[];
  /** Who must have signed; one good signature is enough. `undefined` if nobody has to. */
  signers?: Signers;
  /** Whether `--verify=false` does without. */
  overridable: boolean;
  /** Where it stands: `/etc/satchel/config.yaml:3`. */
  from: string;
}

/** Whose signatures are good, by names of files. */
export interface Signers {
  keys: readonly KeyPlace[];
  identities: readonly CertificateIdentity[];
  /** Path of Sigstore's trusted root. */
  trustedRoot?: string;
  notation?: NotationFiles;
  /** Names of plugins whose word counts. */
  plugins: readonly string[];
  /** Claims that a signature must have. */
  annotations?: { readonly [name: string]: string };
  /** Whether the name that was signed must be that of the image. */
  checkName: boolean;
}

/** What notation is judged by, as paths. */
export interface NotationFiles {
  /** The trust policy. */
  policy: string;
  /** Certificates of its trust stores of authorities. */
  certificates: readonly string[];
  /** Those of its trust stores of timestamp authorities. */
  timestampCertificates: readonly string[];
}

/** A public key: its text (PEM), or the path of a file that has some. */
export type KeyPlace = { text: string; path?: undefined } | { path: string; text?: undefined };

/** A name, or the start of some, that may come in. */
export interface AllowedName {
  pattern: NamePattern;
  /** Where it stands: `/etc/satchel/config.yaml:3`, `--allowed-gadgets`. */
  from: string;
}

/** A rule, and the pattern of it that means an image. */
export interface RuleMatch {
  policy: Policy;
  rule: VerifyRule;
  pattern: NamePattern;
}

/** Why a name may not come in: the list of which none means it. */
export interface Denial {
  /** Where the list stands. */
  from: string;
}

/**
 * The rules that count for an image: of each policy the one whose pattern says most, in whatever order they stand. All of them have to be
 * met, so that no file can take back what another one demands.
 */
export function rulesFor(policies: readonly Policy[], image: ImageName): RuleMatch[] {
  const matches = matcherOf(image);
  return policies.flatMap((policy) => {
    const found = policy.verify.flatMap((rule) =>
      rule.images.filter(matches).map((pattern) => ({ policy, rule, pattern }))
    );
    return found.sort((a, b) => compareSpecificity(a.pattern, b.pattern)).slice(0, 1);
  });
}

/** What lets a name in: one entry of each list, or the first list that has none. */
export function judgeName(
  lists: readonly (readonly AllowedName[])[],
  image: ImageName,
): { allowed: AllowedName[]; denial?: undefined } | { denial: Denial } {
  const matches = matcherOf(image);
  const allowed: AllowedName[] = [];
  for (const list of lists) {
    const found = list.find(({ pattern }) => matches(pattern));
    if (!found) return { denial: { from: list[0]?.from ?? "" } };
    allowed.push(found);
  }
  return { allowed };
}
