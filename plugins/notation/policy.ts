import { FormatError, quoted } from "../signing/format_error.ts";
import { isObject, type JsonObject, parseStrictObject, refuseUnknown } from "../signing/strict_json.ts";
import { parseName } from "./distinguished_name.ts";

/** What is checked of a signature (trust policy specification, "Signature verification details"). */
const CHECKS = ["integrity", "authenticity", "authenticTimestamp", "expiry", "revocation"] as const;

/** One of {@link CHECKS}. */
export type Check = typeof CHECKS[number];

/** What a check that fails does: refuses the signature, is told, or was not made. */
export type Action = "enforce" | "log" | "skip";

/** A statement of a trust policy: how signatures of some repositories are judged. */
export interface Statement {
  name: string;
  /** `registry/repository`, the registry by its usual name, or `*` alone. */
  scopes: readonly string[];
  level: LevelName;
  actions: Readonly<Record<Check, Action>>;
  /** When a timestamp has to be there, if a store of timestamp authorities is named. */
  verifyTimestamp: "always" | "afterCertExpiry";
  stores: readonly TrustStore[];
  /** Whom the first certificate has to be for; one of them suffices. `undefined` is anybody whom the authorities know. */
  identities?: readonly ReadonlyMap<string, string>[];
}

/** What a statement names whose certificates are trusted. */
export interface TrustStore {
  type: "ca" | "signingAuthority" | "tsa";
  name: string;
}

/** The names of levels, and what each does where a check fails. */
const LEVELS = {
  strict: { authenticity: "enforce", authenticTimestamp: "enforce", expiry: "enforce", revocation: "enforce" },
  permissive: { authenticity: "enforce", authenticTimestamp: "log", expiry: "log", revocation: "log" },
  audit: { authenticity: "log", authenticTimestamp: "log", expiry: "log", revocation: "log" },
  skip: { authenticity: "skip", authenticTimestamp: "skip", expiry: "skip", revocation: "skip" },
} as const;

/** `skip` is for those whose signatures are not to be looked at. */
export type LevelName = keyof typeof LEVELS;

/** A repository as a scope has it: `registry[:port]/path`, without tag and digest. */
const SCOPE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?\/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

/** Names of Docker Hub, the usual one first. */
const DOCKER_HUB = ["docker.io", "index.docker.io", "registry-1.docker.io"];

const STORE = /^(ca|signingAuthority|tsa):([a-zA-Z0-9_.-]+)$/;

/**
 * Reads a trust policy document of version 1.0 (trust store and trust policy specification).
 *
 * Certificates are given without the names of their stores, so that a document may name one store of a kind that signs, and one of timestamp
 * authorities: with two, certificates meant for one statement would count for the other.
 *
 * @throws {FormatError} if it breaks a rule
 */
export function readPolicy(text: string): Statement[] {
  const document = parseStrictObject(new TextEncoder().encode(text), "the trust policy");
  if (document.version !== "1.0") throw new FormatError("the trust policy is not of version 1.0");
  const { trustPolicies } = document;
  if (!Array.isArray(trustPolicies) || trustPolicies.length === 0) {
    throw new FormatError("the trust policy has no statements (trustPolicies)");
  }
  const statements = trustPolicies.map(readStatement);
  refuseTwice(statements.map(({ name }) => name), "two statements of the trust policy have the name");
  refuseTwice(statements.flatMap(({ scopes }) => scopes), "two statements of the trust policy are for");
  const stores = statements.flatMap(({ stores }) => stores);
  for (const isTime of [false, true]) {
    const named = new Set(stores.filter(({ type }) => (type === "tsa") === isTime).map((each) => storeName(each)));
    if (named.size <= 1) continue;
    throw new FormatError(
      `the trust policy names several trust stores (${
        [...named].join(", ")
      }), and the certificates that are given have no names`,
    );
  }
  return statements;
}

/** The statement for a repository: the one that names it, by whatever name of its registry, or else that for all. */
export function statementFor(statements: readonly Statement[], repository: string): Statement | undefined {
  const named = (scope: string) => statements.find(({ scopes }) => scopes.includes(scope));
  return named(comparable(repository)) ?? named("*");
}

/**
 * A repository by the one name that stands for all that lead to the same place: by another one it would be left to the statement for all,
 * which may want less.
 */
function comparable(scope: string): string {
  const slash = scope.indexOf("/");
  if (slash < 0) return scope;
  const host = scope.slice(0, slash).toLowerCase().replace(/:0*443$/, "").replace(/:0+(?=\d)/, ":");
  const path = scope.slice(slash + 1);
  if (!DOCKER_HUB.includes(host)) return `${host}/${path}`;
  return `${DOCKER_HUB[0]}/${path.includes("/") ? path : `library/${path}`}`;
}

/** `ca:acme` */
export function storeName({ type, name }: TrustStore): string {
  return `${type}:${name}`;
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new FormatError(`${what} ${quoted(twice)}`);
}

function readStatement(value: unknown): Statement {
  if (!isObject(value)) throw new FormatError("a statement of the trust policy is no object");
  const { name } = value;
  if (typeof name !== "string" || name === "") throw new FormatError("a statement of the trust policy has no name");
  try {
    return { name, ...readParts(value) };
  } catch (error) {
    if (error instanceof FormatError) {
      throw new FormatError(`the statement ${quoted(name)} of the trust policy: ${error.message}`);
    }
    throw error;
  }
}

function readParts(statement: JsonObject): Omit<Statement, "name"> {
  const written = textsOf(statement.registryScopes, "registryScopes");
  if (written.length === 0) throw new FormatError("it has no registryScopes");
  if (written.length > 1 && written.includes("*")) throw new FormatError("`*` does not go with other registryScopes");
  const wrong = written.find((scope) => scope !== "*" && !SCOPE.test(scope));
  if (wrong !== undefined) throw new FormatError(`${quoted(wrong)} is no registry scope: registry/repository, or *`);
  const scopes = written.map(comparable);
  const verification = readVerification(statement.signatureVerification);
  const stores = textsOf(statement.trustStores ?? [], "trustStores").map(readStore);
  const identities = readIdentities(textsOf(statement.trustedIdentities ?? [], "trustedIdentities"));
  if (verification.level === "skip") {
    if (stores.length > 0 || identities.length > 0) {
      throw new FormatError("it trusts somebody, and its level is skip: signatures would not be looked at");
    }
    return { scopes, ...verification, stores, identities: [] };
  }
  if (!stores.some(({ type }) => type !== "tsa")) throw new FormatError("it has no trustStores");
  if (identities.length === 0) throw new FormatError("it has no trustedIdentities");
  const isAnybody = identities.includes("*");
  return {
    scopes,
    ...verification,
    stores,
    ...(!isAnybody && { identities: identities.filter((each) => each !== "*") }),
  };
}

function readVerification(value: unknown): Pick<Statement, "level" | "actions" | "verifyTimestamp"> {
  if (!isObject(value)) throw new FormatError("it has no signatureVerification");
  // One that is mistyped would weaken what is checked.
  refuseUnknown(value, ["level", "override", "verifyTimestamp"], "signatureVerification");
  const { level, override = {}, verifyTimestamp = "always" } = value;
  if (!isLevel(level)) throw new FormatError(`its level is none of ${Object.keys(LEVELS).join(", ")}`);
  if (verifyTimestamp !== "always" && verifyTimestamp !== "afterCertExpiry") {
    throw new FormatError("verifyTimestamp is neither always nor afterCertExpiry");
  }
  if (!isObject(override)) throw new FormatError("override is no object");
  const actions: Record<Check, Action> = { integrity: level === "skip" ? "skip" : "enforce", ...LEVELS[level] };
  for (const [check, action] of Object.entries(override)) {
    if (level === "skip") throw new FormatError("the level skip cannot be overridden");
    if (!isCheck(check) || check === "integrity") throw new FormatError(`${quoted(check)} cannot be overridden`);
    if (action !== "enforce" && action !== "log" && action !== "skip") {
      throw new FormatError(`the override of ${check} is none of enforce, log, skip`);
    }
    if (action === "skip" && check !== "revocation") throw new FormatError(`${check} cannot be skipped`);
    actions[check] = action;
  }
  return { level, actions, verifyTimestamp };
}

function isLevel(value: unknown): value is LevelName {
  return typeof value === "string" && Object.hasOwn(LEVELS, value);
}

function isCheck(value: string): value is Check {
  return CHECKS.some((check) => check === value);
}

function readStore(text: string): TrustStore {
  const [, type, name] = STORE.exec(text) ?? [];
  if (type === "ca" || type === "signingAuthority" || type === "tsa") return { type, name };
  throw new FormatError(`${quoted(text)} is no trust store: ca:NAME, signingAuthority:NAME or tsa:NAME`);
}

function readIdentities(texts: readonly string[]): ("*" | ReadonlyMap<string, string>)[] {
  if (texts.length > 1 && texts.includes("*")) throw new FormatError("`*` does not go with other trustedIdentities");
  const identities = texts.map((text) => {
    if (text === "*") return text;
    const name = /^x509\.subject:(.+)$/s.exec(text)?.[1];
    if (name === undefined) throw new FormatError(`${quoted(text)} is no identity: * or x509.subject: with a name`);
    return parseName(name);
  });
  for (const one of identities) {
    for (const other of identities) {
      if (one === other || one === "*" || other === "*") continue;
      const isWithin = [...one].every(([key, value]) => other.get(key) === value);
      if (isWithin) throw new FormatError("one of its trustedIdentities takes in another one");
    }
  }
  return identities;
}

function textsOf(value: unknown, what: string): string[] {
  if (Array.isArray(value) && value.every((each): each is string => typeof each === "string")) return value;
  throw new FormatError(`${what} is no list of texts`);
}
