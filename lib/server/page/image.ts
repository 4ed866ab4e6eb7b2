import { type Descriptor, type Digest, isManifestType, type Manifest, type Platform } from "../../oci/mod.ts";
import { attachmentsOf, type PageAttachment } from "./attachments.ts";
import { type Kind, kindOf } from "./kind.ts";
import { type PageSource, readManifest, readSmallBlob } from "./read.ts";
import { type PageSignature, signaturesOf } from "./signatures.ts";
import { summarize, type Summary } from "./summary.ts";
import type { PageGadget } from "./tools.ts";

/** All that is shown of one image. */
export interface ImageDetails {
  descriptor: Descriptor;
  manifest: Manifest;
  summary: Summary;
  /** The manifests of an index, or the image itself; not more than are shown. */
  parts: readonly ImagePart[];
  /** How many manifests there are beside these. */
  moreParts: number;
  signatures: readonly PageSignature[];
  /** What refers to the image, and to its parts. */
  referrers: readonly ReferrerNode[];
  /** Whether there are more of them than are shown, here or further down. */
  hasMoreReferrers: boolean;
  /** What its gadget.yaml says; `unreadable` if that cannot be told. */
  gadget?: PageGadget | "unreadable";
}

/** One manifest of an index. */
export interface ImagePart {
  digest: Digest;
  platform?: Platform;
  /** Absent if it is not here. */
  descriptor?: Descriptor;
  manifest?: Manifest;
}

/** Something that refers to an image, with what refers to that. */
export interface ReferrerNode {
  attachment: PageAttachment;
  /** The part of the image that it refers to, if not the image itself. */
  part?: ImagePart;
  kind: Kind;
  below: readonly ReferrerNode[];
}

/** How many manifests of an index are read. */
const MAX_PARTS = 24;

/** How deep referrers of referrers are shown, and how many in all. */
const MAX_DEPTH = 4;
const MAX_REFERRERS = 100;

/** Reads all that is shown of an image. */
export async function imageDetails(
  source: PageSource,
  descriptor: Descriptor,
  manifest: Manifest,
): Promise<ImageDetails> {
  const entries = manifest.kind === "index"
    ? manifest.children.filter(({ mediaType }) => isManifestType(mediaType))
    : [];
  const parts: ImagePart[] = manifest.kind === "index" ? [] : [{ digest: descriptor.digest, descriptor, manifest }];
  for (const { digest, platform } of entries.slice(0, MAX_PARTS)) {
    const read = await readManifest(source, digest);
    const content = read.state === "ok" ? { descriptor: read.descriptor, manifest: read.manifest } : {};
    parts.push({ digest, ...(platform && { platform }), ...content });
  }
  const tree = new ReferrerTree(source);
  const referrers = await tree.of(descriptor.digest);
  for (const part of manifest.kind === "index" ? parts : []) referrers.push(...await tree.of(part.digest, part));
  const gadget = await gadgetOf(source, parts);
  return {
    descriptor,
    manifest,
    summary: await summarize(source, descriptor, manifest),
    parts,
    moreParts: Math.max(entries.length - MAX_PARTS, 0),
    signatures: await signaturesOf(source, referrers.map(({ attachment }) => attachment)),
    referrers,
    hasMoreReferrers: tree.isCut,
    ...(gadget && { gadget }),
  };
}

/** Looks up what refers to an image, each manifest once, as far as it is shown. */
class ReferrerTree {
  readonly #source: PageSource;
  readonly #seen = new Set<Digest>();
  /** Whether something was left out. */
  isCut = false;

  constructor(source: PageSource) {
    this.#source = source;
  }

  async of(subject: Digest, part?: ImagePart, depth = 0): Promise<ReferrerNode[]> {
    const attachments = await attachmentsOf(this.#source, subject);
    const nodes: ReferrerNode[] = [];
    for (const attachment of attachments) {
      const { digest, artifactType } = attachment.descriptor;
      if (this.#seen.has(digest)) continue;
      if (this.#seen.size >= MAX_REFERRERS || depth === MAX_DEPTH) {
        this.isCut = true;
        break;
      }
      this.#seen.add(digest);
      const below = await this.of(digest, undefined, depth + 1);
      nodes.push({ attachment, ...(part && { part }), kind: kindOf(artifactType), below });
    }
    return nodes;
  }
}

/** The gadget.yaml of the first part that has one; usually all have the same. */
async function gadgetOf(
  source: PageSource,
  parts: readonly ImagePart[],
): Promise<PageGadget | "unreadable" | undefined> {
  const { gadgetConfigType, readGadget } = source.tools;
  for (const { manifest } of parts) {
    const config = manifest?.kind === "image" ? manifest.children[0] : undefined;
    if (config?.mediaType !== gadgetConfigType) continue;
    const bytes = await readSmallBlob(source, config.digest);
    return bytes && await readGadget(bytes) || "unreadable";
  }
  return undefined;
}
