import { SatchelError } from "../../lib/error.ts";
import { LAYER_TYPES } from "../../lib/gadget/media_types.ts";
import {
  CREATED_ANNOTATION,
  type Descriptor,
  formatPlatform,
  isJsonObject,
  type JsonObject,
  parseJson,
  shortDigest,
} from "../../lib/oci/mod.ts";
import { kindOf } from "../../lib/server/page/kind.ts";
import { formatAge, parseTime } from "../../lib/terminal/age.ts";
import { formatBytes } from "../../lib/terminal/bytes.ts";
import { isTerminal, terminalSize, write } from "../../lib/terminal/streams.ts";
import { type Inspected, partsOf, readMetadata } from "./contents.ts";
import { type AttachmentFacts, attachmentFacts, contentSize, type PartFact, partFacts } from "./facts.ts";
import { gadgetSections, inner, listed, problemLines } from "./gadget_sections.ts";
import { type Fact, factLines, type Layout, section, tableLines } from "./layout.ts";
import type { ImageParts } from "./parts.ts";
import type { ReadManifest } from "./read_image.ts";

/** How many platforms, layers and attachments are shown. */
const MAX_ROWS = 60;

/** Annotations that are facts of their own (image-spec 1.1, annotations.md). */
const TITLE = "org.opencontainers.image.title";
const FACTS: readonly (readonly [label: string, annotation: string])[] = [
  ["Description", "org.opencontainers.image.description"],
  ["Version", "org.opencontainers.image.version"],
  ["Licenses", "org.opencontainers.image.licenses"],
  ["Homepage", "org.opencontainers.image.url"],
  ["Docs", "org.opencontainers.image.documentation"],
  ["Source", "org.opencontainers.image.source"],
  ["Built by", "io.inspektor-gadget.builder.version"],
];

/** Prints what an image is and holds, for people. */
export async function showSummary(inspected: Inspected): Promise<void> {
  const { image, reporter, settings } = inspected;
  const isWatched = isTerminal("stdout");
  const layout: Layout = {
    width: isWatched ? terminalSize("stdout").columns : undefined,
    isStyled: isWatched && settings.escapes,
  };
  const problems: string[] = [];
  const parts = await partsOf(inspected, !image.isRemote, ({ message }) => problems.push(message));
  const platforms = await partFacts(inspected);
  const attachments = await attachmentFacts(inspected, platforms);
  const lines = [
    ...factLines(imageFacts(inspected, parts), layout),
    ...section("Platforms", platformLines(inspected, platforms, layout), layout),
    ...await contentSections(inspected, parts, layout),
    ...section("Not readable", problemLines(problems, layout), layout),
    ...attachmentSections(attachments, layout),
  ];
  reporter.finish();
  write("stdout", `${lines.join("\n")}\n`);
}

function imageFacts({ image, root, chosen }: Inspected, parts: ImageParts | undefined): Fact[] {
  const annotations = { ...chosen?.manifest.annotations, ...root.manifest.annotations };
  const type = root.manifest.artifactType ?? chosen?.manifest.artifactType;
  const { label } = kindOf(type);
  const config = configOf(parts);
  const created = annotations[CREATED_ANNOTATION] ?? textOf(config.created);
  return [
    ["Name", image.name],
    ["Title", annotations[TITLE]],
    ["Kind", label === type || type === undefined ? label : `${label} (${type})`],
    ["Digest", root.descriptor.digest],
    ["Created", created === undefined ? undefined : createdText(created)],
    ["Size", root.manifest.kind === "index" ? undefined : formatBytes(contentSize(root.descriptor, root.manifest))],
    ["Found in", image.place + (image.isRemote ? ", not pulled" : "")],
    ...FACTS.map(([label, key]): Fact => [label, annotations[key]]),
    ["BTFs", btfText(chosen)],
    ...chosen && root !== chosen && chosen.platform
      ? [["Shown", `what is for ${formatPlatform(chosen.platform)}`] as const]
      : [],
  ];
}

/** The types of kernels that a gadget brings along. */
function btfText(chosen: ReadManifest | undefined): string | undefined {
  const layer = chosen?.manifest.children.find(({ mediaType }) => mediaType === LAYER_TYPES.btfgen);
  return layer && `for kernels that have none of their own (${formatBytes(layer.size)})`;
}

function createdText(created: string): string {
  const time = parseTime(created);
  return time === undefined ? created : `${created} (${formatAge(time, Date.now())})`;
}

function platformLines({ image }: Inspected, parts: readonly PartFact[], layout: Layout): string[] {
  const there = image.platforms?.map(formatPlatform);
  const rows = parts.map(({ descriptor, platform, size, problem }) => {
    const name = platform ? formatPlatform(platform) : "any";
    const isLeftOut = there && !there.includes(name);
    const told = size === undefined ? problem ?? "-" : formatBytes(size);
    return { cells: [name, shortDigest(descriptor.digest), isLeftOut ? "left out" : told] };
  });
  return tableLines([{ header: "PLATFORM" }, { header: "DIGEST" }, { header: "SIZE" }], rows, MAX_ROWS, layout);
}

/** What a gadget is made of, or else the layers and what the config says. */
async function contentSections(
  inspected: Inspected,
  parts: ImageParts | undefined,
  layout: Layout,
): Promise<string[]> {
  const { chosen } = inspected;
  if (!chosen || !parts) return [];
  const isGadget = parts.metadata !== undefined || parts.ebpf !== undefined || parts.wasm !== undefined ||
    parts.unread.length > 0;
  if (!isGadget) return otherSections(inspected, parts, layout);
  const { summarize } = await import("../../lib/gadget/inspect/summary.ts");
  const metadata = parts.metadata && await readMetadata(parts.metadata);
  const summary = summarize({ metadata, ebpf: parts.ebpf, wasm: parts.wasm });
  if (parts.metadata && !metadata) summary.problems.push("its gadget.yaml cannot be read");
  const unread = parts.unread.map(({ mediaType, size }) => `${mediaType} (${formatBytes(size)})`);
  const note = "Its programs, maps and data sources are in what was not fetched; pull the image to see them.";
  return [
    ...gadgetSections(summary, layout),
    ...section("Not fetched", unread.length > 0 ? problemLines([...unread, note], layout) : [], layout),
  ];
}

function otherSections({ chosen }: Inspected, parts: ImageParts, layout: Layout): string[] {
  const { kind, children } = chosen!.manifest;
  const layers = kind === "image" ? children.slice(1) : children;
  const rows = layers.map(({ mediaType, digest, size, annotations }) => ({
    cells: [mediaType, shortDigest(digest), formatBytes(size)],
    text: annotations?.[TITLE] ?? "",
  }));
  const columns = [{ header: "TYPE", shrinksTo: 20 }, { header: "DIGEST" }, { header: "SIZE" }];
  return [
    ...section("Config", factLines(configFacts(configOf(parts)), inner(layout)), layout),
    ...section("Layers", tableLines(columns, rows, MAX_ROWS, layout), layout),
  ];
}

/** What the config of a container image or of a Helm chart says, as far as people ask for it. */
function configFacts(json: JsonObject): Fact[] {
  const config = isJsonObject(json.config) ? json.config : {};
  const keys = (value: unknown) => isJsonObject(value) ? listed(Object.keys(value)) : undefined;
  return [
    ["Chart", textOf(json.name) && [json.name, json.version].map(textOf).filter(Boolean).join(" ")],
    ["App version", textOf(json.appVersion)],
    ["Description", textOf(json.description)],
    ["Platform", [json.os, json.architecture, json.variant].map(textOf).filter(Boolean).join("/")],
    ["Entrypoint", words(config.Entrypoint)],
    ["Command", words(config.Cmd)],
    ["Folder", textOf(config.WorkingDir)],
    ["User", textOf(config.User)],
    ["Ports", keys(config.ExposedPorts)],
    ["Volumes", keys(config.Volumes)],
    ["Environment", list(config.Env)?.join(" ")],
    ["Labels", keys(config.Labels)],
  ];
}

function configOf(parts: ImageParts | undefined): JsonObject {
  if (!parts?.config || parts.metadata) return {};
  try {
    const json = parseJson(parts.config, "the config");
    return isJsonObject(json) ? json : {};
  } catch (error) {
    if (error instanceof SatchelError) return {};
    throw error;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function list(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string").slice(0, 100) : undefined;
}

/** A command line, quoted where it could not be told apart otherwise. */
function words(value: unknown): string | undefined {
  return list(value)?.map((word) => /^[\w@%+=:,.\/-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");
}

function attachmentSections({ found, problems }: AttachmentFacts, layout: Layout): string[] {
  const what = ({ artifactType }: Descriptor) => kindOf(artifactType).label;
  const signatures = found.filter(({ format }) => format !== undefined).map(({ format, descriptor, of }) => ({
    cells: [format!, shortDigest(descriptor.digest), of || "image"],
  }));
  const others = found.filter(({ format }) => format === undefined).map(({ descriptor, of }) => ({
    cells: [what(descriptor), shortDigest(descriptor.digest), of || "image"],
  }));
  const columns = [{ header: "TYPE", shrinksTo: 20 }, { header: "DIGEST" }, { header: "FOR" }];
  return [
    ...section("Signatures, not verified", tableLines(columns, signatures, MAX_ROWS, layout), layout),
    ...section("Attached", tableLines(columns, others, MAX_ROWS, layout), layout),
    ...section("Could not be looked up", problemLines(problems, layout), layout),
  ];
}
