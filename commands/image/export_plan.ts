import { checkSparse, Drafter, type HaveList } from "../../lib/archive/mod.ts";
import {
  attachmentSubject,
  type CopiedAttachment,
  isAmong,
  type Plan,
  planCopy,
  platformsOf,
} from "../../lib/content/mod.ts";
import { SatchelError, throwIfCancelled, withContext } from "../../lib/error.ts";
import {
  compareBytes,
  type Descriptor,
  formatReference,
  parseReference,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
import { localName } from "../open/local_store.ts";
import { checkAttachments, unknownLoss } from "./export_lost.ts";
import { checkPlatforms, leavesOut } from "./platforms.ts";

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
  const { store, snapshot, signal, onWarning } = source;
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
  const loss = choice.referrers ? await unknownLoss(snapshot, signal) : undefined;
  if (loss !== undefined) onWarning(loss);
  return plan;
}

/** The tags of attachments are no names of images. */
function allNames({ names, name }: Snapshot): string[] {
  const images = names.filter((each) => !attachmentSubject(each)).sort(compareBytes);
  if (images.length > 0) return images;
  throw new SatchelError("not-found", `there is no image with a name in ${name}`);
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
    checkSparse(plan, there);
    if (referrers) await checkAttachments(plan, snapshot);
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

function checkComplete({ blobs }: Plan, snapshot: Snapshot, have: HaveList | undefined): void {
  const lost = blobs.find((blob) => !have?.has(blob.digest) && !snapshot.holds(blob));
  if (!lost) return;
  throw new SatchelError("integrity", `it is incomplete: ${lost.digest} is missing or damaged in ${snapshot.name}`, {
    hint: "Pull it again: that brings back what is missing.",
  });
}
