import { type HostRole, SatchelError, throwIfCancelled } from "../error.ts";
import { registryHost } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { createFetch, preconnect } from "../runtime/mod.ts";
import { type Authorizer, createAuthorizer } from "./authorization.ts";
import { discard } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { loggedExchange, type LoggedOptions } from "./log.ts";
import type { RegistryOptions } from "./options.ts";
import { follow, mayCarryCredentials } from "./redirect.ts";
import { registryError } from "./registry_error.ts";
import { markedLike, retrying, type RetryPolicy } from "./retry.ts";
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

/**
 * How many connections are opened ahead of need: an index of two platforms and all that may refer to it take 17 requests. Over a
 * link of 50 ms, a pull of such a gadget took 319 ms (medians of 11), with 12 of them 355, with 8 368, with 6 403: whatever finds
 * none ready waits for a round trip more. An image of 12 small layers: 307, 311, 345, 354 ms. A local server with a listen backlog
 * of 5 that accepts in a thread of its own took no longer with 16 than with 6 (medians of 9).
 */
const DEFAULT_CONNECTIONS = 16;

/** The highest port of TCP. */
const MAX_PORT = 65_535;

/** A request is sent at most this often because of 401: without a token, with one that turned out to be old, with one. */
const MAX_AUTHORIZATIONS = 3;

/** What requests of one repository have in common. */
interface Connection {
  registry: URL;
  userAgent: string;
  transport: LoggedOptions;
  authorizer: Authorizer;
  warn: (message: string) => void;
}

/**
 * Makes the client of one repository.
 *
 * @throws {SatchelError} `usage` if the registry's name, though well-formed, is no address
 */
export function createClient(
  { registry: name, repository }: { registry: string; repository: string },
  options: RegistryOptions,
): Client {
  const registry = baseUrl(name, options.plainHttp ? "http" : "https");
  const policy: RetryPolicy = {
    retries: options.retries ?? DEFAULT_RETRIES,
    firstDelay: options.retryDelay ?? DEFAULT_RETRY_DELAY,
    onRetry: (message) => options.onRetry?.(authorizer.clean(message)),
  };
  const tls = options.tls?.(registry);
  const transport: LoggedOptions = {
    fetch: createFetch(tls),
    tls,
    proxied: options.proxied,
    idleTimeout: options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT,
    slowest: options.slowest,
    hasAlternative: options.standsFor !== undefined,
    log: options.log,
    clean: (text) => authorizer.clean(text),
    registry,
    roleOf: (url) => roleOf(url, registry, options),
  };
  const userAgent = options.userAgent ?? "satchel";
  const subject = { registry: name, repository };
  const { credentials } = options;
  const authorizer: Authorizer = createAuthorizer({ ...transport, policy, userAgent, subject, credentials });
  const warn = onceEach(options.onWarning);
  const push = [pushScope(repository)];
  const pull = options.access === "push" ? push : [pullScope(repository)];
  const connection: Connection = { registry, userAgent, transport, authorizer, warn };
  // What is opened ahead knows neither TLS options nor a proxy.
  const isPlain = options.plainHttp || tls?.(registry) === undefined;
  if (isPlain && !options.proxied) preconnect(registry.href, options.connections ?? DEFAULT_CONNECTIONS);

  return {
    registry,
    policy,
    idleTimeout: transport.idleTimeout,
    warn,
    pull,
    push,
    url(path) {
      const url = new URL(`v2/${repository}/${path}`, registry);
      if (options.standsFor !== undefined) url.searchParams.set("ns", options.standsFor);
      return url;
    },
    send: (spec) => withoutSent(authorizer, () => sendAuthorized(connection, spec)),
    request: (spec, read) =>
      withoutSent(authorizer, () =>
        retrying(policy, spec.signal, async () => {
          using sent = await sendAuthorized(connection, spec);
          const result = await read(sent);
          // What the reader left of a short body is taken, so that the connection serves the next request.
          await discard(sent);
          return result;
        })),
  };
}

/** A server may repeat what was sent to it in whatever an error quotes: a header, an address, a member of a manifest. */
async function withoutSent<T>({ clean }: Authorizer, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    const message = clean(error.message);
    const hint = error.hint === undefined ? undefined : clean(error.hint);
    if (message === error.message && hint === error.hint) throw error;
    // Without its cause, which quotes the same.
    throw markedLike(new SatchelError(error.code, message, { hint, obstacle: error.obstacle }), error);
  }
}

function baseUrl(name: string, scheme: "http" | "https"): URL {
  const host = registryHost(name);
  try {
    return new URL(`${scheme}://${host}/`);
  } catch (cause) {
    const port = Number(/:(\d+)$/.exec(host)?.[1] ?? 0);
    const reason = port > MAX_PORT
      ? `port ${port} is above ${MAX_PORT}`
      : "this is neither a host name nor an IP address";
    throw new SatchelError("usage", `No registry can be at ${printable(host, 255)}: ${reason}`, { cause });
  }
}

function roleOf(url: URL, registry: URL, { standsFor }: RegistryOptions): HostRole {
  if (url.origin !== registry.origin) return "other";
  return standsFor === undefined ? "registry" : "mirror";
}

/** Sends a request until the registry takes its authorization, or has no reason to take another. */
async function sendAuthorized(connection: Connection, spec: RequestSpec): Promise<Exchange> {
  const { registry, authorizer, warn } = connection;
  let rejected: string | undefined;
  for (let round = 1;; round++) {
    throwIfCancelled(spec.signal);
    const authorization = mayCarryCredentials(spec.url, registry)
      ? await authorizer.authorization(spec.scopes, spec.signal)
      : undefined;
    const sent = await sendOnce(connection, spec, authorization);
    const { response, url } = sent;
    for (const text of parseWarnings(response.headers.get("warning"))) {
      warn(`${url.host} says: ${authorizer.clean(text)}`);
    }
    if (spec.accept.includes(response.status)) return sent;
    if (response.status !== 401 || round === MAX_AUTHORIZATIONS) throw await failure(connection, sent);
    if (!mayCarryCredentials(url, registry)) throw await foreignRefusal(connection, sent);
    const fresh = round > 1 && authorization !== rejected;
    const header = response.headers.get("www-authenticate");
    try {
      const isWorthATry = await authorizer.challenged(header, spec.scopes, authorization, fresh, spec.signal);
      if (!isWorthATry) throw await failure(connection, sent);
    } catch (error) {
      sent[Symbol.dispose]();
      throw error;
    }
    await discard(sent);
    rejected = authorization;
  }
}

/** Sends a request with this authorization, and on where the answer redirects it to. */
async function sendOnce(
  { userAgent, transport }: Connection,
  spec: RequestSpec,
  authorization: string | undefined,
): Promise<Exchange> {
  const { method, url, signal, accept } = spec;
  const headers: Record<string, string> = {
    // A transfer in another encoding would hide its length, and a digest is of the bytes as they are.
    "accept-encoding": "identity",
    "user-agent": userAgent,
    ...spec.headers,
  };
  if (authorization !== undefined) headers.authorization = authorization;
  const options = { ...transport, signal, idleTimeout: spec.idleTimeout ?? transport.idleTimeout };
  return await follow({ method, url, headers }, (at, carried) => {
    const body = spec.body?.();
    return loggedExchange(at, { method, headers: carried, ...(body ? { body } : {}) }, options);
  }, accept);
}

async function failure({ authorizer }: Connection, sent: Exchange): Promise<SatchelError> {
  const error = await registryError(sent, authorizer.clean);
  if (error.code !== "denied" || error.hint !== undefined) return error;
  return new SatchelError("denied", error.message, { obstacle: await authorizer.obstacle() });
}

async function foreignRefusal({ registry, authorizer }: Connection, sent: Exchange): Promise<SatchelError> {
  const error = await registryError(sent, authorizer.clean);
  return new SatchelError("denied", `${registry.host} refers to ${sent.url.host}, which refuses: ${error.message}`);
}
