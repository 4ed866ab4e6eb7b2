import { type Annotations, type Descriptor, isDigest, type Manifest } from "../../oci/mod.ts";
import { pullCommands } from "./commands.ts";
import { gadgetSections } from "./gadget_sections.ts";
import { type Html, html, type HtmlValue, lines } from "./html.ts";
import type { ImageDetails, ImagePart } from "./image.ts";
import { facts, layout, section, table, time } from "./layout.ts";
import { outerLink } from "./link.ts";
import { referrerSection, signatureSection } from "./referrer_sections.ts";
import { imagePath } from "./route.ts";
import { shown } from "./shown.ts";
import { platformLabel, wholeSize } from "./summary.ts";
import type { PageTools } from "./tools.ts";

/** Which image a page is about, and how the browser came to it. */
export interface ImageAddress {
  /** As clients pull it, without the host. */
  name: string;
  /** A tag or a digest. */
  reference: string;
  /** What the browser calls this server. */
  host: string;
  /** The same for commands; absent if it does not belong there. */
  clientHost?: string;
  isPlain: boolean;
}

/** How many layers of a part and how many annotations are shown, and how much of a key, in UTF-16 units. */
const MAX_LAYERS = 100;
const MAX_ANNOTATIONS = 100;
const MAX_KEY = 200;

/** Annotations of the image-spec that are shown by themselves. */
const DESCRIPTION = "org.opencontainers.image.description";
const SPOKEN: readonly (readonly [label: string, annotation: string])[] = [
  ["Title", "org.opencontainers.image.title"],
  ["Version", "org.opencontainers.image.version"],
  ["Vendor", "org.opencontainers.image.vendor"],
  ["Licences", "org.opencontainers.image.licenses"],
  ["Home page", "org.opencontainers.image.url"],
  ["Documentation", "org.opencontainers.image.documentation"],
  ["Source code", "org.opencontainers.image.source"],
];

/** The page of one image. */
export function imagePage(details: ImageDetails, address: ImageAddress, tools: PageTools): Html {
  const { name, reference, host } = address;
  const full = `${name}${isDigest(reference) ? "@" : ":"}${reference}`;
  const annotations = allAnnotations(details);
  return layout(
    full,
    host,
    html`<h1>${full}</h1>
${description(annotations)}
${about(details, annotations, tools)}
${pulling(details, address)}
${gadgetSections(details.gadget)}
${platformSection(details, name, tools)}
${signatureSection(details.signatures, name)}
${referrerSection(details, name, tools)}
${annotationSection(annotations)}`,
  );
}

function description(annotations: Annotations): HtmlValue {
  const text = annotations[DESCRIPTION];
  return text === undefined || text.trim() === "" ? undefined : html`<p class="lines">${lines(shown(text))}</p>`;
}

function about({ descriptor, manifest, summary }: ImageDetails, annotations: Annotations, tools: PageTools): Html {
  return facts([
    ["Kind", summary.kind.label],
    ["Digest", html`<code>${descriptor.digest}</code>`],
    ["Made", summary.created !== undefined && time(tools.readTime(summary.created))],
    // Those of an index have a table.
    ["Platform", manifest.kind !== "index" && summary.platforms[0]?.label],
    ["Size", manifest.kind !== "index" && summary.size !== undefined && tools.formatSize(summary.size)],
    ["Refers to", manifest.subject && html`<code>${manifest.subject.digest}</code>`],
    ...SPOKEN.map(([label, key]) => {
      const value = shown((annotations[key] ?? "").trim());
      return [label, value === "" ? undefined : outerLinkOrText(value)] as const;
    }),
  ]);
}

function outerLinkOrText(text: string): HtmlValue {
  return /^[a-z][a-z0-9+.-]*:/i.test(text) ? outerLink(text) : text;
}

function pulling({ summary }: ImageDetails, { clientHost, isPlain, name, reference }: ImageAddress): Html {
  const commands = pullCommands({ host: clientHost ?? "HOST", isPlain, name, reference, kind: summary.kind });
  return section(
    "pull",
    "Pull it",
    html`${clientHost === undefined && html`<p>HOST stands for the address of this server.</p>`}${
      commands.map(({ program, command }) =>
        html`
          <h3>With ${program}</h3>
          <pre><code>${command}</code></pre>
        `
      )
    }`,
  );
}

function platformSection({ parts, moreParts, manifest }: ImageDetails, name: string, tools: PageTools): Html {
  const isIndex = manifest.kind === "index";
  const overview = isIndex && table(
    "Platforms, with the size of all that each needs",
    ["Platform", "Size", "Digest"],
    parts.map((part) => [
      platformLabel(part.platform),
      part.descriptor && part.manifest
        ? tools.formatSize(wholeSize(part.descriptor, part.manifest))
        : html`<span class="warn">not here</span>`,
      html`<a href="${imagePath(name, part.digest)}"><code>${part.digest}</code></a>`,
    ]),
  );
  const layers = parts.map((part) => part.manifest && layerTable(part, part.manifest, isIndex, tools));
  return section(
    "content",
    isIndex ? "Platforms and layers" : "Layers",
    html`${overview}${moreParts > 0 && html`<p>There are ${moreParts} more.</p>`}${layers}`,
  );
}

function layerTable({ platform }: ImagePart, manifest: Manifest, isIndex: boolean, tools: PageTools): HtmlValue {
  const label = isIndex ? `Layers for ${platformLabel(platform)}` : "Config and layers, in their order";
  const { children, kind } = manifest;
  const more = children.length - MAX_LAYERS;
  const content = html`${
    table(
      label,
      ["Part", "Size", "Type", "Digest"],
      children.slice(0, MAX_LAYERS).map((child, at) => layerRow(child, at, kind === "image", tools)),
    )
  }${more > 0 && html`<p>There are ${more} more.</p>`}`;
  return isIndex
    ? html`
      <details><summary>${label}</summary>${content}</details>
    `
    : content;
}

function layerRow(child: Descriptor, at: number, isImage: boolean, { formatSize }: PageTools): HtmlValue[] {
  const { size, mediaType, digest, annotations = {} } = child;
  const title = annotations["org.opencontainers.image.title"];
  const part = !isImage ? `Part ${at + 1}` : at === 0 ? "Config" : `Layer ${at}`;
  return [
    title === undefined ? part : html`${part} <span class="soft">${shown(title, MAX_KEY)}</span>`,
    formatSize(size),
    mediaType,
    html`<code>${digest}</code>`,
  ];
}

/** Those of the image, and those of its first part that it has not itself: an index often has none. */
function allAnnotations({ manifest, parts }: ImageDetails): Annotations {
  return { ...parts.find((part) => part.manifest)?.manifest?.annotations, ...manifest.annotations };
}

function annotationSection(annotations: Annotations): HtmlValue {
  const entries = Object.entries(annotations);
  if (entries.length === 0) return undefined;
  const more = entries.length - MAX_ANNOTATIONS;
  const rows = entries.slice(0, MAX_ANNOTATIONS).map(([key, value]) => [
    html`<code>${shown(key, MAX_KEY)}</code>`,
    html`<span class="lines">${lines(shown(value))}</span>`,
  ]);
  return section(
    "annotations",
    "Annotations",
    html`${table("What the image says of itself", ["Key", "Value"], rows)}${
      more > 0 && html`<p>There are ${more} more.</p>`
    }`,
  );
}
