import { type ErrorCode, hasCode, isCausedBy, SatchelError, systemCode } from "../error.ts";
import { ApiError } from "./api_error.ts";
import { requireAskedHost } from "./asked_host.ts";
import { type AccessRules, authorize } from "./authorization.ts";
import { answerBlob } from "./blobs.ts";
import { BodyMemory } from "./body_memory.ts";
import { answerCatalog } from "./catalog.ts";
import type { Exchange, Peer } from "./exchange.ts";
import { answerManifest } from "./manifests.ts";
import { READ, requireMethod } from "./methods.ts";
import type { NameRules } from "./names.ts";
import { answerReferrers } from "./referrers.ts";
import type { Repositories } from "./repositories.ts";
import { parseRoute, type Route } from "./route.ts";
import { answerTags } from "./tags.ts";
import { answerUpload } from "./upload_session.ts";
import { answerUploads } from "./uploads.ts";

export type { Peer } from "./exchange.ts";

/** Answers a request; it never throws. */
export type Handler = (request: Request, peer: Peer) => Promise<Response>;

/** One answer, for logs and counters. */
export interface Answered {
  method: string;
  /** Path and query, as they came. */
  path: string;
  status: number;
  /** Of the body, as announced by the answer; a client may have left before they were sent. */
  bytes: number;
  /** Until the answer began, in milliseconds. */
  duration: number;
  client: string;
  /** Whose account was given, if it was asked for and right. */
  user?: string;
  /** The endpoint, for counters. */
  endpoint: Route["endpoint"] | "other";
  /** What went wrong here, if the client is not to blame. */
  error?: unknown;
}

/** How a server answers. */
export interface HandlerOptions extends NameRules {
  repositories: Repositories;
  /** By which names it may be asked beside those of loopback, in small letters. Default: by any. */
  hosts?: readonly string[];
  /** Who may do what. Default: everybody all that the repositories allow. */
  access?: AccessRules;
  /** Answers what is not of the API, `undefined` if it has nothing at that path. Default: there is nothing. */
  page?: (exchange: Exchange) => Promise<Response | undefined>;
  /** Tells people what went wrong, `undefined` if nobody of them asked. Default: all are told as the API tells it. */
  errorPage?: (request: Request, url: URL, error: ApiError) => Response | undefined;
  fileBody: Exchange["fileBody"];
  /** The largest blob that is taken in, in bytes. Default: without a limit. */
  maxUpload?: number;
  /** How long the body of an upload may be silent, in milliseconds. Default: {@link UPLOAD_SILENCE}. */
  uploadSilence?: number;
  /** How much memory all manifests on their way in may take, in bytes. Default: {@link MANIFEST_MEMORY}. */
  manifestMemory?: number;
  /** Told of every answer. */
  onAnswer?: (answered: Answered) => void;
}

/** How long the body of an upload may be silent if nothing else is said, in milliseconds. */
const UPLOAD_SILENCE = 60_000;

/** How much memory all manifests on their way in may take if nothing else is said, in bytes: eight of the largest. */
const MANIFEST_MEMORY = 32 * 1024 * 1024;

/** What is told to logs where a client has left before it could be answered. */
const CLIENT_GONE = 499;

/** Makes the handler of a server. */
export function createHandler(options: HandlerOptions): Handler {
  const memory = new BodyMemory(options.manifestMemory ?? MANIFEST_MEMORY);
  return async (request, peer) => {
    const began = performance.now();
    // A request of HTTP/1.0 need not say for which host it is; a host may be none.
    const url = URL.parse(request.url, "http://localhost");
    let endpoint: Answered["endpoint"] = "other";
    let user: string | undefined;
    let failure: unknown;
    let response: Response;
    try {
      if (!url) throw new ApiError("UNSUPPORTED", "this is no valid URL", { status: 400 });
      if (options.hosts) requireAskedHost(request.headers.get("Host"), url, options.hosts);
      user = await authorize(request, peer, options.access ?? {});
      const route = parseRoute(url.pathname);
      if (route) endpoint = route.endpoint;
      response = await answer(route, exchangeOf(request, url, { peer, user, memory }, options), options.page);
    } catch (error) {
      const refusal = apiError(error);
      if (refusal.status >= 500) failure = error;
      response = (url && options.errorPage?.(request, url, refusal)) ?? refusal.response();
    }
    response = await measured(response);
    if (request.method === "HEAD") response = withoutBody(response);
    response.headers.set("Docker-Distribution-API-Version", "registry/2.0");
    options.onAnswer?.({
      method: request.method,
      path: url ? url.pathname + url.search : request.url,
      // Nobody is there any more to get it; as nginx logs it.
      status: request.signal.aborted || peer.address === "" ? CLIENT_GONE : response.status,
      bytes: response.body === null ? 0 : Number(response.headers.get("Content-Length")),
      duration: performance.now() - began,
      client: peer.address,
      ...(user !== undefined && { user }),
      endpoint,
      ...(failure !== undefined && !request.signal.aborted && { error: failure }),
    });
    return response;
  };
}

/** What is answered instead of an answer whose file could not be opened: mostly, it was removed just now. */
export function unsentAnswer(error: unknown): Response {
  const isGone = systemCode(error) === "ENOENT";
  return (isGone ? new ApiError("BLOB_UNKNOWN", "there is no such blob any more") : apiError(error)).response();
}

/** What a GET would be answered, but for its body. */
function withoutBody({ status, headers }: Response): Response {
  return new Response(null, { status, headers });
}

/** An answer that says how long it is: what does not say so itself is a small text. */
async function measured(response: Response): Promise<Response> {
  const { status, headers, body } = response;
  if (body === null || headers.has("Content-Length")) return response;
  const bytes = await response.arrayBuffer();
  headers.set("Content-Length", String(bytes.byteLength));
  return new Response(bytes, { status, headers });
}

function exchangeOf(
  request: Request,
  url: URL,
  who: Pick<Exchange, "peer" | "user" | "memory">,
  options: HandlerOptions,
): Exchange {
  const { repositories, mirrorOf, fileBody } = options;
  const { maxUpload = Infinity, uploadSilence = UPLOAD_SILENCE } = options;
  return { request, url, ...who, repositories, names: { mirrorOf }, fileBody, maxUpload, uploadSilence };
}

async function answer(
  route: Route | undefined,
  exchange: Exchange,
  page: HandlerOptions["page"] = () => Promise.resolve(undefined),
): Promise<Response> {
  switch (route?.endpoint) {
    case "version":
      requireMethod(exchange.request, READ);
      return Response.json({});
    case "catalog":
      return await answerCatalog(exchange);
    case "manifest":
      return await answerManifest(exchange, route.name, route.reference);
    case "blob":
      return await answerBlob(exchange, route.name, route.digest);
    case "uploads":
      return await answerUploads(exchange, route.name);
    case "upload":
      return await answerUpload(exchange, route.name, route.id);
    case "tags":
      return await answerTags(exchange, route.name);
    case "referrers":
      return await answerReferrers(exchange, route.name, route.digest);
    default: {
      const response = exchange.url.pathname.startsWith("/v2/") ? undefined : await page(exchange);
      if (response) return response;
      throw new ApiError("UNSUPPORTED", "there is nothing at this path", { status: 404 });
    }
  }
}

/** Why something cannot be answered, without the places of this host that the errors name. */
const REASONS: { readonly [code in ErrorCode]?: string } = {
  integrity: "this content is damaged here",
  invalid: "what is stored here cannot be read",
  storage: "the file system failed",
};

/** What will be possible in a moment. */
const AGAIN = { status: 503, headers: { "Retry-After": "1" } } as const;

/** What went wrong, as the client is told. Nothing of this host's paths goes out. */
function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (hasCode(error, "busy")) return new ApiError("UNKNOWN", "the store is locked by another process", AGAIN);
  if (isCausedBy(error, "EMFILE") || isCausedBy(error, "ENFILE")) {
    return new ApiError("UNKNOWN", "too many connections and files are open here", { ...AGAIN, cause: error });
  }
  // Who pushes is not to blame for an index that cannot be read, so that is told of as a failure of the store.
  const kind = hasCode(error, "storage") && hasCode(error.cause, "invalid") ? error.cause : error;
  const reason = kind instanceof SatchelError ? REASONS[kind.code] : undefined;
  return new ApiError("UNKNOWN", reason ?? "something went wrong", { cause: error });
}
