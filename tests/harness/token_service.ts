import { ACCOUNT } from "./accounts.ts";
import type { Certificates } from "./certificates.ts";

/** What somebody asked the service for. */
export interface TokenRequest {
  method: string;
  /** Who asked: the account's name, or `undefined` for nobody. */
  account?: string;
  /** `refresh_token` or `password` for POST. */
  grant?: string;
  /** One scope an entry, `repository:demo/gadget:pull,push`. */
  scopes: string[];
  status: number;
}

/** What the service knows of an account. */
export interface TokenAccount {
  password: string;
  /** Actions that it may do on any repository. */
  actions: readonly string[];
}

/** What a token allows on one repository. */
export interface Access {
  type: string;
  name: string;
  actions: readonly string[];
}

/** Options of {@link startTokenService}. */
export interface TokenServiceOptions {
  accounts?: Record<string, TokenAccount>;
  /** What somebody without an account may do. Default: nothing, then such a request is answered by 401. */
  anonymous?: readonly string[];
  tls?: Certificates;
}

/**
 * The token service of a registry: signs real JWTs (ES256) for distribution's token authentication, over GET
 * ("Token Authentication Specification") and POST ("OAuth2 Token Authentication"). `await using` ends it.
 */
export interface TokenService extends AsyncDisposable {
  /** Where clients ask for tokens. */
  realm: string;
  service: string;
  issuer: string;
  /** The public key as a JSON Web Key Set, for the registry. */
  keys: string;
  requests: TokenRequest[];
  /** Seconds from now until a token that is signed from now on ends; negative: it has ended already. Default: 300. */
  lifetime: number;
  /** The same for the next tokens that are asked for, in order, before {@link lifetime} counts. */
  nextLifetimes: number[];
  /** Seconds that `expires_in` says, whatever {@link lifetime} is. Default: 300. */
  announced: number;
  /** Signs a token for a request of the test's own. */
  sign(account: string, access: readonly Access[]): Promise<string>;
  /** Takes back every refresh token that was given out. */
  revoke(): void;
}

/** A registry's accounts unless a test says otherwise: one who may do everything. */
const ACCOUNTS: Record<string, TokenAccount> = {
  [ACCOUNT.username]: { password: ACCOUNT.password, actions: ["pull", "push", "delete"] },
};

/** Starts a token service on a port of its own. */
export async function startTokenService(options: TokenServiceOptions = {}): Promise<TokenService> {
  const { accounts = ACCOUNTS, anonymous = [], tls } = options;
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const key = { ...await crypto.subtle.exportKey("jwk", pair.publicKey), kid: crypto.randomUUID(), alg: "ES256" };
  const refreshTokens = new Map<string, string>();

  const state: Omit<TokenService, "realm" | typeof Symbol.asyncDispose> = {
    service: "test-registry",
    issuer: "test-issuer",
    keys: JSON.stringify({ keys: [{ ...key, use: "sig", key_ops: ["verify"] }] }),
    requests: [],
    lifetime: 300,
    nextLifetimes: [],
    announced: 300,
    sign,
    revoke: () => refreshTokens.clear(),
  };

  async function sign(account: string, access: readonly Access[], lifetime = state.lifetime): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: state.issuer,
      sub: account,
      aud: state.service,
      iat: now - 600,
      nbf: now - 600,
      exp: now + lifetime,
      jti: crypto.randomUUID(),
      access,
    };
    const body = `${base64url(JSON.stringify({ typ: "JWT", alg: "ES256", kid: key.kid }))}.${
      base64url(JSON.stringify(claims))
    }`;
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, pair.privateKey, new TextEncoder().encode(body));
    return `${body}.${base64url(new Uint8Array(signature))}`;
  }

  function newRefreshToken(account: string): string {
    const token = crypto.randomUUID();
    refreshTokens.set(token, account);
    return token;
  }

  async function answer(request: Request): Promise<Response> {
    const asked = request.method === "POST" ? await readForm(request) : readQuery(request);
    const { grant, scopes, refreshToken, offline } = asked;
    const account = refreshToken === undefined ? asked.account : refreshTokens.get(refreshToken);
    const known = account !== undefined && accounts[account] !== undefined &&
      (refreshToken !== undefined || accounts[account].password === asked.password);
    const actions = known ? accounts[account].actions : account === undefined && grant === undefined ? anonymous : [];
    const status = known || actions.length > 0 ? 200 : 401;
    state.requests.push({ method: request.method, account, grant, scopes, status });
    if (status === 401) {
      return Response.json({ errors: [{ code: "UNAUTHORIZED", message: "unknown account" }] }, { status });
    }
    const granted = scopes.map((scope) => access(scope, actions)).filter(({ name }) => name);
    const token = await sign(account ?? "", granted, state.nextLifetimes.shift());
    return Response.json({
      ...(grant === undefined ? { token } : { access_token: token, scope: scopes.join(" ") }),
      expires_in: state.announced,
      issued_at: new Date().toISOString(),
      ...(offline && account !== undefined && { refresh_token: refreshToken ?? newRefreshToken(account) }),
    });
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    ...(tls && { cert: await Deno.readTextFile(tls.certificate), key: await Deno.readTextFile(tls.key) }),
  }, answer);
  return Object.assign(state, {
    realm: `${tls ? "https://localhost" : "http://127.0.0.1"}:${server.addr.port}/token`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

interface Asked {
  account?: string;
  password?: string;
  refreshToken?: string;
  grant?: string;
  scopes: string[];
  offline: boolean;
}

function readQuery(request: Request): Asked {
  const { searchParams } = new URL(request.url);
  const basic = /^Basic (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const [account, ...password] = basic === undefined ? [] : atob(basic).split(":");
  return {
    account,
    password: password.join(":"),
    scopes: splitScopes(searchParams.getAll("scope")),
    offline: searchParams.get("offline_token") === "true",
  };
}

async function readForm(request: Request): Promise<Asked> {
  const form = new URLSearchParams(await request.text());
  return {
    account: form.get("username") ?? undefined,
    password: form.get("password") ?? undefined,
    refreshToken: form.get("refresh_token") ?? undefined,
    grant: form.get("grant_type") ?? "",
    scopes: splitScopes(form.getAll("scope")),
    offline: form.get("access_type") === "offline" || form.has("refresh_token"),
  };
}

function splitScopes(values: string[]): string[] {
  return values.flatMap((value) => value.split(" ")).filter((scope) => scope !== "");
}

function access(scope: string, allowed: readonly string[]): Access {
  const [type, ...rest] = scope.split(":");
  const actions = (rest.pop() ?? "").split(",").filter((action) => allowed.includes(action));
  return { type, name: rest.join(":"), actions };
}

function base64url(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
