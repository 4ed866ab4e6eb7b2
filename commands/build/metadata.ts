import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import { onPath } from "../../lib/files/mod.ts";
import type { PackedMetadata } from "../../lib/gadget/build/pack.ts";
import { readInside } from "../../lib/gadget/build/inside.ts";
import type { GadgetSource } from "../../lib/gadget/build/source.ts";
import { MAX_METADATA_SIZE } from "../../lib/gadget/metadata/bounds.ts";
import {
  checkAgainstObject,
  checkMarkers,
  checkMetadata,
  type StrictMetadata,
  updateMetadata,
} from "../../lib/gadget/metadata/check.ts";
import type { EbpfObject } from "../../lib/gadget/object/object.ts";
import { printable } from "../../lib/printable.ts";
import type { Reporter } from "../output/reporter.ts";
import type { BuildOptions } from "./options.ts";
import { type Problem, reportProblems } from "./problems.ts";
import { type StagedFile, stageFile } from "./staged_file.ts";

/** How a gadget.yaml is looked at. */
type CheckOptions = Pick<BuildOptions, "isStrict" | "validatesMetadata" | "updatesMetadata">;

/** A gadget.yaml as it is read. */
export interface MetadataFile {
  /** That of the gadget. */
  folder: string;
  path: string;
  /** `undefined` if there is none. */
  bytes: Uint8Array | undefined;
  /** Whether the gadget has a module that may make data sources and fields. */
  hasWasm: boolean;
}

/**
 * Reads the gadget.yaml and looks at it, as far as that can be done without an object.
 *
 * @throws {SatchelError} `storage`; `invalid` with all that is wrong in it
 */
export function readMetadataFile(
  { folder, metadata, wasm }: GadgetSource,
  options: CheckOptions,
  reporter: Pick<Reporter, "warn">,
): MetadataFile | undefined {
  if (!metadata) return undefined;
  const path = join(folder, metadata.name);
  const bytes = metadata.exists ? readInside(folder, metadata.name, "metadata", MAX_METADATA_SIZE) : undefined;
  if (bytes) checked(path, bytes, options, reporter);
  if (options.updatesMetadata) checkReplaceable(path);
  return bytes || options.updatesMetadata ? { folder, path, bytes, hasWasm: wasm !== undefined } : undefined;
}

/** What a gadget.yaml becomes. */
export interface FinalMetadata {
  metadata: StrictMetadata;
  packed: PackedMetadata;
  /** Writes the file, if it is another one than before; to be called when all else is done. */
  write: StagedFile | undefined;
  /** What the file becomes, for people; `undefined` if nothing was to be added. */
  change: string | undefined;
}

/**
 * Completes a gadget.yaml from the objects, if that is wanted, and looks at whether they have what it names.
 *
 * @throws {SatchelError} `invalid` with all that is wrong in it
 */
export function finishMetadata(
  { folder, path, bytes: before, hasWasm }: MetadataFile,
  objects: readonly EbpfObject[],
  options: CheckOptions,
  reporter: Pick<Reporter, "warn">,
): FinalMetadata {
  const bytes = options.updatesMetadata ? updated(before, objects) : before!;
  // What was there is known already, and its warnings were told.
  const metadata = checked(path, bytes, options, bytes === before ? { warn() {} } : reporter);
  if (options.validatesMetadata) {
    const found = (objects.length > 0 ? objects : [undefined]).flatMap((object) =>
      checkAgainstObject(metadata, object, { hasWasm })
    );
    reportProblems(path, once(found), options.isStrict, reporter);
  }
  const isSame = before && new TextDecoder().decode(before) === new TextDecoder().decode(bytes);
  return {
    metadata,
    packed: { ...metadata, bytes },
    write: isSame ? undefined : stageMetadata(folder, path, bytes),
    change: options.updatesMetadata ? changeOf(path, before, bytes) : undefined,
  };
}

function changeOf(path: string, before: Uint8Array | undefined, after: Uint8Array): string {
  const name = printable(path);
  if (!before) return `${name} is new: its TODO texts are yours to fill in`;
  const [lines, added] = [before, after].map((bytes) => bytes.filter((byte) => byte === 0x0a).length);
  const count = Math.max(added! - lines!, 1);
  if (new TextDecoder().decode(before) === new TextDecoder().decode(after)) {
    return `${name} has all of it: nothing is added`;
  }
  return `${name} has ${count} more ${count === 1 ? "line" : "lines"}`;
}

/**
 * Tells what is wrong with the markers of a program that its gadget.yaml, if there is one, does not speak of.
 *
 * @throws {SatchelError} `invalid` with all that is wrong
 */
export function reportMarkers(
  { folder, ebpf }: GadgetSource,
  metadata: StrictMetadata | undefined,
  objects: readonly EbpfObject[],
  { isStrict }: CheckOptions,
  reporter: Pick<Reporter, "warn">,
): void {
  if (ebpf === undefined) return;
  const found = objects.flatMap((object) => checkMarkers(metadata, object));
  reportProblems(join(folder, ebpf), once(found), isStrict, reporter);
}

function updated(before: Uint8Array | undefined, [object]: readonly EbpfObject[]): Uint8Array {
  if (!object) {
    throw new SatchelError("invalid", "--update-metadata needs an eBPF program to read from, and the gadget has none");
  }
  return new TextEncoder().encode(
    updateMetadata(before && new TextDecoder("utf-8", { ignoreBOM: true }).decode(before), object),
  );
}

function checked(
  path: string,
  bytes: Uint8Array,
  options: CheckOptions,
  reporter: Pick<Reporter, "warn">,
): StrictMetadata {
  const { problems, metadata } = checkMetadata(bytes, basename(path));
  const isLooked = options.validatesMetadata || options.updatesMetadata;
  if (isLooked || !metadata) reportProblems(path, problems, options.isStrict && isLooked, reporter);
  if (!metadata) throw new SatchelError("invalid", `${path} cannot be read`);
  return metadata;
}

/** The two architectures mostly have the same problems. */
function once(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((each) => [JSON.stringify(each), each])).values()];
}

function checkReplaceable(path: string): void {
  try {
    onPath("write to", dirname(path), () => accessSync(dirname(path), constants.W_OK | constants.X_OK));
  } catch (cause) {
    if (!(cause instanceof SatchelError)) throw cause;
    // The store, which may be named instead of one that cannot be written to, has no part in it.
    throw new SatchelError(cause.code, cause.message, {
      hint: `--update-metadata writes ${printable(basename(path))} into the gadget's folder.`,
      cause,
    });
  }
}

/** Links to it stay, and so do its mode and its owner. */
function stageMetadata(folder: string, named: string, bytes: Uint8Array): StagedFile {
  const path = existsSync(named) ? realpathSync(named) : named;
  const old = statSync(path, { throwIfNoEntry: false });
  return stageFile(path, bytes, {
    owner: old ?? statSync(dirname(path)),
    within: folder,
    ...(old && { mode: old.mode & 0o7777 }),
  });
}
