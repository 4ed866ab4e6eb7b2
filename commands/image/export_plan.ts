import { Drafter, type HaveList } from "../../lib/archive/mod.ts";
import { attachmentSubject, type CopiedAttachment, type Plan, planCopy, readVerified } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  isManifestType,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifest,
  parsePlatform,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { localName } from "../open/local_store.ts";

/** What is exported of each image. */
export interface ExportChoice {
  /** `undefined` for all platforms. */
  platforms?: readonly Platform[];
  /** Whether other platforms are left out. */
  sparse: boolean;
  referrers: boolean;
  /** What the other side has. */
  have?: HaveList;
}

/** An image that is to be exported. */
export interface PlannedExport {
  /** As a user names it, or exactly as the store has it. */
  image: Reference | string;
  /** As it will stand in the archive. */
  name: string;
  root: Descriptor;
  attachments: readonly CopiedAttachment[];
  /** The platforms whose content alone comes along, if others are left out. */
  only?: readonly Platform[];
  /** The platforms that come along though they were not asked for. */
  others: readonly Platform[];
}

/** The images of an export, and one failure for each that cannot be exported. */
export interface ExportPlan {
  planned: PlannedExport[];
  drafter: Drafter;
  failures: unknown[];
}

/** The names of all images of a store; the tags of attachments are none. */
export async function allNames(store: Store, signal: AbortSignal): Promise<string[]> {
  const names = (await store.names({ signal })).filter((name) => !attachmentSubject(name));
  if (names.length > 0) return names;
  throw new SatchelError("not-found", `There is no image with a name in ${store.path}`);
}

/**
 * Looks up all images, and finds out what they need; nothing is written.
 *
 * @param names as a user types them
 * @throws {SatchelError} `cancelled`, and what is wrong with the store as a whole
 */
export async function planExport(
  store: Store,
  names: readonly string[],
  choice: ExportChoice,
  { signal, onWarning }: { signal: AbortSignal; onWarning: (message: string) => void },
): Promise<ExportPlan> {
  const plan: ExportPlan = { planned: [], drafter: new Drafter(), failures: [] };
  const seen = new Set<string>();
  for (const text of names) {
    try {
      const image = await localName(store, text, { signal });
      const name = typeof image === "string" ? image : formatReference(image);
      if (seen.has(name)) continue;
      seen.add(name);
      plan.planned.push(await planOne(plan.drafter, store, image, name, choice, { signal, onWarning }));
    } catch (error) {
      if (signal.aborted || !(error instanceof SatchelError)) throw error;
      plan.failures.push(error);
    }
  }
  return plan;
}

async function planOne(
  drafter: Drafter,
  store: Store,
  image: Reference | string,
  name: string,
  choice: ExportChoice,
  options: { signal: AbortSignal; onWarning: (message: string) => void },
): Promise<PlannedExport> {
  const { digest } = await store.resolve(image, options);
  const { referrers, sparse, platforms: wanted } = choice;
  try {
    const plan = await planCopy(store.source, digest, { ...options, referrers, ...(sparse && { platforms: wanted }) });
    const all = await platformsOf(plan, store);
    checkPlatforms(all, wanted ?? []);
    checkComplete(plan, store, choice.have);
    const only = sparse && leavesOut(plan) ? wanted : undefined;
    drafter.add({ name, plan, ...(only && { platforms: only }) });
    const others = wanted && !only ? all.filter((each) => !wanted.some((one) => matchesPlatform(each, one))) : [];
    return { image, name, root: plan.root, attachments: plan.attachments, others, ...(only && { only }) };
  } catch (error) {
    throw withContext(name, error);
  }
}

/** The platforms that an image says it is for: its index does, or its config. */
async function platformsOf({ root, manifests }: Plan, store: Store): Promise<Platform[]> {
  const found = new Map<string, Platform>();
  for (const { descriptor, bytes } of manifests) {
    const { kind, children } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    const own = descriptor.digest === root.digest && kind === "image"
      ? [await platformOfConfig(children[0], store)]
      : [];
    const listed = kind === "index" ? children.map(({ platform }) => platform) : own;
    for (const platform of listed) {
      // BuildKit hides its attestations in an index behind a platform of this name.
      if (platform && platform.os !== "unknown") found.set(formatPlatform(platform), platform);
    }
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, platform]) => platform);
}

async function platformOfConfig(config: Descriptor, store: Store): Promise<Platform | undefined> {
  if (!/\.image(\.config)?\.v1\+json$/.test(config.mediaType) || config.size > MAX_MANIFEST_SIZE) return undefined;
  const bytes = await readVerified(store.source.fetch(config), config, MAX_MANIFEST_SIZE);
  return parsePlatform(parseJson(bytes, config.digest));
}

/** An image that does not say what it is for may be for anything. */
function checkPlatforms(all: readonly Platform[], wanted: readonly Platform[]): void {
  if (all.length === 0) return;
  const lacked = wanted.filter((each) => !all.some((one) => matchesPlatform(one, each)));
  if (lacked.length === 0) return;
  const list = (platforms: readonly Platform[]) => platforms.map(formatPlatform).join(", ");
  throw new SatchelError("not-found", `there is nothing for ${list(lacked)} in it; it is for ${list(all)}`);
}

function checkComplete({ blobs }: Plan, store: Store, have: HaveList | undefined): void {
  const lost = blobs.find((blob) => !have?.has(blob.digest) && !store.holds(blob));
  if (!lost) return;
  throw new SatchelError("integrity", `it is incomplete: ${lost.digest} is missing or damaged in ${store.path}`, {
    hint:
      "Pull it again: that brings back what is missing. Of what was imported sparse, --platform with --sparse exports what is there.",
  });
}

/** Whether an index of it has parts that are not planned. */
function leavesOut({ manifests }: Plan): boolean {
  const planned = new Set(manifests.map(({ descriptor }) => descriptor.digest));
  return manifests.some(({ descriptor, bytes }) => {
    const { kind, children } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    return kind === "index" &&
      children.some(({ digest, mediaType }) => isManifestType(mediaType) && !planned.has(digest));
  });
}
