import { basename, dirname, join, resolve } from "node:path";
import { gatedSource, type Source, type Target } from "../../lib/content/mod.ts";
import { type Descriptor, formatReference, type Reference } from "../../lib/oci/mod.ts";
import {
  checkExport,
  checkPush,
  type Guarded,
  guardedImport,
  guardedPullSource,
  guardedPullTarget,
  guardedPush,
} from "../image/plugin_hooks.ts";
import { realPath } from "../open/outside_store.ts";
import type { CopyContext, CopyJob } from "./job.ts";

/**
 * Puts in front of a source what each end alone would ask before anything moves: `beforePull` for a registry that is copied
 * from, `beforePush` for one that is copied to, `beforeExport` for an archive and a folder. Whoever forbids one of these
 * means it for a copy as well.
 *
 * @param onRoot told what has passed
 */
export function guardSource(job: CopyJob, context: CopyContext, onRoot?: (root: Descriptor) => void): Source {
  const { from, reference } = job.image;
  const source = isIntoStore(context)
    ? context.policy.source(job.image.source, from, ruledNames(job, context))
    : job.image.source;
  const isPull = context.request.from.kind === "registry" && reference;
  const pulled = isPull ? guardedPullSource(source, from, guardedOf(context, reference)) : source;
  return gatedSource(pulled, from, async (root) => {
    await checkLeaving(job, root, context);
    onRoot?.(root);
  });
}

/** What of the two ends can be read when all has arrived. */
export interface GuardedEnds {
  /** Where it arrived. */
  place: Source;
  /** Where it comes from, if that does not go by once. */
  source?: Source;
}

/**
 * Puts behind a target what each end alone would ask at the end: `afterPull` and `afterImport` before the store has the name,
 * `afterPush` when a registry has it. The policy comes before all of them.
 *
 * @param root what the image is, as {@link guardSource} told it
 */
export function guardTarget(
  job: CopyJob,
  target: Target,
  ends: GuardedEnds,
  context: CopyContext,
  root: () => Descriptor,
): Target {
  const guarded = guardByPlugins(job, target, context, root);
  if (!isIntoStore(context)) return guarded;
  const { place, source } = ends;
  const isLeftOut = !context.request.choice.referrers;
  return context.policy.target(guarded, {
    names: ruledNames(job, context),
    place,
    ...(isLeftOut && source && { elsewhere: source }),
  });
}

function guardByPlugins(
  { image: { reference }, to }: CopyJob,
  target: Target,
  context: CopyContext,
  root: () => Descriptor,
): Target {
  const { from: start, to: end } = context.request;
  if (end.kind === "registry") return guardedPush(target, root, guardedOf(context, to));
  if (end.kind !== "store") return target;
  if (start.kind === "registry" && reference) return guardedPullTarget(target, guardedOf(context, reference));
  if (!("path" in start)) return target;
  return guardedImport(target, { ...guardedOf(context, to), archive: start.path });
}

/** Whether the local store is copied to, also where it is called a folder. */
function isIntoStore({ request: { to }, settings: { store } }: CopyContext): boolean {
  return to.kind === "store" || (to.kind === "dir" && placeOf(to.path) === placeOf(store));
}

/** Where a path leads, also if nothing is there yet: the folders above it may be links all the same. */
function placeOf(path: string): string {
  const full = resolve(path);
  const real = realPath(full);
  if (real !== undefined || dirname(full) === full) return real ?? full;
  return join(placeOf(dirname(full)), basename(full));
}

/** The name that an image gets and, from a registry, the one that it has there: no rule is got round by another name. */
function ruledNames({ image: { reference }, to }: CopyJob, { request: { from } }: CopyContext): Reference[] {
  if (from.kind !== "registry" || !reference || formatReference(reference) === formatReference(to)) return [to];
  return [to, reference];
}

async function checkLeaving({ to }: CopyJob, root: Descriptor, context: CopyContext): Promise<void> {
  const { request: { to: end }, plugins, settings: { store } } = context;
  if (end.kind === "registry") await checkPush(root, guardedOf(context, to));
  else if (end.kind !== "store") {
    await checkExport({ image: to, name: formatReference(to), root }, { plugins, store, archive: end.path });
  }
}

function guardedOf({ plugins, settings }: CopyContext, image: Guarded["image"]): Guarded {
  return { plugins, image, store: settings.store };
}
