import type { ApiError } from "../api_error.ts";
import { READ } from "../methods.ts";
import { html } from "./html.ts";
import { layout } from "./layout.ts";
import { pageResponse } from "./response.ts";

/** What people are told instead of what a client of the API is told, by status. */
const TEXTS: Readonly<Record<number, readonly [title: string, text: string]>> = {
  401: ["An account is needed", "This server asks for an account. Load the page again to be asked for it."],
  404: ["Not here", "There is no page at this address."],
};

/**
 * Tells a browser what went wrong, with the status and the headers of the error.
 *
 * @returns `undefined` for the paths of the API, and for programs, which do not ask for HTML
 */
export function errorPage(request: Request, url: URL, error: ApiError): Response | undefined {
  if (/^\/v2(\/|$)/.test(url.pathname) || !isForPeople(request)) return undefined;
  const [title, text] = TEXTS[error.status] ?? ["It did not work", `The server says: ${error.message}.`];
  const page = layout(
    title,
    url.host,
    html`<h1>${title}</h1>
<p>${text}</p>
<p><a href="/">All images</a></p>`,
  );
  const response = pageResponse(request, page, error.status);
  for (const [name, value] of Object.entries(error.options.headers ?? {})) response.headers.set(name, value);
  return response;
}

function isForPeople({ method, headers }: Request): boolean {
  const types = (headers.get("Accept") ?? "").split(",");
  return READ.includes(method) && types.some((type) => /^\s*text\/html\b/.test(type));
}
