import { hasCode, type Obstacle, SatchelError } from "../error.ts";
import { type Credential, type CredentialLookup, withoutSecrets } from "../credential.ts";
import { printable } from "../printable.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { followUrl } from "./redirect.ts";
import { covers, mergeScopes, parseScopes, type Scope } from "./scope.ts";
import { singleFlight } from "./single_flight.ts";
import {
  basicAuthorization,
  isToken,
  requestToken,
  type Token,
  type TokenOptions,
  type TokenService,
} from "./token.ts";

/** Knows how to authenticate to one registry, on behalf of one repository. */
export interface Authorizer {
  /**
   * The value of `Authorization` for a request that needs these scopes; `undefined` as long as the registry asked for none.
   */
  authorization(scopes: readonly Scope[], signal?: AbortSignal): Promise<string | undefined>;

  /**
   * Takes in a 401.
   *
   * @param header `WWW-Authenticate`
   * @param scopes what the request needs
   * @param rejected the value that was sent and refused
   * @param fresh whether that value was made for this very request, so that making it again will not help
   * @param signal ends the look-up of the account
   * @returns whether {@link Authorizer.authorization} now gives another value that is worth a try
   * @throws {SatchelError} `denied` if the header names no way that is known; `refused` for a realm that must not be asked
   */
  challenged(
    header: string | null,
    scopes: readonly Scope[],
    rejected: string | undefined,
    fresh: boolean,
    signal?: AbortSignal,
  ): Promise<boolean>;

  /** What stands in the way where a registry refuses: there is no account, or it is not good for this. */
  obstacle(): Promise<Obstacle>;

  /** A text of the registry's without what it was sent: it may repeat that. */
  clean(text: string): string;
}

/** What an {@link Authorizer} needs to know. */
export interface AuthorizerOptions extends TokenOptions {
  /** For the look-up of the account: the registry as the user named it, and the repository. */
  subject: { registry: string; repository: string };
  credentials?: CredentialLookup;
}

type Scheme = { kind: "basic" } | { kind: "bearer"; service: TokenService; extra: readonly Scope[] };

/** Makes the authorizer of one repository. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { registry, subject } = options;
  let scheme: Scheme | undefined;
  /** What the look-up said; `undefined` before. */
  let known: { account: Credential | undefined } | undefined;
  let tokens: Token[] = [];
  /** The value that was refused last: it may be good elsewhere. */
  let refused: string | undefined;
  const flights = singleFlight<Token>();
  const lookUps = singleFlight<Credential | undefined>();

  async function credential(signal?: AbortSignal): Promise<Credential | undefined> {
    const { credentials } = options;
    if (!known && !credentials) known = { account: undefined };
    known ??= {
      account: await lookUps("", signal, async (shared) => await credentials?.(subject, { signal: shared })),
    };
    return known.account;
  }

  async function bearer(
    { service, extra }: Extract<Scheme, { kind: "bearer" }>,
    scopes: readonly Scope[],
    signal?: AbortSignal,
  ): Promise<string> {
    const account = await credential(signal);
    if (account?.registryToken !== undefined) return `Bearer ${checkedToken(account.registryToken, subject)}`;
    const now = performance.now();
    tokens = tokens.filter((token) => token.expires > now);
    const held = tokens.find((token) => covers(token.scopes, scopes));
    if (held) return `Bearer ${held.value}`;
    const wanted = mergeScopes(scopes, extra);
    const token = await flights(
      JSON.stringify([service.realm.href, service.service, wanted]),
      signal,
      (shared) =>
        requestToken(service, wanted, account, options, shared).catch(async (error) => {
          throw await withObstacle(error);
        }),
    );
    if (!tokens.includes(token)) tokens.push(token);
    return `Bearer ${token.value}`;
  }

  async function obstacle(): Promise<Obstacle> {
    const reason = await credential() ? "account-refused" : "account-missing";
    const byPlainHttp = registry.protocol === "http:";
    return { reason, role: options.roleOf(registry), host: subject.registry, byPlainHttp };
  }

  /** A token service that refuses does so for the registry. */
  async function withObstacle(error: unknown): Promise<unknown> {
    if (!hasCode(error, "denied") || error.hint !== undefined || error.obstacle) return error;
    return new SatchelError("denied", error.message, { obstacle: await obstacle(), cause: error });
  }

  return {
    async authorization(scopes, signal) {
      if (!scheme) return undefined;
      if (scheme.kind === "bearer") return await bearer(scheme, scopes, signal);
      const account = await credential(signal);
      if (account?.username === undefined || account.password === undefined) return undefined;
      return basicAuthorization(account.username, account.password);
    },

    async challenged(header, scopes, rejected, fresh, signal) {
      refused = rejected;
      const challenges = readChallenges(header, registry);
      const account = await credential(signal);
      const bearerChallenge = challenges.find((challenge) => challenge.scheme === "bearer");
      if (!bearerChallenge) {
        scheme = { kind: "basic" };
        return account?.username !== undefined && account.password !== undefined && !rejected?.startsWith("Basic ");
      }
      if (rejected !== undefined) tokens = tokens.filter((token) => `Bearer ${token.value}` !== rejected);
      const earlier = scheme?.kind === "bearer" ? scheme.extra : [];
      const asked = parseScopes(bearerChallenge.parameters.get("scope") ?? "");
      const unforeseen = asked.filter((scope) => !covers([...scopes, ...earlier], [scope]));
      const service = tokenService(bearerChallenge, registry);
      scheme = { kind: "bearer", service, extra: mergeScopes(earlier, unforeseen) };
      if (rejected === undefined) return true;
      return account?.registryToken === undefined && (!fresh || unforeseen.length > 0);
    },

    obstacle,

    clean(text) {
      const own = withoutSecrets(text, known?.account ?? {});
      const sent = [...tokens.map(({ value }) => value), refused?.replace(/^\w+ /, "")];
      return sent.reduce<string>((rest, registryToken) => withoutSecrets(rest, { registryToken }), own);
    },
  };
}

function checkedToken(token: string, { registry }: { registry: string }): string {
  if (isToken(token)) return token;
  throw new SatchelError("denied", `The token that is known for ${registry} has characters that no token has`);
}

/**
 * The challenges of a 401 that can be answered.
 *
 * @throws {SatchelError} `denied` if there are none
 */
function readChallenges(header: string | null, registry: URL): Challenge[] {
  const challenges = parseChallenges(header ?? "");
  if (challenges.length === 0) {
    throw new SatchelError("denied", `${registry.host} answers HTTP 401 and does not say how to log in`, {
      hint: header === null ? "It sends no WWW-Authenticate header: is this really a registry?" : undefined,
    });
  }
  const known = challenges.filter(({ scheme }) => scheme === "bearer" || scheme === "basic");
  if (known.length > 0) return known;
  const offered = challenges.slice(0, 5).map(({ scheme }) => printable(scheme, 30)).join(", ");
  throw new SatchelError("denied", `${registry.host} wants a way to log in that is not known here: ${offered}`);
}

/**
 * The token service that a challenge names. Its realm must be https, unless the registry itself was named insecure.
 *
 * @throws {SatchelError} `refused`, `registry`
 */
function tokenService({ parameters }: Challenge, registry: URL): TokenService {
  const text = parameters.get("realm");
  if (text === undefined || text === "") {
    throw new SatchelError("registry", `${registry.host} wants a token and does not name its token service (realm)`);
  }
  const realm = followUrl(text, registry, "a token service's address (realm)");
  const service = parameters.get("service");
  return service === undefined ? { realm } : { realm, service };
}
