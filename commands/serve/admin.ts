import type { RequestHandler } from "../../lib/runtime/mod.ts";
import type { Metrics } from "../../lib/serving/mod.ts";

/** What `--admin-listen` offers. */
export interface AdminOptions {
  metrics: Metrics;
  /** Throws if what is served cannot be read. */
  check(signal: AbortSignal): Promise<unknown>;
  /** Whether the server is on its way to its end: then it should get no more requests. */
  isEnding(): boolean;
}

/** Answers `/healthz` and `/metrics`. */
export function adminHandler({ metrics, check, isEnding }: AdminOptions): RequestHandler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "only GET is possible here\n");
    if (pathname === "/healthz") return await health(check, isEnding, request.signal);
    if (pathname !== "/metrics") return plain(404, "there are /healthz and /metrics\n");
    const { contentType, body } = metrics.text();
    return new Response(body, { headers: { "Content-Type": contentType } });
  };
}

async function health(
  check: AdminOptions["check"],
  isEnding: () => boolean,
  signal: AbortSignal,
): Promise<Response> {
  if (isEnding()) return plain(503, "it is ending\n");
  try {
    await check(signal);
  } catch {
    return plain(503, "what it serves cannot be read\n");
  }
  return plain(200, "ok\n");
}

function plain(status: number, body: string): Response {
  return new Response(body, { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
