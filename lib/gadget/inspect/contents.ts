import { SatchelError } from "../../error.ts";
import {
  type Annotations,
  CREATED_ANNOTATION,
  encodeGoJson,
  isJsonObject,
  parseAnnotations,
  parseManifestJson,
} from "../../oci/mod.ts";
import { readEbpfObject } from "../object/object.ts";
import { joinBounded } from "./bounded_text.ts";
import { EBPF_KEYS, ebpfReader } from "./ebpf_contents.ts";
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

/** What is asked for of an image. */
export interface InspectOptions {
  /** The one thing that is asked for; nothing else is made then. Default: everything. */
  key?: string;
  /** Gets the errors of what cannot be read, or is too long, whose keys are then left out. Default: they are thrown. */
  onProblem?: (problem: SatchelError) => void;
}

/**
 * What an image holds, by the keys of `ig image inspect`, sorted by them; an image without layers has none. Nothing of it is
 * run. Lists are in the order of the file.
 *
 * @throws {SatchelError} `invalid` if the manifest or, without `onProblem`, a layer is not what it should be
 */
export function inspectGadget(parts: GadgetParts, { key, onProblem }: InspectOptions = {}): InspectContent[] {
  const manifest = parseManifestJson(parts.manifest, "the manifest");
  if (!Array.isArray(manifest.layers) || manifest.layers.length === 0) return [];
  const contents = ociContents(parts, parseAnnotations(manifest.annotations) ?? {}, configDigest(manifest.config));
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!onProblem || !(error instanceof SatchelError)) throw error;
      onProblem(error);
      return undefined;
    }
  };
  const { ebpf, wasm } = parts;
  const isWanted = (each: string) => key === undefined || each === key;
  const wanted = EBPF_KEYS.filter(isWanted);
  const object = ebpf && wanted.length > 0 ? attempt(() => readEbpfObject(ebpf, "the eBPF layer")) : undefined;
  const read = object && ebpfReader(object);
  if (read) contents.push(...wanted.flatMap((each) => attempt(() => read(each)) ?? []));
  if (wasm && (key === undefined || key.startsWith("wasm."))) {
    contents.push(...attempt(() => wasmContents(readWasm(wasm, "the Wasm layer"))) ?? []);
  }
  return contents.filter((each) => isWanted(each.key)).sort((a, b) => a.key < b.key ? -1 : 1);
}

/** The keys that images of some layers may have, sorted. */
export function contentKeys(layers: { ebpf: boolean; wasm: boolean }): string[] {
  return [...layers.ebpf ? EBPF_KEYS : [], ...OCI_KEYS, ...layers.wasm ? WASM_KEYS : []];
}

/** How long the names of what a module calls may be altogether as JSON, in UTF-16 units. */
const MAX_UPCALLS = 2 * 1024 * 1024;

const OCI_KEYS = ["oci.created", "oci.digest", "oci.manifest", "oci.metadata", "oci.repository", "oci.tag"] as const;
const WASM_KEYS = ["wasm.gadgetAPIVersion", "wasm.upcalls"] as const;

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

function wasmContents({ apiVersion, upcalls }: WasmModule): InspectContent[] {
  const names = upcalls.map((name) => encodeGoJson(name));
  return [
    ...apiVersion === "missing" ? [] : [plain("wasm.gadgetAPIVersion", String(apiVersion))],
    {
      key: "wasm.upcalls",
      contentType: "application/json",
      content: `[${joinBounded(names, ",", "the Wasm layer: wasm.upcalls", MAX_UPCALLS)}]`,
    },
  ];
}

function plain(key: string, content: string): InspectContent {
  return { key, contentType: "text/plain", content };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
