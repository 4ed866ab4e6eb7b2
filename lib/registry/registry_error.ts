import { type ErrorCode, type Obstacle, SatchelError } from "../error.ts";
import { isJsonObject, parseJson } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { shownPath } from "./address.ts";
import { readLast } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { asTransient, isTransientStatus, MAX_RETRY_AFTER, parseRetryAfter } from "./retry.ts";

/** The most that is read of an error's body, in bytes. */
const MAX_ERROR_BODY = 64 * 1024;

/** The most entries of `errors` that are shown. */
const MAX_SHOWN = 5;

/** The most of a text of the registry's that is shown, in UTF-16 units. */
const MAX_TEXT = 300;

/** One entry of a registry's error body (distribution-spec 1.1, "Error Codes"). */
interface ErrorEntry {
  code?: string;
  message?: string;
  detail?: string;
}

/** The statuses of the errors that were made here. */
const statuses = new WeakMap<SatchelError, number>();

/** The HTTP status that an error stands for, if it is a registry's. */
export function httpStatus(error: unknown): number | undefined {
  return error instanceof SatchelError ? statuses.get(error) : undefined;
}

/**
 * Turns an answer that was not asked for into an error: what was asked for, the HTTP status, and code, message and detail as
 * the registry gives them.
 *
 * @param clean takes secrets out of what the registry says, which may be what it was sent
 */
export async function registryError(exchange: Exchange, clean: (text: string) => string): Promise<SatchelError> {
  const { response, url, method } = exchange;
  const { status } = response;
  const body = await readLast(exchange, MAX_ERROR_BODY);
  const type = (response.headers.get("content-type") ?? "").toLowerCase();
  const entries = body ? parseErrors(body, clean) : [];
  const said = entries.length > 0 ? formatErrors(entries) : describeBody(body, type, clean);
  const what = `${method} ${shownPath(url, clean, MAX_TEXT)} at ${url.host}`;
  const reason = printable(clean(response.statusText), MAX_TEXT);
  const message = `${what}: HTTP ${status}${reason ? ` ${reason}` : ""}${said ? `: ${said}` : ""}`;
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  const error = new SatchelError(errorCode(status, entries), message, {
    hint: hintFor(exchange, retryAfter),
    obstacle: obstacleFor(exchange, body),
  });
  statuses.set(error, status);
  return isTransientStatus(status) ? asTransient(error, retryAfter) : error;
}

function errorCode(status: number, entries: readonly ErrorEntry[]): ErrorCode {
  if (status === 401 || status === 403) return "denied";
  if (status === 404 || status === 410) return "not-found";
  const codes = entries.map((entry) => entry.code);
  if (codes.includes("NAME_UNKNOWN") || codes.includes("MANIFEST_UNKNOWN")) return "not-found";
  if (codes.includes("DENIED") || codes.includes("UNAUTHORIZED")) return "denied";
  return "registry";
}

function hintFor({ response, url }: Exchange, retryAfter?: number): string | undefined {
  if (retryAfter !== undefined && retryAfter > MAX_RETRY_AFTER) {
    return `${url.host} asks to wait for ${Math.ceil(retryAfter / 1000)} s.`;
  }
  if (response.status === 429) return `${url.host} limits how often it is asked; an account may raise that limit.`;
  return undefined;
}

function obstacleFor({ response, url, role }: Exchange, body: Uint8Array | undefined): Obstacle | undefined {
  // The words of Go's net/http, which most registries are written with.
  const isPlain = response.status === 400 && body !== undefined &&
    decode(body).includes("HTTP request to an HTTPS server");
  return isPlain ? { reason: "tls-expected", role, host: url.host } : undefined;
}

function parseErrors(body: Uint8Array, clean: (text: string) => string): ErrorEntry[] {
  let json: unknown;
  try {
    json = parseJson(body, "the error");
  } catch {
    return [];
  }
  if (!isJsonObject(json)) return [];
  if (Array.isArray(json.errors)) return json.errors.filter(isJsonObject).map((each) => parseEntry(each, clean));
  // Token services and proxies: {"error": "...", "error_description": "..."}, {"message": "..."}, {"details": "..."}.
  const { error, message, error_description: description, details } = json;
  const entry = parseEntry({ code: error, message: message ?? description ?? details }, clean);
  return entry.code || entry.message ? [entry] : [];
}

function parseEntry(
  { code, message, detail }: Record<string, unknown>,
  clean: (text: string) => string,
): ErrorEntry {
  const entry: ErrorEntry = {};
  // Before it is cut: half a secret is one, too.
  if (typeof code === "string" && code !== "") entry.code = printable(clean(code), 60);
  if (typeof message === "string" && message !== "") entry.message = printable(clean(message), MAX_TEXT);
  if (detail !== undefined && detail !== null && detail !== "") {
    entry.detail = printable(clean(typeof detail === "string" ? detail : JSON.stringify(detail)), MAX_TEXT);
  }
  return entry;
}

function formatErrors(entries: readonly ErrorEntry[]): string {
  const shown = entries.slice(0, MAX_SHOWN).map(({ code, message, detail }) => {
    const text = [code, message].filter((part) => part !== undefined).join(": ");
    return detail === undefined || detail === message ? text : `${text} (${detail})`;
  });
  if (entries.length > MAX_SHOWN) shown.push(`and ${entries.length - MAX_SHOWN} more`);
  return shown.join("; ");
}

/** What to say of a body that is not a registry's error. */
function describeBody(body: Uint8Array | undefined, type: string, clean: (text: string) => string): string {
  if (!body || body.length === 0) return "";
  const text = clean(decode(body)).trim();
  if (type.includes("html") || /^<(?:!doctype|html)/i.test(text)) {
    const title = /<title[^>]{0,200}>([^<]{1,200})/i.exec(text)?.[1].trim();
    return `the answer is an HTML page${
      title ? ` (${JSON.stringify(printable(title, MAX_TEXT))})` : ""
    }, not a registry's`;
  }
  return printable(text.replace(/\s+/g, " "), 200);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
