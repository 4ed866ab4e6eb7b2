import { gatedSource, gatedTarget, type Source, type Target } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { type Descriptor, formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { PluginHost, TransferHookName } from "../../lib/plugin/mod.ts";

/** What plugins are asked about. */
export interface Guarded {
  plugins: PluginHost;
  image: Reference;
  /** Path of the local store. */
  store: string;
  /** Path of the archive, `-` for a stream, if there is one. */
  archive?: string;
}

/** The two ends of a pull. */
export interface PullEnds {
  source: Source;
  /** The tag or digest on the source. */
  from: string;
  target: Target;
}

/**
 * Puts `beforePull` between a pull and its source, and `afterPull` between it and its target, where a plugin has them. A
 * refusal by the first stands before anything but the name was asked for, one by the second before the name is set.
 */
export function guardedPull({ source, from, target }: PullEnds, guarded: Guarded): Pick<PullEnds, "source" | "target"> {
  return {
    source: guardedPullSource(source, from, guarded),
    target: guardedPullTarget(target, guarded),
  };
}

/** Puts `beforePull` between a pull and its source, where a plugin has it. */
export function guardedPullSource(source: Source, from: string, guarded: Guarded): Source {
  if (!hasHook(guarded, "beforePull")) return source;
  return gatedSource(source, from, (root) => ask("beforePull", root, guarded));
}

/** Puts `afterPull` between a pull and its target, where a plugin has it. */
export function guardedPullTarget(target: Target, guarded: Guarded): Target {
  if (!hasHook(guarded, "afterPull")) return target;
  return gatedTarget(target, { before: ({ names }) => ask("afterPull", names.at(-1)!.descriptor, guarded) });
}

/**
 * Asks `beforePush`.
 *
 * @throws {SatchelError} `refused`
 */
export async function checkPush(root: Descriptor, guarded: Guarded): Promise<void> {
  await ask("beforePush", root, guarded);
}

/** Puts `afterPush` behind a push of what `root` tells by then, where a plugin has it. */
export function guardedPush(target: Target, root: () => Descriptor, guarded: Guarded): Target {
  if (!hasHook(guarded, "afterPush")) return target;
  const after = () =>
    ask("afterPush", root(), guarded).catch((error: unknown) => {
      if (!(error instanceof SatchelError)) throw error;
      throw new SatchelError(error.code, error.message, {
        hint: `${formatReference(guarded.image)} has been pushed all the same.`,
        cause: error,
      });
    });
  return gatedTarget(target, { after });
}

/** Puts `afterImport` between an import and its target, where a plugin has it: before the name is set. */
export function guardedImport(target: Target, guarded: Guarded): Target {
  if (!hasHook(guarded, "afterImport")) return target;
  return gatedTarget(target, { before: ({ names }) => ask("afterImport", names.at(-1)!.descriptor, guarded) });
}

/**
 * Asks `beforeExport`.
 *
 * @throws {SatchelError} `refused`
 */
export async function checkExport(
  { image, name, root }: { image: Reference | string; name: string; root: Descriptor },
  guarded: Omit<Guarded, "image">,
): Promise<void> {
  // What is no full name, as that of an attachment, must not get past a guard either.
  const named = typeof image === "string" ? { registry: "", repository: name } : image;
  await ask("beforeExport", root, { ...guarded, image: named }, name);
}

/** A plugin that could not be loaded may have any hook, and its refusal must not be missed. */
function hasHook({ plugins }: Guarded, hook: TransferHookName): boolean {
  return plugins.plugins.some(({ hooks, failure }) => failure !== undefined || hooks.includes(hook));
}

async function ask(
  hook: TransferHookName,
  root: Descriptor,
  { plugins, image, store, archive }: Guarded,
  reference = formatReference(image),
): Promise<void> {
  const { mediaType, digest, size } = root;
  await plugins.check(hook, {
    reference,
    registry: image.registry,
    repository: image.repository,
    ...(image.tag !== undefined && image.digest === undefined && { tag: image.tag }),
    subject: { mediaType, digest, size },
    store,
    ...(archive !== undefined && { archive }),
  });
}
