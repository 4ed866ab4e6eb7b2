import { gatedSource, type Source, type Target } from "../../lib/content/mod.ts";
import { type Descriptor, formatReference } from "../../lib/oci/mod.ts";
import {
  checkExport,
  checkPush,
  type Guarded,
  guardedImport,
  guardedPullSource,
  guardedPullTarget,
  guardedPush,
} from "../image/plugin_hooks.ts";
import type { CopyContext, CopyJob } from "./job.ts";

/**
 * Puts in front of a source what each end alone would ask before anything moves: `beforePull` for a registry that is copied
 * from, `beforePush` for one that is copied to, `beforeExport` for an archive and a folder. Whoever forbids one of these
 * means it for a copy as well.
 *
 * @param onRoot told what has passed
 */
export function guardSource(job: CopyJob, context: CopyContext, onRoot?: (root: Descriptor) => void): Source {
  const { source, from, reference } = job.image;
  const isPull = context.request.from.kind === "registry" && reference;
  const pulled = isPull ? guardedPullSource(source, from, guardedOf(context, reference)) : source;
  return gatedSource(pulled, from, async (root) => {
    await checkLeaving(job, root, context);
    onRoot?.(root);
  });
}

/**
 * Puts behind a target what each end alone would ask at the end: `afterPull` and `afterImport` before the store has the name,
 * `afterPush` when a registry has it.
 *
 * @param root what the image is, as {@link guardSource} told it
 */
export function guardTarget(
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
