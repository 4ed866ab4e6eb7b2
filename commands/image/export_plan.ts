import { Drafter, type HaveList } from "../../lib/archive/mod.ts";
import { attachmentSubject, type CopiedAttachment, type Plan, planCopy, readVerified } from "../../lib/content/mod.ts";
import { SatchelError, throwIfCancelled, withContext } from "../../lib/error.ts";
import {
  compareBytes,
  type Descriptor,
  formatPlatform,
  formatReference,
  isManifestType,
  matchesPlatform,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifest,
  parsePlatform,
  parseReference,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
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

/** What is needed to look images up. */
export interface ExportSource {
  store: Store;
  snapshot: Snapshot;
  signal: AbortSignal;
  onWarning: (message: string) => void;
}

/**
 * Looks up images, and finds out what they need; nothing is written.
 *
 * @param names as a user types them; `undefined` for all that the store has
 * @throws {SatchelError} `cancelled`, `not-found` if there is none at all
 */
export async function planExport(
  names: readonly string[] | undefined,
  choice: ExportChoice,
  source: ExportSource,
): Promise<ExportPlan> {
  const { store, snapshot, signal } = source;
  const plan: ExportPlan = { planned: [], drafter: new Drafter(), failures: [] };
  const seen = new Set<string>();
  for (const text of names ?? allNames(snapshot)) {
    throwIfCancelled(signal);
    try {
      const image = names ? await localName(store, text, { signal }) : fullName(text) ?? text;
      const name = typeof image === "string" ? image : formatReference(image);
      if (seen.has(name)) continue;
      seen.add(name);
      plan.planned.push(await planOne(plan.drafter, image, name, choice, source));
    } catch (error) {
      if (signal.aborted || !(error instanceof SatchelError)) throw error;
      plan.failures.push(error);
    }
  }
  return plan;
}

/** The tags of attachments are no names of images. */
function allNames({ names, name }: Snapshot): string[] {
  const images = names.filter((each) => !attachmentSubject(each)).sort(compareBytes);
  if (images.length > 0) return images;
  throw new SatchelError("not-found", `There is no image with a name in ${name}`);
}

/** The reference that a stored name is; tools with other rules have written others. */
function fullName(name: string): Reference | undefined {
  try {
    const reference = parseReference(name);
    return formatReference(reference) === name ? reference : undefined;
  } catch {
    return undefined;
  }
}

async function planOne(
  drafter: Drafter,
  image: Reference | string,
  name: string,
  { referrers, sparse, platforms: wanted, have }: ExportChoice,
  { snapshot, signal, onWarning }: ExportSource,
): Promise<PlannedExport> {
  const { descriptor: { digest }, platforms: there } = snapshot.find(image);
  try {
    if (there) checkPlatforms(there, wanted ?? []);
    const platforms = sparse ? wanted : there;
    const plan = await planCopy(snapshot, digest, { signal, onWarning, referrers, ...(platforms && { platforms }) });
    const all = await platformsOf(plan, snapshot);
    checkPlatforms(all, wanted ?? []);
    checkComplete(plan, snapshot, have);
    const only = platforms && leavesOut(plan) ? platforms : undefined;
    drafter.add({ name, plan, ...(only && { platforms: only }) });
    const others = wanted && !sparse ? (there ?? all).filter((each) => !isAmong(each, wanted)) : [];
    return { image, name, root: plan.root, attachments: plan.attachments, others, ...(only && { only }) };
  } catch (error) {
    throw withContext(name, error);
  }
}

function isAmong(platform: Platform, wanted: readonly Platform[]): boolean {
  return wanted.some((each) => matchesPlatform(platform, each));
}

/** The platforms that an image says it is for: its index does, or its config. */
async function platformsOf({ root, manifests }: Plan, snapshot: Snapshot): Promise<Platform[]> {
  const found = new Map<string, Platform>();
  for (const { descriptor, bytes } of manifests) {
    const { kind, children } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
    const own = descriptor.digest === root.digest && kind === "image"
      ? [await platformOfConfig(children[0], snapshot)]
      : [];
    const listed = kind === "index" ? children.map(({ platform }) => platform) : own;
    for (const platform of listed) {
      // BuildKit hides its attestations in an index behind a platform of this name.
      if (platform && platform.os !== "unknown") found.set(formatPlatform(platform), platform);
    }
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, platform]) => platform);
}

async function platformOfConfig(config: Descriptor, snapshot: Snapshot): Promise<Platform | undefined> {
  if (!/\.image(\.config)?\.v1\+json$/.test(config.mediaType) || config.size > MAX_MANIFEST_SIZE) return undefined;
  const bytes = await readVerified(snapshot.fetch(config), config, MAX_MANIFEST_SIZE);
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

function checkComplete({ blobs }: Plan, snapshot: Snapshot, have: HaveList | undefined): void {
  const lost = blobs.find((blob) => !have?.has(blob.digest) && !snapshot.holds(blob));
  if (!lost) return;
  throw new SatchelError("integrity", `it is incomplete: ${lost.digest} is missing or damaged in ${snapshot.name}`, {
    hint: "Pull it again: that brings back what is missing.",
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
