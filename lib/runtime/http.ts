import { readFileSync } from "node:fs";
import { SatchelError, systemCode } from "../error.ts";

/** How a TLS connection is made. */
export interface TlsOptions {
  /** Certificate authorities, PEM text. In Bun these alone are trusted then, in Deno besides the built-in ones. */
  ca?: string;
}

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

interface DenoHttp {
  createHttpClient(options: { caCerts: string[] }): unknown;
}

const { Bun: bun, Deno: deno } = globalThis as { Bun?: BunHttp; Deno?: DenoHttp };

/**
 * Whether a `ReadableStream` body goes out with the `Content-Length` that was set, in constant memory. Deno sends it with
 * chunked transfer encoding instead, which many registries do not take.
 */
export const sendsStreamsWithLength: boolean = bun !== undefined;

/** Makes a fetch that follows no redirect, has no time limit of its own, and uses these TLS options. */
export function createFetch(options: TlsOptions = {}): HttpFetch {
  const extra = bun ? bunOptions(options) : denoOptions(options);
  return (url, init) => {
    const direct = bun && isLoopback(new URL(url).hostname) ? { proxy: false } : undefined;
    return fetch(url, { ...extra, ...direct, ...init, redirect: "manual" } as RequestInit);
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

function bunOptions({ ca }: TlsOptions): Record<string, unknown> {
  // Bun's own limit of five minutes would end a long transfer; silence is watched by the caller.
  const options: Record<string, unknown> = { decompress: false, timeout: false };
  if (ca !== undefined) options.tls = { ca };
  return options;
}

function denoOptions({ ca }: TlsOptions): Record<string, unknown> {
  if (!deno || ca === undefined) return { duplex: "half" };
  return { client: deno.createHttpClient({ caCerts: [ca] }), duplex: "half" };
}

/**
 * The options that make connections trust the authorities in a PEM file, which `SSL_CERT_FILE` names. Bun heeds that variable
 * by itself, so there are none then.
 *
 * @throws {SatchelError} `usage` if the file cannot be read
 */
export function tlsFromCaFile(path: string): TlsOptions | undefined {
  if (bun) return undefined;
  try {
    return { ca: readFileSync(path, "utf8") };
  } catch (cause) {
    throw new SatchelError("usage", `cannot read the certificates of SSL_CERT_FILE, ${path}`, { cause });
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
  | "tls" // any other failure to agree on a TLS connection
  | "broken"; // the connection was lost, or anything else that a second try may mend

/** Bun gives codes, Deno only prose: `fetch failed`, with what happened in the cause's message. */
const FAILURES: readonly (readonly [RegExp, FetchFailure])[] = [
  [/ECONNREFUSED|ConnectionRefused|connection refused/i, "refused"],
  [/ENOTFOUND|EAI_|dns error|failed to lookup address/i, "unknown-host"],
  [/TLS handshake failed\. Does the server speak TLS|InvalidContentType|WRONG_VERSION_NUMBER/i, "plain-http"],
  [/invalid HTTP version parsed/i, "tls-expected"],
  [/ALTNAME|NotValidForName|HOSTNAME_MISMATCH/i, "wrong-host-name"],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate.*(?:Expired|NotValidYet)/i, "expired-certificate"],
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
