import { attachmentSubject, type SignatureFormat } from "../../content/mod.ts";
import type { Digest } from "../../oci/mod.ts";
import type { Exchange } from "../exchange.ts";
import { offeredNames } from "../names.ts";
import type { Repository } from "../repositories.ts";
import { attachmentsOf } from "./attachments.ts";
import type { Cache } from "./cache.ts";
import { MAX_LISTED_MANIFEST, type PageSource, readManifest, repositoriesNamed } from "./read.ts";
import { summarize, type Summary } from "./summary.ts";
import type { PageTools } from "./tools.ts";

/** One line of the list. */
export interface ListedImage {
  /** As clients pull it, without the host. */
  name: string;
  tag: string;
  digest?: Digest;
  /** Absent if its manifest cannot be read, or is a very large one. */
  summary?: Summary;
  /** The formats of its signatures, each once. */
  signatures: readonly SignatureFormat[];
  /** How many manifests refer to it, its signatures among them. */
  referrers: number;
}

/** A page of the list. */
export interface ImageList {
  images: readonly ListedImage[];
  /** How many repositories there are, or have a name like the one that is looked for. */
  repositories: number;
  /** What is to be looked for, in names. */
  query: string;
  isFirst: boolean;
  /** Where the next page begins: behind this. */
  next?: string;
}

/** How many images stand on one page. */
export const PAGE_SIZE = 50;

/** The longest text that is looked for. */
const MAX_QUERY = 100;

/**
 * Lists what is served, from what the query `after` says on. No more is read than what stands on one page.
 *
 * @param summaries those that are known, by digest
 */
export async function listImages(
  exchange: Exchange,
  tools: PageTools,
  summaries: Cache<Summary>,
): Promise<ImageList> {
  const { url, repositories, names, request: { signal } } = exchange;
  const query = (url.searchParams.get("q") ?? "").trim().slice(0, MAX_QUERY);
  const after = url.searchParams.get("after") ?? "";
  const offered = offeredNames(await repositories.list({ signal }), names)
    .filter((name) => name.includes(query.toLowerCase()));
  const images: ListedImage[] = [];
  let next: string | undefined;
  for await (const { repository, name, tag } of tagsAfter(exchange, offered, after)) {
    if (images.length === PAGE_SIZE) {
      const last = images[PAGE_SIZE - 1];
      next = `${last.name}:${last.tag}`;
      break;
    }
    const source = { repository, tools, fileBody: exchange.fileBody, signal };
    images.push(await listedImage(source, name, tag, summaries));
  }
  return { images, repositories: offered.length, query, isFirst: after === "", ...(next !== undefined && { next }) };
}

/** One tag of a repository. */
interface ListedTag {
  repository: Repository;
  name: string;
  tag: string;
}

/** The tags of images behind `name:tag`, in the order of names, then of tags. */
async function* tagsAfter(exchange: Exchange, names: readonly string[], after: string): AsyncIterable<ListedTag> {
  const [, afterName = "", afterTag = ""] = /^(.*):([^:]*)$/.exec(after) ?? [];
  const { signal } = exchange.request;
  for (const name of names) {
    if (name < afterName) continue;
    for (const repository of repositoriesNamed(exchange, name)) {
      const tags = await repository.tags({ signal });
      if (!tags) continue;
      for (const tag of tags) {
        const isPassed = name === afterName && tag <= afterTag;
        if (!isPassed && !attachmentSubject(tag)) yield { repository, name, tag };
      }
      break;
    }
  }
}

async function listedImage(
  source: PageSource,
  name: string,
  tag: string,
  summaries: Cache<Summary>,
): Promise<ListedImage> {
  const read = await readManifest(source, tag, MAX_LISTED_MANIFEST);
  if (read.state !== "ok") return { name, tag, signatures: [], referrers: 0 };
  const { descriptor, manifest } = read;
  const { digest } = descriptor;
  // For all who ask, so it goes on if this client leaves.
  const shared = { ...source, signal: undefined };
  const summary = await summaries.get(digest, () => summarize(shared, descriptor, manifest));
  // What is missing may come.
  if (!summary.isWhole) summaries.forget(digest);
  const attachments = await attachmentsOf(source, digest);
  const signatures = new Set(attachments.flatMap(({ format }) => format ?? []));
  return { name, tag, digest, summary, signatures: [...signatures], referrers: attachments.length };
}
