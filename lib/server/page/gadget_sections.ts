import { html, type HtmlValue, lines } from "./html.ts";
import { facts, section, table } from "./layout.ts";
import { outerLink } from "./link.ts";
import { shown } from "./shown.ts";
import type { PageDataSource, PageGadget, PageParam } from "./tools.ts";

/** How many parameters, data sources, and fields of each are shown. */
const MAX_PARAMS = 200;
const MAX_DATA_SOURCES = 50;
const MAX_FIELDS = 300;

/** How many values and annotations of one thing are shown, and how much of each, in UTF-16 units. */
const MAX_DETAILS = 20;
const MAX_DETAIL = 300;

/** What a gadget says of itself: its parameters, and the fields of its data sources. */
export function gadgetSections(gadget: PageGadget | "unreadable" | undefined): HtmlValue {
  if (!gadget) return undefined;
  if (gadget === "unreadable") {
    return section("gadget", "Gadget", html`<p>Its gadget.yaml is not here, or cannot be read.</p>`);
  }
  const { params, dataSources, isCut, description } = gadget;
  return html`${
    section(
      "gadget",
      "Gadget",
      html`${
        facts([
          ["Name", gadget.name !== undefined && shown(gadget.name, MAX_DETAIL)],
          ["Description", description !== undefined && html`<span class="lines">${lines(shown(description))}</span>`],
          ["Home page", gadget.homepageURL !== undefined && outerLink(shown(gadget.homepageURL))],
          ["Documentation", gadget.documentationURL !== undefined && outerLink(shown(gadget.documentationURL))],
          ["Source code", gadget.sourceURL !== undefined && outerLink(shown(gadget.sourceURL))],
        ])
      }${isCut && html`<p class="warn">Its gadget.yaml has more than is shown.</p>`}`,
    )
  }${paramSection(params)}${dataSourceSection(dataSources)}`;
}

function paramSection(params: readonly PageParam[]): HtmlValue {
  if (params.length === 0) return undefined;
  const rows = params.slice(0, MAX_PARAMS).map((param) => [
    html`<code>${shown(param.key ?? param.variable, MAX_DETAIL)}</code>`,
    paramText(param),
    param.type !== undefined && shown(param.type, MAX_DETAIL),
    param.defaultValue !== undefined && html`<code>${shown(param.defaultValue, MAX_DETAIL)}</code>`,
    few(param.possibleValues),
    shown(param.operator, MAX_DETAIL),
  ]);
  const columns = ["Parameter", "Description", "Type", "Default", "Possible values", "Taken by"];
  return section(
    "parameters",
    "Parameters",
    html`${table("Parameters of the gadget", columns, rows)}${more(params, MAX_PARAMS)}`,
  );
}

function paramText({ title, description, alias, isMandatory, valueHint }: PageParam): HtmlValue {
  const notes = [
    ...(isMandatory ? ["has to be given"] : []),
    ...(alias === undefined ? [] : [`short: -${shown(alias, MAX_DETAIL)}`]),
    ...(valueHint === undefined ? [] : [`value: ${shown(valueHint, MAX_DETAIL)}`]),
  ];
  return [
    title !== undefined && html`
      <strong>${shown(title, MAX_DETAIL)}</strong>
    `,
    description !== undefined && html`<span class="lines">${lines(shown(description))}</span>`,
    notes.length > 0 && html`<span class="soft block">${notes.join("; ")}</span>`,
  ];
}

function dataSourceSection(dataSources: readonly PageDataSource[]): HtmlValue {
  if (dataSources.length === 0) return undefined;
  return section(
    "fields",
    "Fields",
    html`${dataSources.slice(0, MAX_DATA_SOURCES).map(dataSource)}${more(dataSources, MAX_DATA_SOURCES)}`,
  );
}

function dataSource({ name, annotations, fields }: PageDataSource): HtmlValue {
  const rows = fields.slice(0, MAX_FIELDS).map((field) => {
    const description = field.annotations.find(([key]) => key === "description")?.[1];
    return [
      html`<code>${shown(field.name, MAX_DETAIL)}</code>`,
      description !== undefined && html`<span class="lines">${lines(shown(description))}</span>`,
      annotationList(field.annotations.filter(([key]) => key !== "description")),
    ];
  });
  const label = shown(name, MAX_DETAIL);
  return html`
    <h3>Data source <code>${label}</code></h3>
    ${annotationList(annotations)}${rows.length === 0
      ? html`<p>Its fields are not described.</p>`
      : table(`Fields of ${label}`, ["Field", "Description", "Annotations"], rows)}${more(fields, MAX_FIELDS)}
  `;
}

function annotationList(annotations: PageDataSource["annotations"]): HtmlValue {
  return few(annotations.map(([key, value]) => `${shown(key, MAX_DETAIL)}: ${shown(value, MAX_DETAIL)}`));
}

/** The first of some texts, each in a line of its own. */
function few(texts: readonly string[]): HtmlValue {
  if (texts.length === 0) return undefined;
  const items = texts.slice(0, MAX_DETAILS).map((text) => html`<li><code>${shown(text, 2 * MAX_DETAIL)}</code></li>`);
  return html`<ul role="list">${items}${texts.length > MAX_DETAILS && html`<li>and more</li>`}</ul>`;
}

function more({ length }: readonly unknown[], limit: number): HtmlValue {
  return length > limit && html`<p>There are ${length - limit} more.</p>`;
}
