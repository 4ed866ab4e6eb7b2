import { SatchelError, withContext } from "../../lib/error.ts";
import { type Architecture, ARCHITECTURES } from "../../lib/gadget/build/architectures.ts";
import { type BuildFile, NO_BUILD_FILE, readBuildFile } from "../../lib/gadget/build/build_file.ts";
import { formatEpoch, formatLocal } from "../../lib/gadget/build/created.ts";
import { objectName } from "../../lib/gadget/build/plan.ts";
import { type ArchitectureParts, type PackedImage, packGadget } from "../../lib/gadget/build/pack.ts";
import { checkFolder, findSource, readBuildFileBytes } from "../../lib/gadget/build/source.ts";
import { type EbpfObject, readEbpfObject } from "../../lib/gadget/object/object.ts";
import { digestOf } from "../../lib/oci/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import { type Compiled, openCompiler } from "./compile.ts";
import { checkOutputFolder, keepOutputs, openTemporaryFolder } from "./folders.ts";
import { finishMetadata, readMetadataFile, reportMarkers } from "./metadata.ts";
import type { BuildOptions } from "./options.ts";
import { oddity, reportProblems } from "./problems.ts";

/** What a build is done with. */
export interface BuildContext {
  invocation: Invocation;
  settings: Settings;
  reporter: Reporter;
  /** Sees to it that the image can be kept, before anything is compiled. */
  prepare: () => Promise<void>;
  /** Keeps the image. Only when it has, files of the author are changed. */
  keep: (image: PackedImage) => Promise<void>;
}

/** What a build has made. */
export interface BuiltGadget {
  image: PackedImage;
  /** RFC 3339. */
  created: string;
}

/**
 * Builds a gadget: whatever can be refused is refused before anything is compiled, and the image is kept when all of it is there.
 *
 * @throws {SatchelError} `usage`, `invalid`, `storage`, `program`, `cancelled`, and what keeping it adds
 */
export async function buildGadget(options: BuildOptions, context: BuildContext): Promise<BuiltGadget> {
  const { settings, reporter, invocation: { environment, signal } } = context;
  const buildFile = loadBuildFile(options, reporter);
  const source = findSource(options.folder, buildFile, {
    makesMetadata: options.updatesMetadata,
    ...(options.buildFile !== undefined && { buildFilePath: options.buildFile }),
  });
  reportProblems(undefined, source.oddities.map(oddity), options.isStrict, reporter);
  const metadata = readMetadataFile(source, options, reporter);
  if (options.output !== undefined) checkOutputFolder(options.output);
  using output = openTemporaryFolder(settings.spoolFolder);
  await using compiler = await openCompiler({
    source,
    output: output.path,
    cflags: buildFile.cflags,
    options,
    settings,
    environment,
    reporter,
    signal,
  });
  await context.prepare();
  const compiled = await compiler.run();
  const objects = readObjects(compiled, options);
  const final = metadata && finishMetadata(metadata, objects, options, reporter);
  if (options.validatesMetadata) reportMarkers(source, final?.metadata, objects, options, reporter);
  using write = final?.write;
  const created = options.epoch === undefined ? formatLocal(new Date()) : formatEpoch(options.epoch);
  const image = packGadget({
    architectures: { amd64: partsOf("amd64", compiled), arm64: partsOf("arm64", compiled) },
    metadata: final?.packed,
    created,
    builderVersion: options.builderVersion,
  });
  if (options.output !== undefined) keepOutputs(output.path, options.output);
  await context.keep(image);
  write?.commit();
  if (final?.change !== undefined) reporter.status(final.change);
  return { image, created };
}

function loadBuildFile({ folder, buildFile, isStrict }: BuildOptions, reporter: Reporter): BuildFile {
  checkFolder(folder);
  const found = readBuildFileBytes(folder, buildFile);
  if (!found) return NO_BUILD_FILE;
  const read = readBuildFile(found.bytes, found.path);
  reportProblems(found.path, read.problems, isStrict, reporter);
  return read.buildFile;
}

/** What was compiled is looked at, so that no image is made that could not run. */
function readObjects({ objects }: Compiled, { validatesMetadata, updatesMetadata }: BuildOptions): EbpfObject[] {
  if (!validatesMetadata && !updatesMetadata) return [];
  // Mostly both architectures have the same bytes.
  const read = new Map<string, EbpfObject>();
  for (const architecture of ARCHITECTURES) {
    const bytes = objects.get(architecture);
    if (!bytes) continue;
    const digest = digestOf(bytes);
    if (!read.has(digest)) read.set(digest, readObject(objectName(architecture), bytes));
  }
  return [...read.values()];
}

function readObject(name: string, bytes: Uint8Array): EbpfObject {
  try {
    const object = readEbpfObject(bytes, name);
    if (object.btf) return object;
    throw new SatchelError("invalid", `${name} has no BTF, which says what types and maps it has`, {
      hint: "clang writes it with -g, unless flags or CLANG say otherwise.",
    });
  } catch (error) {
    throw withContext("reading what was compiled", error);
  }
}

function partsOf(architecture: Architecture, { objects, module, btfs }: Compiled): ArchitectureParts {
  const [ebpf, btfgen] = [objects.get(architecture), btfs.get(architecture)];
  return { ...(ebpf && { ebpf }), ...(module && { wasm: module }), ...(btfgen && { btfgen }) };
}
