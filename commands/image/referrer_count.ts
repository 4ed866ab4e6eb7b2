import type { CopiedAttachment } from "../../lib/content/mod.ts";
import { printable } from "../../lib/printable.ts";
import { count } from "../output/count.ts";
import { imageText } from "../output/output.ts";

/** What cosign's tags tie to an image: the manifests name no type, and pass for images without one. */
const TAGGED_TYPES: Readonly<Record<string, string>> = {
  ".sig": "application/vnd.dev.cosign.simplesigning.v1+json",
  ".att": "application/vnd.dsse.envelope.v1+json",
};

/** What types of referrers are called, where they have a name that people know. */
const KNOWN: readonly [type: string, word: string][] = [
  ["application/vnd.dev.cosign.simplesigning.v1+json", "signature"],
  ["application/vnd.dev.cosign.artifact.sig.v1+json", "signature"],
  ["application/vnd.cncf.notary.signature", "signature"],
  ["application/vnd.dsse.envelope.v1+json", "attestation"],
  ["application/vnd.dev.sigstore.bundle", "Sigstore bundle"],
];

/** How many types are told to people. */
const MAX_TYPES = 5;

/** How many manifests of each artifact type refer to an image. */
export function countReferrers(attachments: readonly CopiedAttachment[]): Record<string, number> {
  return counted(attachments.map(typeOf));
}

/**
 * What came along with images, for people: `2 signatures, 1 application/spdx+json`; `undefined` if nothing did. What belongs to one
 * with several names came once.
 */
export function describeReferrers(
  images: readonly { attachments: readonly CopiedAttachment[] }[],
): string | undefined {
  const all = images.flatMap(({ attachments }) => attachments);
  const unique = new Map(all.map((each) => [`${each.descriptor.digest} ${each.tag}`, each]));
  const words = Object.entries(counted([...unique.values()].map((each) => wordFor(typeOf(each)))));
  if (words.length === 0) return undefined;
  const some = words.slice(0, MAX_TYPES).map(([word, number]) =>
    word.includes("/") ? `${number} ${word}` : count(number, word)
  );
  const others = words.slice(MAX_TYPES).reduce((sum, [, number]) => sum + number, 0);
  return [...some, ...others > 0 ? [`${others} of other types`] : []].join(", ");
}

function typeOf({ tag = "", artifactType, descriptor }: CopiedAttachment): string {
  const tagged = TAGGED_TYPES[tag.slice(tag.lastIndexOf("."))];
  return tagged ?? imageText(artifactType ?? descriptor.mediaType);
}

function wordFor(type: string): string {
  return KNOWN.find(([start]) => type.startsWith(start))?.[1] ?? printable(type, 100);
}

/** In an order that does not depend on what was found first. */
function counted(texts: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => a < b ? -1 : 1));
}
