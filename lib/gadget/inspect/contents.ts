import { SatchelError } from "../../error.ts";
import {
  type Annotations,
  CREATED_ANNOTATION,
  encodeGoJson,
  isJsonObject,
  parseAnnotations,
  parseManifestJson,
} from "../../oci/mod.ts";
import { CodeIndex } from "../object/code_index.ts";
import { disassemblePrograms, programsOf } from "../object/disassemble.ts";
import { mapUses } from "../object/map_uses.ts";
import { DATA_SECTION, type EbpfObject, readEbpfObject } from "../object/object.ts";
import { flowchart, sequenceDiagram } from "./mermaid.ts";
import { readWasm, type WasmModule } from "./wasm.ts";

/** What an image holds, as bytes that are what their digests say. */
export interface GadgetParts {
  /** The manifest of one platform. */
  manifest: Uint8Array;
  /** What it has as its config: gadget.yaml, or `{}`. `undefined` if it was not fetched. */
  config: Uint8Array | undefined;
  /** The layer of the eBPF object. `undefined` if there is none, or it was not fetched. */
  ebpf: Uint8Array | undefined;
  /** The layer of the WebAssembly module. `undefined` if there is none, or it was not fetched. */
  wasm: Uint8Array | undefined;
  /** The name as it was typed, without a tag and a digest. */
  repository: string;
  /** The tag as it was typed, see {@link typedName}. */
  tag: string;
}

/**
 * Takes the name of an image apart as it was typed: neither a registry nor anything else is put before it.
 *
 * @returns where there is no tag: `latest`, or nothing if there is a digest, which may have any tag or none
 * @example
 * ```ts
 * typedName("localhost:5000/trace"); // { repository: "localhost:5000/trace", tag: "latest" }
 * ```
 */
export function typedName(reference: string): Pick<GadgetParts, "repository" | "tag"> {
  const at = reference.indexOf("@");
  const name = at === -1 ? reference : reference.slice(0, at);
  const colon = name.lastIndexOf(":");
  if (colon > name.lastIndexOf("/")) return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
  return { repository: name, tag: at === -1 ? "latest" : "" };
}

/** One thing that there is to know of an image. */
export interface InspectContent {
  /** `ebpf.maps`. */
  key: string;
  contentType: "application/json" | "text/yaml" | "text/plain" | "text/mermaid";
  content: string;
}

/**
 * What an image holds, by the keys of `ig image inspect`, sorted by them; an image without layers has none. Nothing of it is
 * run. Lists are in the order of the file.
 *
 * @param onProblem gets the errors of layers that cannot be read, whose keys are then left out. Default: they are thrown
 * @throws {SatchelError} `invalid` if the manifest or, without `onProblem`, a layer is not what it should be
 */
export function inspectGadget(
  parts: GadgetParts,
  onProblem: (problem: SatchelError) => void = (problem) => {
    throw problem;
  },
): InspectContent[] {
  const manifest = parseManifestJson(parts.manifest, "the manifest");
  if (!Array.isArray(manifest.layers) || manifest.layers.length === 0) return [];
  const contents = ociContents(parts, parseAnnotations(manifest.annotations) ?? {}, configDigest(manifest.config));
  const { ebpf, wasm } = parts;
  if (ebpf) take(() => ebpfContents(readEbpfObject(ebpf, "the eBPF layer")), contents, onProblem);
  if (wasm) take(() => wasmContents(readWasm(wasm, "the Wasm layer")), contents, onProblem);
  return contents.sort((a, b) => a.key < b.key ? -1 : 1);
}

function take(
  read: () => InspectContent[],
  contents: InspectContent[],
  onProblem: (problem: SatchelError) => void,
): void {
  try {
    contents.push(...read());
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    onProblem(error);
  }
}

function configDigest(config: unknown): string {
  return isJsonObject(config) && typeof config.digest === "string" ? config.digest : "";
}

function ociContents(parts: GadgetParts, annotations: Annotations, digest: string): InspectContent[] {
  return [
    { key: "oci.manifest", contentType: "application/json", content: textOf(parts.manifest) },
    ...parts.config ? [{ key: "oci.metadata", contentType: "text/yaml", content: textOf(parts.config) } as const] : [],
    plain("oci.repository", parts.repository),
    plain("oci.tag", parts.tag),
    // That of the config, as scripts know it from `ig`; the image's own are those of its manifests.
    plain("oci.digest", digest),
    plain("oci.created", annotations[CREATED_ANNOTATION] ?? ""),
  ];
}

function ebpfContents(object: EbpfObject): InspectContent[] {
  // First, since it ends early if programs have more code, in common or not, than can be looked at.
  const programs = disassemblePrograms(object);
  const index = new CodeIndex(object);
  const uses = programsOf(object).map((program) => ({ name: program.name, uses: mapUses(object, program, index) }));
  const maps = mapsOf(object);
  return [
    json("ebpf.sections", object.elf.sections.map(({ name }) => name)),
    json("ebpf.maps", maps.map(({ name, type }) => ({ Name: name, Type: type }))),
    json(
      "ebpf.programs",
      programs.map(({ program, source, sourceWithRelocation }) => ({
        Section: program.section.name,
        Source: source,
        SourceWithRelocation: sourceWithRelocation,
      })),
    ),
    json(
      "ebpf.variables",
      object.variables.map(({ name, offset, size, section }) => ({
        Name: name,
        Offset: offset,
        Size: size,
        Map: section,
      })),
    ),
    { key: "ebpf.flowchart", contentType: "text/mermaid", content: flowchart(maps.map(({ name }) => name), uses) },
    { key: "ebpf.sequence", contentType: "text/mermaid", content: sequenceDiagram(uses) },
  ];
}

/** The maps that a loader makes of an object: declared ones, and sections of variables but for the two that nearly all have. */
function mapsOf({ maps, elf }: EbpfObject): { name: string; type: string }[] {
  const data = elf.sections
    .filter(({ name, size }) => DATA_SECTION.test(name) && name !== ".rodata" && name !== ".bss" && size > 0)
    .map(({ name }) => ({ name, type: "Array" }));
  return [...maps, ...data];
}

function wasmContents({ apiVersion, upcalls }: WasmModule): InspectContent[] {
  return [
    ...apiVersion === "missing" ? [] : [plain("wasm.gadgetAPIVersion", String(apiVersion))],
    { key: "wasm.upcalls", contentType: "application/json", content: encodeGoJson(upcalls) },
  ];
}

function plain(key: string, content: string): InspectContent {
  return { key, contentType: "text/plain", content };
}

/** A list as `ig` writes it: one of nothing is `null`. */
function json(key: string, list: readonly unknown[]): InspectContent {
  return { key, contentType: "application/json", content: encodeGoJson(list.length === 0 ? null : list) };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
