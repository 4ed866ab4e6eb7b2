import { type Attachment, attachmentLookUps, readVerified, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { type Descriptor, type Digest, MAX_MANIFEST_SIZE, parseManifest } from "../../lib/oci/mod.ts";
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
  const children = async (subject: Descriptor): Promise<ReferrerNode[]> => {
    const found = await Promise.all(attachmentLookUps(source, subject, { signal }).map((lookUp) => lookUp()));
    const nodes: ReferrerNode[] = [];
    for (const attachment of new Map(found.flat().map((each) => [each.descriptor.digest, each])).values()) {
      if (seen.has(attachment.descriptor.digest)) continue;
      seen.add(attachment.descriptor.digest);
      if (seen.size > MAX_NODES) {
        throw new SatchelError("invalid", `more than ${MAX_NODES} manifests refer to ${root.digest}, or to each other`);
      }
      nodes.push(await nodeOf(source, attachment, signal));
    }
    return nodes.sort((a, b) =>
      a.artifactType < b.artifactType || (a.artifactType === b.artifactType && a.digest < b.digest) ? -1 : 1
    );
  };
  const top = await children(root);
  let level = top;
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new SatchelError("invalid", `what refers to ${root.digest} goes deeper than ${MAX_DEPTH} levels`);
    }
    const waiting = [...level];
    const work = async () => {
      for (let node = waiting.pop(); node; node = waiting.pop()) node.referrers = await children(node);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    level = level.flatMap(({ referrers }) => referrers);
  }
  return top;
}

async function nodeOf(
  source: Source,
  { descriptor, tag, bytes }: Attachment,
  signal: AbortSignal,
): Promise<ReferrerNode> {
  const { digest, mediaType, size, artifactType, annotations = {} } = descriptor;
  const type = tag === undefined ? artifactType ?? "" : await contentType(source, descriptor, bytes, signal);
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

/** The manifests that cosign ties to an image by a tag say of themselves that they are images. */
async function contentType(
  source: Source,
  descriptor: Descriptor,
  bytes: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<string> {
  const content = bytes ?? await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
  const { children, artifactType } = parseManifest(content, descriptor.mediaType, `manifest ${descriptor.digest}`);
  return children[1]?.mediaType ?? artifactType ?? "";
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
