import { type Html, html, type HtmlValue, markupOf, styleElement } from "./html.ts";
import { STYLE } from "./style.ts";

/**
 * A whole page.
 *
 * @param title what it is about, unique among the pages
 * @param host what is served, as the browser knows it
 */
export function layout(title: string, host: string, content: Html): Html {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} - ${host}</title>
    ${styleElement(STYLE)}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header>
          <p><a class="brand" href="/">${host}</a></p>
          <p class="soft">served by satchel</p>
        </header>
        <main id="content" tabindex="-1">
    ${content}
        </main>
        <footer>
          <p>What images say of themselves is shown as they say it. This server has verified no signature.</p>
        </footer>
      </body>
    </html>
  `;
}

/** A cell of a {@link table}. */
export type Cell = HtmlValue;

/**
 * A table with a caption. The first cell of each row is its heading. The roles are those that the elements have anyway; some browsers
 * forget them where rows are shown as blocks, as on a narrow screen.
 */
export function table(caption: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  return html`
    <table role="table">
      <caption>${caption}</caption>
      <thead role="rowgroup">
        <tr role="row">${columns.map((column) => html`<th role="columnheader" scope="col">${column}</th>`)}</tr>
      </thead>
      <tbody role="rowgroup">
    ${rows.map(([head, ...cells]) =>
      html`
        <tr role="row"><th role="rowheader" scope="row">${head}</th>${cells.map((cell, at) =>
          isEmpty(cell)
            ? html`<td role="cell"></td>`
            : html`<td role="cell" data-label="${columns[at + 1]}">${cell}</td>`
        )}</tr>
      `
    )}</tbody>
    </table>
  `;
}

/** Terms with what there is to say of them; those of which there is nothing to say are left out. */
export function facts(entries: readonly (readonly [term: string, value: HtmlValue])[]): Html {
  const said = entries.filter(([, value]) => !isEmpty(value));
  return html`<dl>${
    said.map(([term, value]) =>
      html`
        <dt>${term}</dt>
        <dd>${value}</dd>
      `
    )
  }</dl>`;
}

/** A section with a heading; the words of `id` are ours. */
export function section(id: string, heading: string, content: HtmlValue): Html {
  return html`
    <section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
    ${content}</section>
  `;
}

/** A point in time in words, with the exact one. */
export function time(read: { exact: string; age: string } | undefined): HtmlValue {
  if (!read) return undefined;
  const exact = read.exact.replace(/^(.*)T(\d\d:\d\d):.*$/, "$1 $2 UTC");
  return html`<time datetime="${read.exact}">${read.age}<span class="soft block">${exact}</span></time>`;
}

function isEmpty(value: HtmlValue): boolean {
  if (value === undefined || value === false || value === "") return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) ? value.every(isEmpty) : markupOf(value as Html).trim() === "";
}
