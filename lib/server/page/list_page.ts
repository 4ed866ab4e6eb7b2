import { shortDigest } from "../../oci/mod.ts";
import { type Html, html, type HtmlValue } from "./html.ts";
import { layout, table, time } from "./layout.ts";
import type { ImageList, ListedImage } from "./list.ts";
import { imagePath, listPath } from "./route.ts";
import type { Summary } from "./summary.ts";
import type { PageTools } from "./tools.ts";

const COLUMNS = ["Image", "Digest", "Made", "Platforms", "Kind", "Signatures, referrers"];

/** The page that lists images. */
export function listPage(list: ImageList, host: string, tools: PageTools): Html {
  const { images, query, isFirst, next, repositories } = list;
  const count = repositories === 1 ? "1 repository" : `${repositories} repositories`;
  const found = query === "" ? `${count} here.` : `${count} with “${query}” in the name.`;
  return layout(
    isFirst ? "Images" : "More images",
    host,
    html`
      <h1>Images</h1>
      <p>${found}</p>
      <form method="get" action="/" role="search">
        <label for="q">Part of a name</label>
        <input id="q" name="q" type="search" value="${query}" maxlength="100" autocomplete="off">
        <button>Search</button>
      </form>
      ${images.length === 0 ? html`<p>${isFirst ? noImage(query) : "There is nothing behind this."}</p>` : table(
        "Images by name, with the name that clients pull",
        COLUMNS,
        images.map((image) => row(image, host, tools)),
      )}
      ${pager(isFirst, query, next)}
    `,
  );
}

function noImage(query: string): HtmlValue {
  return query === ""
    ? "There is no image with a name."
    : html`Look for another part, or at <a href="/">all images</a>.`;
}

function row(image: ListedImage, host: string, tools: PageTools): HtmlValue[] {
  const { name, tag, digest, summary } = image;
  const head = html`<a href="${imagePath(name, tag)}"><span class="soft">${host}/</span>${name}:${tag}</a>`;
  if (!digest) return [head, html`<span class="warn">cannot be read here</span>`, "", "", "", ""];
  return [
    head,
    html`<code class="short">${shortDigest(digest)}</code>`,
    summary?.created !== undefined && time(tools.readTime(summary.created)),
    summary && platforms(summary, tools),
    summary?.kind.label,
    trust(image),
  ];
}

function platforms(summary: Summary, { formatSize }: PageTools): HtmlValue {
  const { platforms, morePlatforms, size } = summary;
  if (platforms.length === 0) return size === undefined ? undefined : formatSize(size);
  return html`<ul role="list">${
    platforms.map(({ label, size }) =>
      html`<li>${label} <span class="soft">${size === undefined ? "not here" : formatSize(size)}</span></li>`
    )
  }${morePlatforms > 0 && html`<li>and ${morePlatforms} more</li>`}</ul>`;
}

function trust({ signatures, referrers }: ListedImage): HtmlValue {
  const count = referrers === 1 ? "1 referrer" : `${referrers} referrers`;
  return html`${signatures.length > 0 ? "signed, not verified here" : "not signed"}${
    referrers > 0 && html`<span class="soft block">${count}</span>`
  }`;
}

function pager(isFirst: boolean, query: string, next: string | undefined): HtmlValue {
  if (isFirst && next === undefined) return undefined;
  return html`
    <nav aria-label="Pages">
      <ul role="list">${!isFirst &&
        html`<li><a href="${listPath({ q: query })}">First page</a></li>`}${next !== undefined &&
        html`<li><a href="${listPath({ q: query, after: next })}" rel="next">Next page</a></li>`}</ul>
    </nav>
  `;
}
