import { systemCode } from "../error.ts";
import { fetchTlsOptions, type TlsLookup } from "./tls.ts";

/** What one request sends. Redirects are never followed, and in Bun the body comes as it is on the wire. */
export interface HttpInit {
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array | ReadableStream<Uint8Array>;
  signal?: AbortSignal;
}

/** Sends one request. Throws whatever the runtime throws: {@link describeFetchFailure} reads it. */
export type HttpFetch = (url: string, init: HttpInit) => Promise<Response>;

interface BunHttp {
  fetch: typeof fetch & { preconnect?: (url: string) => void };
}

const { Bun: bun } = globalThis as { Bun?: BunHttp };

/**
 * Whether a `ReadableStream` body goes out with the `Content-Length` that was set, in constant memory. Deno sends it with
 * chunked transfer encoding instead, which many registries do not take.
 */
export const sendsStreamsWithLength: boolean = bun !== undefined;

// Bun's own limit of five minutes would end a long transfer; silence is watched by the caller.
const USUAL: Readonly<Record<string, unknown>> = bun ? { decompress: false, timeout: false } : { duplex: "half" };

/**
 * Makes a fetch that follows no redirect and has no time limit of its own. Each host gets the TLS options that are for it, and
 * no other host does: a client certificate goes to nobody else.
 *
 * @param tls asked once for each host
 */
export function createFetch(tls?: TlsLookup): HttpFetch {
  const known = new Map<string, Promise<Record<string, unknown>>>();

  function tlsOf(url: URL): Promise<Record<string, unknown>> | undefined {
    if (!tls || url.protocol !== "https:") return undefined;
    const found = known.get(url.host);
    if (found) return found;
    const options = tls(url);
    const made = options ? fetchTlsOptions(options) : Promise.resolve({});
    known.set(url.host, made);
    return made;
  }

  return async (address, init) => {
    const url = new URL(address);
    const direct = bun && isLoopback(url.hostname) ? { proxy: false } : undefined;
    const options = { ...USUAL, ...await tlsOf(url), ...direct, ...init, redirect: "manual" } as RequestInit;
    return await fetch(address, options);
  };
}

/**
 * Whether a host is this one. Both runtimes would send requests for it to the proxy of `HTTP_PROXY`, which cannot know it; Go's
 * clients, `ig` among them, never do. Deno has no means against it but `NO_PROXY`.
 */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Opens connections ahead of need, so that as many parallel requests find them ready. A no-op in Deno, which has no means
 * for it. Do not use it through a proxy or with TLS options: the connections would be others than those that fetch uses.
 */
export function preconnect(url: string, count: number): void {
  const connect = bun?.fetch.preconnect;
  if (!connect) return;
  try {
    for (let i = 0; i < count; i++) connect(url);
  } catch {
    // A hint only; the request itself will say what is wrong.
  }
}

/** What kind of failure a rejected fetch, or a body that broke, stands for. */
export type FetchFailure =
  | "refused" // nobody listens there
  | "unknown-host"
  | "plain-http" // TLS was spoken, something else answered
  | "tls-expected" // plain HTTP was spoken, TLS answered
  | "unknown-authority"
  | "wrong-host-name"
  | "expired-certificate"
  | "client-certificate-missing" // the host wants one
  | "client-certificate-refused"
  | "tls" // any other failure to agree on a TLS connection
  | "broken"; // the connection was lost, or anything else that a second try may mend

/** Bun gives codes, Deno only prose: `fetch failed`, with what happened in the cause's message. */
const FAILURES: readonly (readonly [RegExp, FetchFailure])[] = [
  [/ECONNREFUSED|ConnectionRefused|connection refused/i, "refused"],
  [/ENOTFOUND|EAI_|dns error|failed to lookup address/i, "unknown-host"],
  [/TLS handshake failed\. Does the server speak TLS|InvalidContentType|WRONG_VERSION_NUMBER/i, "plain-http"],
  [/invalid HTTP version parsed/i, "tls-expected"],
  [/CERTIFICATE_REQUIRED|CertificateRequired/, "client-certificate-missing"],
  [/ALERT_(?:BAD_CERT|UNKNOWN_CA|CERTIFICATE|UNSUPPORTED_CERT|ACCESS_DENIED)/, "client-certificate-refused"],
  [
    /alert: (?:BadCertificate|UnknownCA|Certificate|UnsupportedCertificate|AccessDenied)/i,
    "client-certificate-refused",
  ],
  [/ALTNAME|NotValidForName|certificate not valid for name|HOSTNAME_MISMATCH/i, "wrong-host-name"],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate.*(?:Expired|NotValidYet|not valid yet)/i, "expired-certificate"],
  [/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|UnknownIssuer|CaUsedAsEndEntity|CERT_UNTRUSTED/i, "unknown-authority"],
  [/EPROTO|ERR_TLS|ERR_SSL|CERT_|peer certificate|received fatal alert|handshake/i, "tls"],
];

/** Tells what a thrown value of fetch means, and its text in one line. */
export function describeFetchFailure(error: unknown): { failure: FetchFailure; text: string } {
  const text = failureText(error);
  const known = FAILURES.find(([pattern]) => pattern.test(text));
  return { failure: known?.[1] ?? "broken", text };
}

function failureText(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const code = systemCode(at);
    if (code !== undefined && !at.message.includes(code)) parts.push(code);
    parts.push(at.message);
  }
  return parts.length > 0 ? parts.join(": ") : String(error);
}
