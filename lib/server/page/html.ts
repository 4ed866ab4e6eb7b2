import { printable, printableLines } from "../../printable.ts";

const MARKUP = Symbol("markup");

/** HTML that was put together by {@link html}; nothing else is one. */
export interface Html {
  readonly [MARKUP]: string;
}

/** What can stand in HTML: texts are escaped, lists stand one after the other, nothing stands for `undefined` and `false`. */
export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[];

/**
 * HTML from a template. Every value that is not HTML itself is a text: markup in it is escaped, and so are characters that hide what it
 * says. It may stand between tags, and in attributes within double quotes.
 *
 * @example
 * ```ts
 * markupOf(html`<p title="${"<i>"}">${["a", "&"]}</p>`); // <p title="&lt;i&gt;">a&amp;</p>
 * ```
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return { [MARKUP]: parts.map((part, at) => at === 0 ? part : markup(values[at - 1]) + part).join("") };
}

/** A text of which line feeds and tabs stay what they are. */
export function lines(text: string): Html {
  return { [MARKUP]: escaped(printableLines(text)) };
}

/** A style sheet of our own: nothing from outside. */
export function styleElement(css: string): Html {
  return { [MARKUP]: `<style>${css}</style>` };
}

/** The text of some HTML. */
export function markupOf(value: Html): string {
  return value[MARKUP];
}

function markup(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "string") return escaped(printable(value));
  if (typeof value === "number") return String(value);
  return MARKUP in value ? value[MARKUP] : value.map(markup).join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char]);
}
