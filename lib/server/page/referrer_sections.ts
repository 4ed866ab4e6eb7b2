import type { SignatureFormat } from "../../content/mod.ts";
import { shortDigest } from "../../oci/mod.ts";
import { html, type HtmlValue } from "./html.ts";
import type { ImageDetails, ReferrerNode } from "./image.ts";
import { section, table, time } from "./layout.ts";
import { imagePath } from "./route.ts";
import { shown } from "./shown.ts";
import type { PageSignature } from "./signatures.ts";
import { createdOf, platformLabel } from "./summary.ts";
import type { PageTools } from "./tools.ts";

const FORMATS: Readonly<Record<SignatureFormat, string>> = {
  "cosign-tag": "cosign, under a tag",
  "cosign-referrer": "cosign, as a referrer (OCI 1.1)",
  "sigstore-bundle": "Sigstore bundle",
  "notation": "Notation",
};

/** The longest name of somebody who signed, in UTF-16 units. */
const MAX_SIGNER = 500;

/** Who signed an image, as the signatures say. */
export function signatureSection(signatures: readonly PageSignature[], name: string): HtmlValue {
  if (signatures.length === 0) return section("signatures", "Signatures", html`<p>There are none here.</p>`);
  const rows = signatures.map(({ format, digest, identity, key }) => [
    FORMATS[format],
    identity ? shown(identity.subject, MAX_SIGNER) : html`<span class="soft">a key without a name</span>`,
    identity?.issuer !== undefined && shown(identity.issuer, MAX_SIGNER),
    key !== undefined && html`<code>${key}</code>`,
    html`<a href="${imagePath(name, digest)}"><code class="short">${shortDigest(digest)}</code></a>`,
  ]);
  return section(
    "signatures",
    "Signatures",
    html`<p><strong class="warn">Not verified by this server.</strong> Anybody can write what stands here; verify it where you use the image.</p>
${table("What the signatures say of themselves", ["Format", "Signed by", "Vouched for by", "Key", "Manifest"], rows)}`,
  );
}

/** What refers to an image, as a tree. */
export function referrerSection(
  { referrers, hasMoreReferrers }: ImageDetails,
  name: string,
  tools: PageTools,
): HtmlValue {
  return section(
    "referrers",
    "What refers to it",
    html`${referrers.length === 0 ? html`<p>There is nothing here.</p>` : tree(referrers, name, tools)}${
      hasMoreReferrers && html`<p>There is more than is shown.</p>`
    }`,
  );
}

function tree(nodes: readonly ReferrerNode[], name: string, tools: PageTools): HtmlValue {
  if (nodes.length === 0) return undefined;
  return html`<ul>
${
    nodes.map((node) =>
      html`
        <li>${item(node, name, tools)}${tree(node.below, name, tools)}</li>
      `
    )
  }</ul>`;
}

function item({ attachment, kind, part }: ReferrerNode, name: string, tools: PageTools): HtmlValue {
  const { descriptor: { digest, annotations }, format, tag } = attachment;
  const created = createdOf(annotations);
  return html`${format ? `Signature: ${FORMATS[format]}` : tag === undefined ? kind.label : byTag(tag)}${
    part && html`
      of ${platformLabel(part.platform)}
    `
  } <a href="${imagePath(name, digest)}"><code class="short">${shortDigest(digest)}</code></a> ${
    created !== undefined && time(tools.readTime(created))
  }`;
}

/** What cosign's tags without a signature are for. */
function byTag(tag: string): string {
  return tag.endsWith(".att") ? "Attestation by cosign" : "Bill of materials by cosign";
}
