import { SatchelError } from "../../lib/error.ts";
import { contentKeys, type InspectContent, inspectGadget, typedName } from "../../lib/gadget/inspect/contents.ts";
import { encodeDataSources, readDataSources } from "../../lib/gadget/inspect/data_sources.ts";
import { LAYER_TYPES } from "../../lib/gadget/media_types.ts";
import type { GadgetMetadata } from "../../lib/gadget/metadata/lenient.ts";
import { readEbpfObject } from "../../lib/gadget/object/object.ts";
import { suggestions } from "../../lib/suggest.ts";
import { formatBytes } from "../../lib/terminal/bytes.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { OpenedImage } from "./open_image.ts";
import { type ImageParts, readParts } from "./parts.ts";
import type { PlatformManifest, ReadManifest } from "./read_image.ts";
import { type InspectRequest, quoted, type Wanted } from "./request.ts";
import { parseContent, printText, printValue, sorted } from "./value.ts";

/** An image that was found, and what is to be shown of it. */
export interface Inspected {
  image: OpenedImage;
  root: ReadManifest;
  /** The manifest that is looked into; `undefined` if there is none. */
  chosen: PlatformManifest | undefined;
  request: InspectRequest;
  settings: Settings;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Prints all that an image holds, by keys.
 *
 * @returns the problems of layers that cannot be read, whose keys are left out
 */
export async function showContents(inspected: Inspected): Promise<SatchelError[]> {
  const { image, request, reporter } = inspected;
  const parts = await partsOf(inspected, !image.isRemote);
  const { contents, problems } = contentsOf(inspected, parts);
  reporter.finish();
  if (parts && parts.unread.length > 0) {
    const bytes = formatBytes(parts.unread.reduce((sum, { size }) => sum + size, 0));
    reporter.warn(
      `what is in layers (${bytes}) is left out, as the image is not in the store; --extra-info KEY fetches what it needs`,
    );
  }
  // Without a prototype, so that no name is special.
  const map: Record<string, { content: string; contentType: string }> = Object.create(null);
  for (const { key, content, contentType } of contents) map[key] = { content, contentType };
  await printValue(map, request.mode);
  return problems;
}

/** Prints one thing that an image holds. */
export async function showContent(
  inspected: Inspected,
  { key, path }: Wanted & { kind: "content" },
): Promise<void> {
  const { image, request, reporter, signal } = inspected;
  // An unknown key is told with those that there are, but nothing is fetched for it.
  const isInLayers = /^(ebpf|wasm)\./.test(key);
  const parts = await partsOf(inspected, isInLayers || (!image.isRemote && !key.startsWith("oci.")));
  const { contents: [found], problems } = contentsOf(inspected, parts, key);
  if (!found) throw problems[0] ?? noSuchKey(key, inspected);
  const isValue = found.contentType === "application/json" || found.contentType === "text/yaml";
  if (path !== undefined && !isValue) {
    throw new SatchelError("usage", `jsonpath ${quoted(path)} can only be used with JSON or YAML content`, {
      hint: `${key} is ${found.contentType}.`,
    });
  }
  const value = isValue ? await parseContent(found.content, key) : undefined;
  const shown = path === undefined ? value : await query(path, value, signal);
  reporter.finish();
  if (isValue) await printValue(shown, request.mode);
  else printText(found.content);
}

/** Prints the data sources of a gadget. */
export async function showDataSources(inspected: Inspected, path: string | undefined): Promise<void> {
  const { request, reporter, signal } = inspected;
  const parts = await partsOf(inspected, true);
  const object = parts?.ebpf && readEbpfObject(parts.ebpf, "the eBPF layer");
  const metadata = parts?.metadata && await readMetadata(parts.metadata);
  const sources = encodeDataSources(object ? readDataSources(object, metadata) : []);
  const shown = path === undefined ? sources : sorted(await query(path, sources, signal));
  reporter.finish();
  await printValue(shown, request.mode);
}

/** Reads a gadget.yaml; what reads YAML is loaded for that alone. */
export async function readMetadata(bytes: Uint8Array): Promise<GadgetMetadata | undefined> {
  const { readGadgetMetadata } = await import("../../lib/gadget/metadata/lenient.ts");
  return readGadgetMetadata(bytes);
}

/** Reads the parts of the manifest that is looked into. */
export async function partsOf(
  { image, chosen, signal }: Inspected,
  withLayers: boolean,
  onProblem?: (problem: SatchelError) => void,
): Promise<ImageParts | undefined> {
  return chosen && await readParts(image, chosen, withLayers, signal, onProblem);
}

function contentsOf(
  { image, chosen }: Inspected,
  parts: ImageParts | undefined,
  key?: string,
): { contents: InspectContent[]; problems: SatchelError[] } {
  if (!chosen || !parts) return { contents: [], problems: [] };
  const problems: SatchelError[] = [];
  const all = { ...parts, manifest: chosen.bytes, ...typedName(image.typed) };
  const onProblem = (problem: SatchelError) => problems.push(problem);
  return { contents: inspectGadget(all, { onProblem, ...(key !== undefined && { key }) }), problems };
}

async function query(path: string, value: unknown, signal: AbortSignal): Promise<unknown> {
  const { queryJson } = await import("./json_path.ts");
  return await queryJson(path, value, signal);
}

function noSuchKey(key: string, { chosen }: Inspected): SatchelError {
  const layers = chosen?.manifest.kind === "image" ? chosen.manifest.children.slice(1) : [];
  const has = (type: string) => layers.some(({ mediaType }) => mediaType === type);
  const keys = layers.length === 0 ? [] : contentKeys({ ebpf: has(LAYER_TYPES.ebpf), wasm: has(LAYER_TYPES.wasm) })
    // A module need not say what version it is for.
    .filter((each) => each !== key);
  const likely = suggestions(key, keys);
  const hint = keys.length === 0
    ? "The image has no layer, and so no entry."
    : `There is ${(likely.length > 0 ? likely : keys).join(", ")}.`;
  return new SatchelError("not-found", `extra info ${quoted(key)} not found`, { hint });
}
