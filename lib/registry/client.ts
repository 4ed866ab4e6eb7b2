import { SatchelError, throwIfCancelled } from "../error.ts";
import { registryHost } from "../oci/mod.ts";
import { createFetch, preconnect } from "../runtime/mod.ts";
import { createAuthorizer } from "./authorization.ts";
import { type Exchange, exchange, type ExchangeOptions } from "./exchange.ts";
import type { RegistryOptions } from "./options.ts";
import { followUrl, headersFor, isRedirect, MAX_REDIRECTS } from "./redirect.ts";
import { discard, registryError } from "./registry_error.ts";
import { retrying, type RetryPolicy } from "./retry.ts";
import { pullScope, pushScope, type Scope } from "./scope.ts";
import { onceEach, parseWarnings } from "./warning.ts";

/** One request to a registry. */
export interface RequestSpec {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Makes the body, anew for every time that the request is sent. */
  body?: () => Uint8Array | ReadableStream<Uint8Array>;
  /** What a token for it must allow. */
  scopes: readonly Scope[];
  /** The statuses that the caller deals with; any other becomes an error. */
  accept: readonly number[];
  signal?: AbortSignal;
  /** The longest silence, in milliseconds, where it is not the usual one. */
  idleTimeout?: number;
}

/** Sends requests of one repository: authenticated, redirected and retried by the rules of this folder. */
export interface Client {
  /** The registry's base URL, `https://ghcr.io/`. */
  readonly registry: URL;
  readonly policy: RetryPolicy;
  /** The longest silence, in milliseconds. */
  readonly idleTimeout: number;
  /** Passes on what the user should know, each message once. */
  readonly warn: (message: string) => void;

  /** A URL of the repository's API: `manifests/latest`. */
  url(path: string): URL;
  /** What reading needs. */
  readonly pull: readonly Scope[];
  /** What writing needs. */
  readonly push: readonly Scope[];

  /**
   * Sends a request once, without retries. The caller disposes of the exchange.
   *
   * @throws {SatchelError} for every status that is not in `accept`
   */
  send(spec: RequestSpec): Promise<Exchange>;

  /** Sends a request, with retries, and reads the answer inside of them, so that a broken body is asked for again. */
  request<T>(spec: RequestSpec, read: (exchange: Exchange) => Promise<T> | T): Promise<T>;
}

const DEFAULT_IDLE_TIMEOUT = 60_000;
const DEFAULT_RETRIES = 5;
const DEFAULT_RETRY_DELAY = 200;

/** How many connections are opened ahead of need: an index of two platforms and all that may refer to it take 17 requests. */
const DEFAULT_CONNECTIONS = 16;

/** A request is sent at most this often because of 401: without a token, with one that turned out to be old, with one. */
const MAX_AUTHORIZATIONS = 3;

/** Makes the client of one repository. */
export function createClient(
  { registry: name, repository }: { registry: string; repository: string },
  options: RegistryOptions,
): Client {
  const registry = new URL(`${options.plainHttp ? "http" : "https"}://${registryHost(name)}/`);
  const warn = onceEach(options.onWarning);
  const policy: RetryPolicy = {
    retries: options.retries ?? DEFAULT_RETRIES,
    firstDelay: options.retryDelay ?? DEFAULT_RETRY_DELAY,
    onRetry: options.onRetry,
  };
  const base = {
    fetch: createFetch(options.tls),
    idleTimeout: options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT,
    policy,
    userAgent: options.userAgent ?? "satchel",
    log: options.log,
  };
  const subject = { registry: name, repository };
  const authorizer = createAuthorizer({ ...base, registry, subject, credentials: options.credentials });
  const push = [pushScope(repository)];
  const pull = options.access === "push" ? push : [pullScope(repository)];
  if (!options.tls) preconnect(registry.href, options.connections ?? DEFAULT_CONNECTIONS);

  async function send(spec: RequestSpec): Promise<Exchange> {
    let rejected: string | undefined;
    for (let round = 1;; round++) {
      throwIfCancelled(spec.signal);
      const isOwn = spec.url.origin === registry.origin;
      const authorization = isOwn ? await authorizer.authorization(spec.scopes, spec.signal) : undefined;
      const sent = await sendFollowing(spec, authorization);
      const { response, url } = sent;
      for (const text of parseWarnings(response.headers.get("warning"))) warn(`${url.host} says: ${text}`);
      if (spec.accept.includes(response.status)) return sent;
      if (response.status !== 401 || round === MAX_AUTHORIZATIONS) throw await failure(sent);
      await rejectForeign(sent);
      const fresh = round > 1 && authorization !== rejected;
      const header = response.headers.get("www-authenticate");
      try {
        if (!await authorizer.challenged(header, spec.scopes, authorization, fresh)) throw await failure(sent);
      } catch (error) {
        sent[Symbol.dispose]();
        throw error;
      }
      await discard(sent);
      rejected = authorization;
    }
  }

  /** Credentials are for the registry and its token service alone: nobody else's challenge is answered. */
  async function rejectForeign(sent: Exchange): Promise<void> {
    if (sent.url.origin === registry.origin) return;
    const error = await registryError(sent);
    throw new SatchelError("denied", `${registry.host} refers to ${sent.url.host}, which refuses: ${error.message}`);
  }

  async function failure(sent: Exchange): Promise<SatchelError> {
    const error = await registryError(sent);
    if (error.code !== "denied" || error.hint !== undefined) return error;
    return new SatchelError("denied", error.message, { hint: await authorizer.loginHint() });
  }

  async function sendFollowing(spec: RequestSpec, authorization: string | undefined): Promise<Exchange> {
    let headers: Record<string, string> = {
      // A transfer in another encoding would hide its length, and a digest is of the bytes as they are.
      "accept-encoding": "identity",
      "user-agent": base.userAgent,
      ...spec.headers,
    };
    if (authorization !== undefined) headers.authorization = authorization;
    let url = spec.url;
    for (let redirects = 0;; redirects++) {
      const sent = await sendLogged(spec, url, headers);
      if (!isRedirect(sent.response.status, spec.method) || spec.accept.includes(sent.response.status)) return sent;
      const location = sent.response.headers.get("location");
      await discard(sent);
      if (location === null) throw new SatchelError("registry", `${url.host} redirects without saying where to`);
      if (redirects === MAX_REDIRECTS) {
        throw new SatchelError(
          "registry",
          `${spec.method} ${spec.url.pathname} at ${spec.url.host}: more than ${MAX_REDIRECTS} redirects, the last at ${url.host}`,
        );
      }
      const next = followUrl(location, url, "a redirect");
      headers = headersFor(headers, url, next);
      url = next;
    }
  }

  async function sendLogged(spec: RequestSpec, url: URL, headers: Record<string, string>): Promise<Exchange> {
    const started = performance.now();
    const exchangeOptions: ExchangeOptions = { ...base, signal: spec.signal };
    if (spec.idleTimeout !== undefined) exchangeOptions.idleTimeout = spec.idleTimeout;
    const body = spec.body?.();
    const line = `${spec.method} ${loggable(url)}`;
    try {
      const sent = await exchange(url, { method: spec.method, headers, ...(body ? { body } : {}) }, exchangeOptions);
      base.log?.(`${line} ${sent.response.status} ${Math.round(performance.now() - started)} ms`);
      return sent;
    } catch (error) {
      base.log?.(`${line} failed: ${(error as Error).message}`);
      throw error;
    }
  }

  return {
    registry,
    policy,
    idleTimeout: base.idleTimeout,
    warn,
    pull,
    push,
    url: (path) => new URL(`v2/${repository}/${path}`, registry),
    send,
    async request(spec, read) {
      return await retrying(policy, spec.signal, async () => {
        using sent = await send(spec);
        const result = await read(sent);
        // What the reader left of a short body is taken, so that the connection serves the next request.
        await discard(sent);
        return result;
      });
    },
  };
}

/** Parameters of the distribution API that are no secrets. Upload locations and storage hosts have others that are. */
const PUBLIC_PARAMETERS: readonly string[] = ["digest", "mount", "from", "n", "last", "artifactType"];

function loggable(url: URL): string {
  const shown = [...url.searchParams].map(([name, value]) =>
    PUBLIC_PARAMETERS.includes(name) ? `${name}=${value}` : `${name}=...`
  );
  return `${url.origin}${url.pathname}${shown.length > 0 ? `?${shown.join("&")}` : ""}`;
}
