import { copy, MemoryRepository } from "../../lib/content/mod.ts";
import { SatchelError, withContext } from "../../lib/error.ts";
import { type PackedImage } from "../../lib/gadget/build/pack.ts";
import { type Digest, formatReference, parseReference, type Reference } from "../../lib/oci/mod.ts";
import { isTerminal } from "../../lib/terminal/mod.ts";
import { printable } from "../../lib/printable.ts";
import { buildGadget, type BuiltGadget } from "../build/build_gadget.ts";
import { readBuildOptions } from "../build/options.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { nameWithDigest } from "./transfer.ts";

/** How long the end of compilers and of a container may take after Ctrl-C, in milliseconds. */
export const grace = 15_000;

/**
 * What `--format json` prints about an image that was built. Members are never renamed or removed, but more may come.
 */
interface BuildReport {
  /** The full name, `registry/repository:tag`; empty if it has none. */
  name: string;
  /** The digest, media type and size (in bytes) of the image's index. */
  digest: Digest;
  mediaType: string;
  size: number;
  /** RFC 3339, as the image says it. */
  created: string;
}

/** `satchel image build PATH`: from a folder with sources into the store. */
export async function run(invocation: Invocation): Promise<number> {
  const { arguments: [path], signal, flags } = invocation;
  const settings = await loadSettings(invocation);
  const options = readBuildOptions(invocation);
  using reporter = openReporter(settings, signal);
  options.oddities.forEach(reporter.warn);
  try {
    const target = openLocalStore(settings, reporter).repository(options.tag ?? NO_NAME);
    const built = await buildGadget(options, {
      invocation,
      settings,
      reporter,
      prepare: () => target.prepare({ signal }),
      async keep(image) {
        await copy(inMemory(image), image.index.descriptor.digest, target, {
          signal,
          referrers: false,
          onWarning: reporter.warn,
          ...(options.tag && { tag: options.tag.tag }),
        });
      },
    });
    reporter.finish();
    const name = shownName(built, options.tag);
    const mode = outputMode(flags, "format");
    // On a terminal it would stand there twice.
    const isShownBelow = mode === "columns" && isTerminal("stdout") && isTerminal("stderr");
    reporter.status(isShownBelow ? "Successfully built" : `Successfully built ${name}`);
    await printResult(mode, report(built, options.tag), () => `${name}\n`);
    return EXIT_OK;
  } catch (error) {
    const doing = `building ${printable(path, 200)}`;
    if (!signal.aborted) throw withContext(doing, error);
    throw new SatchelError("cancelled", `${doing}: interrupted`, { cause: error });
  }
}

/** Content is shared by all repositories of a store, so that it does not matter which one takes in what has no name. */
const NO_NAME = parseReference("unnamed");

function inMemory({ index, manifests, blobs }: PackedImage): MemoryRepository {
  const memory = new MemoryRepository("the build");
  for (const { descriptor: { digest, mediaType }, bytes } of [index, ...manifests, ...blobs]) {
    memory.contents.set(digest, { mediaType, bytes });
  }
  return memory;
}

function shownName({ image: { index } }: BuiltGadget, tag: Reference | undefined): string {
  return tag ? nameWithDigest(tag, index.descriptor) : index.descriptor.digest;
}

function report({ image: { index }, created }: BuiltGadget, tag: Reference | undefined): BuildReport {
  const { digest, mediaType, size } = index.descriptor;
  return { name: tag ? formatReference(tag) : "", digest, mediaType, size, created };
}
