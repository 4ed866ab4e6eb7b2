import { gatedSource, type Source, type Target } from "../../lib/content/mod.ts";
import { type Descriptor, formatReference } from "../../lib/oci/mod.ts";
import {
  checkExport,
  checkPush,
  type Guarded,
  guardedPullSource,
  guardedPullTarget,
  guardedPush,
} from "../image/plugin_hooks.ts";
import type { CopyContext, CopyJob } from "./job.ts";

/** The two ends of a copy, with the plugins in between that have a say in it. */
export interface GuardedEnds {
  source: Source;
  target: Target;
}

/** Puts `beforePull` in front of a registry that is copied from: whoever forbids a pull from there means this one as well. */
export function guardSource({ image }: CopyJob, context: CopyContext): Source {
  const { source, from, reference } = image;
  if (context.request.from.kind !== "registry" || !reference) return source;
  return guardedPullSource(source, from, guardedOf(context, reference));
}

/**
 * Puts between two ends what each of them alone would have: a pull from a registry and a push to one, an export where
 * images go into a folder, and what a pull asks before it sets a name in the store.
 */
export function guardEnds(job: CopyJob, target: Target, context: CopyContext): GuardedEnds {
  const { image: { from, reference }, to } = job;
  const { from: start, to: end } = context.request;
  const source = guardSource(job, context);
  if (end.kind === "store") {
    const isPull = start.kind === "registry" && reference;
    return { source, target: isPull ? guardedPullTarget(target, guardedOf(context, reference)) : target };
  }
  if (end.kind !== "registry") {
    return { source: gatedSource(source, from, (root) => checkCarried(job, root, context)), target };
  }
  const guarded = guardedOf(context, to);
  let root: Descriptor | undefined;
  const checked = gatedSource(source, from, async (found) => {
    await checkPush(found, guarded);
    root = found;
  });
  return { source: checked, target: guardedPush(target, () => root!, guarded) };
}

/**
 * Asks `beforeExport` about an image that is to go into an archive or a folder.
 *
 * @throws {SatchelError} `refused`
 */
export async function checkCarried({ to }: CopyJob, root: Descriptor, context: CopyContext): Promise<void> {
  const { request, plugins, settings } = context;
  const archive = "path" in request.to ? request.to.path : "";
  await checkExport({ image: to, name: formatReference(to), root }, { plugins, store: settings.store, archive });
}

function guardedOf({ plugins, settings }: CopyContext, image: Guarded["image"]): Guarded {
  return { plugins, image, store: settings.store };
}
