import { familiarRepository, formatPlatform, shortDigest } from "../../lib/oci/mod.ts";
import type { StoredImage } from "../../lib/store/mod.ts";
import { type Column, formatAge, formatColumns, isTerminal, parseTime, terminalSize } from "../../lib/terminal/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openLocalStore } from "../open/local_store.ts";
import { imageText, outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** Stands where there is no name, as in `docker image ls`. */
const NO_NAME = "<none>";

/** Stands where nobody knows. */
const UNKNOWN = "N/A";

/**
 * What `-o json` prints about an image. The first four are what `ig image list -o json` prints. Members are never
 * renamed or removed, but more may come.
 */
export interface ImageReport {
  /** Without the prefix of the official gadgets; empty if it has no name. */
  Repository: string;
  /** Empty if it is named by its digest alone. */
  Tag: string;
  Digest: string;
  /** RFC 3339 as in the image; empty if it does not say. */
  Created: string;
  /** Of manifests, configs and layers together, each once, in bytes. */
  Size: number;
  /** `os/architecture[/variant]`, in the image's order; those whose content there is. */
  Platforms: string[];
  MediaType: string;
  /** Empty if it has none. */
  ArtifactType: string;
  /** `image`, `attachment` or `untagged`. */
  Kind: string;
  /** The digest that an attachment belongs to, else empty. */
  Subject: string;
  /** `ok`, or `missing` or `damaged` if its manifests are. */
  State: string;
  /** The platforms that it is for as well, but whose content was left out, by `--sparse`. */
  LeftOut: string[];
}

/** `satchel image list`: what is in the store. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const filters = invocation.arguments.map(imageFilter);
  const store = openLocalStore(settings, reporter);
  const all = isSet(invocation.flags, "all");
  const images = (await store.images({ all, signal: invocation.signal })).filter((image) =>
    filters.length === 0 || filters.some((matches) => matches(image))
  );
  for (const image of images) {
    if (image.state === "ok") continue;
    reporter.warn(`${image.name ?? image.descriptor.digest} cannot be used: a manifest of it is ${image.state}`);
  }
  reporter.finish();
  const full = isSet(invocation.flags, "no-trunc");
  await printResult(outputMode(invocation.flags), images.map(report), () => table(images, { all, full }));
  return EXIT_OK;
}

/** `foo` means every tag of it, `foo:tag` and `foo@digest` just that. */
function imageFilter(text: string): (image: StoredImage) => boolean {
  const { registry, repository, tag, digest } = readImageName(text);
  const isTagGiven = text.endsWith(`:${tag}`) || text.includes(`:${tag}@`);
  return ({ reference, descriptor }) =>
    reference !== undefined && reference.registry === registry && reference.repository === repository &&
    (!isTagGiven || reference.tag === tag) && (digest === undefined || descriptor.digest === digest);
}

function report(image: StoredImage): ImageReport {
  const { repository, tag } = nameOf(image);
  return {
    Repository: repository,
    Tag: tag,
    Digest: image.descriptor.digest,
    Created: imageText(image.created),
    Size: image.size,
    Platforms: image.platforms.map(formatPlatform),
    MediaType: image.descriptor.mediaType,
    ArtifactType: imageText(image.artifactType),
    Kind: image.kind,
    Subject: image.subject ?? "",
    State: image.state,
    LeftOut: image.leftOut.map(formatPlatform),
  };
}

function nameOf({ reference, name }: StoredImage): { repository: string; tag: string } {
  if (reference) return { repository: familiarRepository(reference), tag: reference.tag ?? "" };
  return { repository: "", tag: name ?? "" };
}

function table(images: readonly StoredImage[], { all, full }: { all: boolean; full: boolean }): string {
  const columns: Column[] = [
    { header: "REPOSITORY", shrinksTo: 16 },
    { header: "TAG", shrinksTo: 12 },
    { header: "DIGEST" },
    { header: "CREATED" },
    ...(all ? [{ header: "KIND" }] : []),
  ];
  const now = Date.now();
  const rows = images.map((image) => {
    const { repository, tag } = nameOf(image);
    const created = full ? image.created || UNKNOWN : age(image.created, now);
    const digest = full ? image.descriptor.digest : shortDigest(image.descriptor.digest);
    const row = [repository || NO_NAME, (full ? tag : shortTag(tag)) || NO_NAME, digest, created];
    return all ? [...row, image.kind] : row;
  });
  const width = !full && isTerminal("stdout") ? terminalSize("stdout").columns : undefined;
  return `${formatColumns(columns, rows, width).join("\n")}\n`;
}

function age(created: string | undefined, now: number): string {
  const time = created === undefined ? undefined : parseTime(created);
  return time === undefined ? UNKNOWN : formatAge(time, now);
}

/** `sha256-<hex>.sig` with twelve characters of its digest. */
function shortTag(tag: string): string {
  return tag.replace(/^(sha\d+-[0-9a-f]{12})[0-9a-f]{20,}/, "$1…");
}
