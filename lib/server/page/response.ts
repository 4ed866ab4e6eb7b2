import { digestOf } from "../../oci/mod.ts";
import { etagOf, isNotModified } from "../conditional.ts";
import { type Html, markupOf } from "./html.ts";
import { STYLE_SOURCE } from "./style.ts";

/** Nothing is loaded, nothing runs, nobody frames it; the one form leads back here. */
const POLICY = [
  "default-src 'none'",
  `style-src ${STYLE_SOURCE}`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The answer that a page is; what a client has already is not sent again. */
export function pageResponse(request: Request, page: Html, status = 200): Response {
  const bytes = new TextEncoder().encode(markupOf(page));
  const etag = etagOf(digestOf(bytes));
  const headers = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    ...(status === 200 && { ETag: etag }),
  };
  if (status === 200 && isNotModified(request, etag)) return new Response(null, { status: 304, headers });
  return new Response(bytes, {
    status,
    headers: { ...headers, "Content-Type": "text/html; charset=utf-8", "Content-Length": String(bytes.length) },
  });
}
