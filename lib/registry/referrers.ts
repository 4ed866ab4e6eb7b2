import { fallbackTag } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import {
  checkManifest,
  type Descriptor,
  type Digest,
  type JsonObject,
  MAX_CHILDREN,
  MAX_MANIFEST_SIZE,
  MediaType,
  parseManifestJson,
  plainDescriptor,
} from "../oci/mod.ts";
import { contentType } from "./body.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import { findManifest } from "./manifests.ts";
import { pages } from "./pages.ts";

/** One list of referrers, all its pages together, is bounded as the index that a fallback tag has. */
const LIMITS = { pages: 100, bytes: MAX_MANIFEST_SIZE };

/** What is longer, in UTF-16 units, is no media type: RFC 6838 section 4.2 allows 127 on either side of the slash. */
const MAX_ARTIFACT_TYPE = 255;

/** What a registry without the referrers API answers. */
const UNSUPPORTED_STATUSES: readonly number[] = [400, 404, 405, 501];

/** Takes what one of the ways threw, and throws it if it is not that the way is denied. */
type OnDenied = (subject: Digest, error: unknown) => void;

/** Lists what refers to a manifest, by whichever of the two ways the repository has. */
export interface ReferrerLister {
  /**
   * The referrers with their artifact types, but without annotations: lists of many subjects are in memory at once, and each
   * referrer's own manifest has them.
   *
   * @throws {SatchelError} `invalid` for a list that is malformed, has more than 10,000 entries or more than 4 MiB, `refused`,
   *   `registry`, `network`, `cancelled`
   */
  list(subject: Digest, signal?: AbortSignal): Promise<Descriptor[]>;
  /** Whether the repository has the referrers API; asks about `subject` if that is not known yet. */
  hasApi(subject: Digest, signal?: AbortSignal): Promise<boolean>;
}

/**
 * Makes the lister of one repository. At the first question the API and the fallback tag are asked at the same time, so it
 * takes one round trip; from then on only the one that answered.
 *
 * @param onDenied told that one of the ways is denied; may throw, which ends the question. Default: a warning, and what the
 *   other way has counts
 */
export function createReferrerLister(client: Client, onDenied?: (error: SatchelError) => void): ReferrerLister {
  const denied = (subject: Digest, error: unknown) => {
    if (!hasCode(error, "denied")) throw error;
    if (onDenied) return onDenied(error);
    client.warn(`What refers to ${subject} may be missing: ${error.message}`);
  };
  let supported: boolean | undefined;
  let firstAnswer: Promise<Descriptor[] | undefined> | undefined;

  async function fromApi(subject: Digest, signal?: AbortSignal): Promise<Descriptor[] | undefined> {
    const found = await listByApi(client, subject, denied, signal);
    // What is forbidden may be allowed for another subject, so it decides nothing.
    if (found !== "forbidden") supported ??= found !== undefined;
    return found === "forbidden" ? undefined : found;
  }

  async function list(subject: Digest, signal?: AbortSignal): Promise<Descriptor[]> {
    // Whoever asks meanwhile waits for the first answer rather than to ask in both ways again.
    if (supported === undefined) await firstAnswer?.catch(() => {});
    if (supported === true) return await fromApi(subject, signal) ?? await listByTag(client, subject, denied, signal);
    if (supported === false) return await listByTag(client, subject, denied, signal);
    const byTag = listByTag(client, subject, denied, signal);
    // Its error counts only if its answer does.
    byTag.catch(() => {});
    firstAnswer = fromApi(subject, signal);
    return await firstAnswer ?? await byTag;
  }

  return {
    list,
    async hasApi(subject, signal) {
      if (supported === undefined) await list(subject, signal);
      return supported === true;
    },
  };
}

/** `undefined` if the registry has no such API (distribution-spec 1.1, end-12a). */
async function listByApi(
  client: Client,
  subject: Digest,
  denied: OnDenied,
  signal?: AbortSignal,
): Promise<Descriptor[] | "forbidden" | undefined> {
  const spec = {
    method: "GET" as const,
    url: client.url(`referrers/${subject}`),
    headers: { accept: MediaType.ociIndex },
    scopes: client.pull,
    accept: [200, ...UNSUPPORTED_STATUSES],
    signal,
  };
  const found = new Map<Digest, Descriptor>();
  let answered = false;
  try {
    for await (const page of pages(client, spec, LIMITS, (sent, body) => readPage(sent, body, subject))) {
      answered = true;
      for (const descriptor of page) found.set(descriptor.digest, descriptor);
      if (found.size > MAX_CHILDREN) throw tooMany(client, subject);
    }
  } catch (error) {
    denied(subject, error);
    return "forbidden";
  }
  return answered ? [...found.values()] : undefined;
}

/** `undefined` if this is not a list of referrers: some servers answer any path with a page of their own. */
async function readPage(
  sent: Exchange,
  body: () => Promise<Uint8Array>,
  subject: Digest,
): Promise<Descriptor[] | undefined> {
  if (sent.response.status !== 200) return undefined;
  const type = contentType(sent);
  if (type !== MediaType.ociIndex && type !== "application/json" && type !== "") return undefined;
  const what = `The list of what refers to ${subject}`;
  const json = asIndex(await body(), what);
  return json && checkManifest(json, MediaType.ociIndex, what).children.map(listEntry);
}

/** What is kept of an entry. */
function listEntry(descriptor: Descriptor): Descriptor {
  const { artifactType } = descriptor;
  const isKept = artifactType !== undefined && artifactType.length <= MAX_ARTIFACT_TYPE;
  return { ...plainDescriptor(descriptor), ...(isKept ? { artifactType } : {}) };
}

function asIndex(body: Uint8Array, what: string): JsonObject | undefined {
  try {
    const json = parseManifestJson(body, what);
    return json.schemaVersion === 2 && json.manifests !== undefined ? json : undefined;
  } catch {
    return undefined;
  }
}

async function listByTag(
  client: Client,
  subject: Digest,
  denied: OnDenied,
  signal?: AbortSignal,
): Promise<Descriptor[]> {
  const tag = fallbackTag(subject);
  try {
    const found = await findManifest(client, tag, signal);
    return found?.manifest.kind === "index" ? found.manifest.children.map(listEntry) : [];
  } catch (error) {
    denied(subject, error);
    return [];
  }
}

function tooMany(client: Client, subject: Digest): SatchelError {
  return new SatchelError(
    "invalid",
    `${client.registry.host} lists more than ${MAX_CHILDREN} manifests that refer to ${subject}`,
  );
}
