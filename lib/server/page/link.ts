import { type Html, html } from "./html.ts";

/** The longest URL that becomes a link, in UTF-16 units. */
const MAX_URL = 2000;

/**
 * A URL that somebody else wrote: a link if it leads to the web, else a text. The whole of it is shown, so that nobody is led elsewhere than it says.
 */
export function outerLink(text: string): Html {
  const url = text.length <= MAX_URL && /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  // What is written before an @ looks like a host and is none.
  if (!url || url.username !== "" || url.password !== "") return html`<code>${text}</code>`;
  return html`<a href="${url.href}" rel="noopener noreferrer nofollow">${url.href}</a>`;
}
