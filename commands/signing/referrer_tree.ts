import { type Attachment, attachmentLookUps, readVerified, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { compareBytes, type Descriptor, type Digest, MAX_MANIFEST_SIZE, parseManifest } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { imageText } from "../output/output.ts";

/** How many manifests are shown of all that refer to one image. */
const MAX_NODES = 1000;

/** How far it goes: what refers to what refers to an image is a level. */
const MAX_DEPTH = 16;

/** How many are asked about at the same time. */
const CONCURRENCY = 8;

/** Something that refers to an image, with what refers to it. As JSON, members are never renamed or removed, but more may come. */
export interface ReferrerNode {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** What it is; of what a tag ties to the image, the type of its content. */
  artifactType: string;
  /** The tag that ties it to the image (`sha256-<hex>.sig`), empty for an OCI referrer. */
  tag: string;
  annotations: Record<string, string>;
  referrers: ReferrerNode[];
}

/**
 * Finds what refers to an image, and what refers to that.
 *
 * @throws {SatchelError} `invalid` if it is more than 1,000, or goes deeper than 16 levels; whatever the source throws
 */
export async function referrerTree(source: Source, root: Descriptor, signal: AbortSignal): Promise<ReferrerNode[]> {
  // What tags tie together may go in circles.
  const seen = new Set<Digest>([root.digest]);
  const below = async (subject: Descriptor): Promise<ReferrerNode[]> => {
    const found = await Promise.all(attachmentLookUps(source, subject, { signal }).map((lookUp) => lookUp()));
    // What is tied by a tag and by its subject is one thing, and the tag says more of it.
    const byDigest = new Map(found.flat().map((each) => [each.descriptor.digest, each]));
    const unseen = [...byDigest.values()].filter(({ descriptor }) => !seen.has(descriptor.digest));
    for (const { descriptor } of unseen) seen.add(descriptor.digest);
    if (seen.size > MAX_NODES) {
      throw new SatchelError("invalid", `more than ${MAX_NODES} manifests refer to ${root.digest}, or to each other`);
    }
    const nodes = await inTurns(unseen, (attachment) => nodeOf(source, attachment, signal));
    return nodes.sort((a, b) => compareBytes(a.artifactType, b.artifactType) || compareBytes(a.digest, b.digest));
  };
  const top = await below(root);
  let level = top;
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new SatchelError("invalid", `what refers to ${root.digest} goes deeper than ${MAX_DEPTH} levels`);
    }
    await inTurns(level, async (node) => void (node.referrers = await below(node)));
    level = level.flatMap(({ referrers }) => referrers);
  }
  return top;
}

/** Does some of it at the same time; the results are in the order of the items. */
async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}

/** What lists say of a referrer differs from place to place, so the manifest itself is read. */
async function nodeOf(
  source: Source,
  { descriptor, tag, bytes }: Attachment,
  signal: AbortSignal,
): Promise<ReferrerNode> {
  const { digest, mediaType, size } = descriptor;
  const content = bytes ?? await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
  const { children, artifactType, annotations } = parseManifest(content, mediaType, `manifest ${digest}`);
  // The manifests that cosign ties to an image by a tag say of themselves that they are images.
  const type = tag === undefined ? artifactType : children[1]?.mediaType ?? artifactType;
  const texts = Object.entries(annotations).map(([name, value]) => [imageText(name), imageText(value)]);
  return {
    digest,
    mediaType,
    size,
    artifactType: imageText(type),
    tag: tag ?? "",
    annotations: Object.fromEntries(texts),
    referrers: [],
  };
}

/** The tree for people, a line each. */
export function treeLines(nodes: readonly ReferrerNode[], indent = ""): string[] {
  return nodes.flatMap((node, index) => {
    const isLast = index === nodes.length - 1;
    const { artifactType, digest, tag, referrers } = node;
    const type = printable(artifactType || node.mediaType, 200);
    const line = `${indent}${isLast ? "└── " : "├── "}${type} ${digest}${tag === "" ? "" : ` (${tag})`}`;
    return [line, ...treeLines(referrers, `${indent}${isLast ? "    " : "│   "}`)];
  });
}
