import {
  type Archive,
  blameVolumes,
  type ImportedImage,
  importImages,
  type NamedImage,
  nameImages,
  type NamingOptions,
  openArchive,
  type Rename,
} from "../../lib/archive/mod.ts";
import { readVerified } from "../../lib/content/mod.ts";
import { hasCode, SatchelError, withContext } from "../../lib/error.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  formatReference,
  MAX_MANIFEST_SIZE,
  type Platform,
  type Reference,
} from "../../lib/oci/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { printable } from "../../lib/printable.ts";
import type { Snapshot, Store } from "../../lib/store/mod.ts";
import { type FlagValues, isSet, listOf, textOf } from "../line/flags.ts";
import { readImageName, readTypedName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { printFailures } from "../output/failures.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { openPolicyGate, type PolicyGate } from "../policy/gate.ts";
import { loadSettings, type Settings } from "../settings/settings.ts";
import { lossesOf } from "./import_loss.ts";
import { guardedImport } from "./plugin_hooks.ts";
import { countReferrers, describeReferrers } from "./referrer_count.ts";

/**
 * What `-o json` prints about each image that was imported. Members are never renamed or removed, but more may come.
 */
interface ImportReport {
  /** The full name: `registry/repository[:tag][@digest]`. */
  name: string;
  /** The digest, media type and size (in bytes) of the manifest behind the name. */
  digest: Digest;
  mediaType: string;
  size: number;
  /** What came with the image and with none before it, manifests included. */
  new: { blobs: number; bytes: number };
  /** What was there already. */
  present: { blobs: number; bytes: number };
  /** How many manifests of each artifact type came along because they refer to the image. */
  referrers: Record<string, number>;
  /** The platforms whose content the store has, if others were left out. */
  platforms?: string[];
}

/** What may refuse an image before it has its name. */
interface Guards {
  plugins: PluginHost;
  policy: PolicyGate;
}

/** `satchel image import SRC_FILE`: from an archive into the store. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const naming = namingOptions(invocation.flags);
  using reporter = openReporter(settings, invocation.signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  await using policy = await openPolicyGate(settings, invocation, reporter);
  const { imported, failures } = await importFrom(invocation, settings, reporter, naming, { plugins, policy });
  reporter.finish();
  const status = printFailures(failures, invocation);
  imported.sort((a, b) => compare(formatReference(a.reference), formatReference(b.reference)));
  const text = () => settings.quiet || imported.length === 0 ? "" : describe(imported);
  await printResult(outputMode(invocation.flags), imported.map(report), text);
  return status;
}

async function importFrom(
  { arguments: [path], flags, signal }: Invocation,
  settings: Settings,
  reporter: Reporter,
  naming: NamingOptions,
  { plugins, policy }: Guards,
): Promise<{ imported: ImportedImage[]; failures: unknown[] }> {
  const { spoolFolder, concurrency, store: storePath } = settings;
  const arrived = { any: false };
  try {
    await using archive = await openArchive(path, { spoolFolder, signal, onWarning: reporter.warn });
    if (archive.images.length === 0) throw new SatchelError("invalid", `there is no image in ${archive.name}`);
    const { named, problems, leftOut } = nameImages(archive.images, archive.name, naming);
    const damaged = await leaveOut(archive, leftOut.map(({ descriptor }) => descriptor), reporter, signal);
    const store = openLocalStore(settings, reporter);
    const referrers = isSet(flags, "referrers", true);
    // Of an archive that goes by once, what does not come along cannot be had any more.
    const elsewhere = referrers || archive.pour ? undefined : archive.source;
    const { allowed, refused } = sieve(named, policy);
    const result = await importImages(archive, allowed, store.batch(), {
      signal,
      referrers,
      ...(concurrency !== undefined && { concurrency }),
      onWarning: reporter.warn,
      onProgress(done, total) {
        arrived.any = true;
        reporter.measure?.("Importing", done, total);
      },
      guard(target, image) {
        const guarded = guardedImport(target, { plugins, image, store: storePath, archive: path });
        return policy.target(guarded, {
          names: [image],
          place: store.repository(image),
          ...(elsewhere && { elsewhere }),
        });
      },
    });
    const failures = [...problems, ...damaged, ...refused, ...result.failures];
    if (archive.form.volumes !== undefined && failures.some((error) => hasCode(error, "integrity"))) {
      const onProgress = (done: number, total: number) => reporter.measure?.("Hashing", done, total);
      const blame = await blameVolumes(archive.name, { signal, onProgress });
      if (blame) failures.push(blame);
    }
    const imported = await asStored(store, result.imported, signal);
    failures.push(...await lossesOf(store, imported, result.imported, signal));
    return { imported, failures: failures.map((error) => withContext("importing images", error)) };
  } catch (error) {
    if (!signal.aborted) throw withContext("importing images", error);
    throw new SatchelError("cancelled", "importing images: interrupted", {
      ...(arrived.any && { hint: "What has arrived is kept: the same command goes on from there." }),
    });
  }
}

/** Images that may have their names, and for each other one why not. */
function sieve(images: readonly NamedImage[], policy: PolicyGate): { allowed: NamedImage[]; refused: unknown[] } {
  const allowed: NamedImage[] = [];
  const refused: unknown[] = [];
  for (const each of images) {
    try {
      policy.checkNames([each.reference], each.image.descriptor.digest);
      allowed.push(each);
    } catch (error) {
      refused.push(error);
    }
  }
  return { allowed, refused };
}

/** With the platforms that the store has now: what came for some of them joins what was there. */
async function asStored(store: Store, imported: ImportedImage[], signal: AbortSignal): Promise<ImportedImage[]> {
  if (imported.every(({ platforms }) => !platforms)) return imported;
  const snapshot = await store.snapshot({ signal });
  return imported.map(({ platforms, ...image }) => {
    const there = platforms && storedPlatforms(snapshot, image.reference, platforms);
    return { ...image, ...(there && { platforms: there }) };
  });
}

/** Somebody else may have removed it at once. */
function storedPlatforms(snapshot: Snapshot, image: Reference, imported: readonly Platform[]) {
  try {
    return snapshot.find(image).platforms;
  } catch (error) {
    if (hasCode(error, "not-found")) return imported;
    throw error;
  }
}

/** Images without a name are left out beside others; whether they are such, or only damaged, has to be looked at. */
async function leaveOut(
  { source, name }: Archive,
  images: readonly Descriptor[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const image of images) {
    try {
      await readVerified(source.fetch(image, { signal }), image, MAX_MANIFEST_SIZE);
      reporter.warn(`${image.digest} in ${name} has no name and is left out; --tag ${image.digest}=NAME gives it one`);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error);
    }
  }
  return failures;
}

function namingOptions(flags: FlagValues): NamingOptions {
  const name = textOf(flags, "name");
  const renames = listOf(flags, "tag").map(readRename);
  return { renames, ...(name !== undefined && { name: readRepository(name) }) };
}

function readRepository(text: string): NonNullable<NamingOptions["name"]> {
  const { reference: { registry, repository, tag, digest }, isTagged } = ofFlag("--name", () => readTypedName(text));
  if (digest === undefined) return { registry, repository, ...(isTagged && { tag }) };
  throw new SatchelError("usage", `--name takes no digest: ${printable(text, 300)}`);
}

/** No name has `=` in it, but what stands in an archive may be none. */
function readRename(text: string): Rename {
  const at = text.lastIndexOf("=");
  if (at > 0 && at < text.length - 1) {
    return { from: text.slice(0, at), to: ofFlag("--tag", () => readImageName(text.slice(at + 1))) };
  }
  throw new SatchelError("usage", `--tag takes SRC=DST, not ${printable(JSON.stringify(text), 300)}`);
}

/** Says which flag it was whose value cannot be read. */
function ofFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw withContext(flag, error);
  }
}

function describe(imported: readonly ImportedImage[]): string {
  const lines = imported.map(({ reference, platforms }) => {
    const only = platforms ? ` (${platforms.map(formatPlatform).join(", ")} only)` : "";
    return `  ${formatReference(reference)}${only}\n`;
  });
  const referrers = describeReferrers(imported);
  return `Successfully imported images:\n${lines.join("")}${
    referrers === undefined ? "" : `With them: ${referrers}\n`
  }`;
}

function report({ reference, root, platforms, attachments, new: brought, present }: ImportedImage): ImportReport {
  const { digest, mediaType, size } = root;
  return {
    name: formatReference(reference),
    digest,
    mediaType,
    size,
    new: brought,
    present,
    referrers: countReferrers(attachments),
    ...(platforms && { platforms: platforms.map(formatPlatform) }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
