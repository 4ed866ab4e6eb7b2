import { readdirSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { SatchelError, systemCode } from "../../error.ts";
import { printable } from "../../printable.ts";
import { readSmallFile } from "../../small_file.ts";
import { BUILD_FILE, type BuildFile, MAX_BUILD_FILE_SIZE } from "./build_file.ts";
import { checkInside, checkNameInside, unreadable } from "./inside.ts";

/** The names that the parts of a gadget have if its build.yaml gives them no other ones. */
const DEFAULT_SOURCE = "program.bpf.c";
const DEFAULT_METADATA = "gadget.yaml";

/** What a WebAssembly module is made from, by the end of its file's name. */
const WASM_KINDS: Readonly<Record<string, WasmKind>> = { ".wasm": "ready", ".go": "go", ".rs": "rust" };

/** What a WebAssembly module is made from. */
export type WasmKind = "ready" | "go" | "rust";

/** What there is to build a gadget from. Names are those of files in its folder. */
export interface GadgetSource {
  /** Absolute. */
  folder: string;
  /** The C source. */
  ebpf: string | undefined;
  wasm: { name: string; kind: WasmKind } | undefined;
  /** The gadget.yaml, which may not be there. */
  metadata: { name: string; exists: boolean } | undefined;
  /** What is probably not meant. */
  oddities: string[];
}

/**
 * Finds out what there is in a folder to build a gadget from.
 *
 * @param folder absolute
 * @param makesMetadata whether a gadget.yaml that is not there will be written
 * @param buildFilePath that of the build.yaml, which need not be there; absolute
 * @throws {SatchelError} `invalid` if a name is none, or what it names is missing, or there is nothing; `storage`
 */
export function findSource(
  folder: string,
  buildFile: BuildFile,
  { makesMetadata = false, buildFilePath = join(folder, BUILD_FILE) } = {},
): GadgetSource {
  checkFolder(folder);
  const { ebpfSource, wasm, metadata } = buildFile;
  const found = {
    folder,
    ebpf: findEbpfSource(folder, ebpfSource),
    wasm: wasm === undefined ? undefined : findWasm(folder, wasm),
    metadata: findMetadata(folder, metadata ?? DEFAULT_METADATA, makesMetadata),
  };
  if (found.ebpf === undefined && !found.wasm && !found.metadata?.exists) throw nothingThere(folder, metadata);
  checkAlone(found, buildFilePath);
  return { ...found, oddities: [...missingMetadata(found, buildFile, makesMetadata), ...unnamedGo(found)] };
}

function missingMetadata(
  { folder, metadata }: Pick<GadgetSource, "folder" | "metadata">,
  { metadata: named }: BuildFile,
  makesMetadata: boolean,
): string[] {
  if (named === undefined || !metadata || metadata.exists || makesMetadata) return [];
  return [`metadata: there is no file ${shown(named)} in ${printable(folder)}, so the image gets no gadget.yaml`];
}

function unnamedGo({ folder, wasm }: Pick<GadgetSource, "folder" | "wasm">): string[] {
  const go = wasm ? undefined : goSourceIn(join(folder, "go"));
  if (go === undefined) return [];
  const name = `go/${printable(go)}`;
  return [`${name} is not built, as ${BUILD_FILE} does not name it; a line \`wasm: ${name}\` would`];
}

/**
 * Reads the file that says how a gadget is built.
 *
 * @param named where somebody named one; without it, it may be missing
 * @throws {SatchelError} `usage` if one is named and not there; `storage`, `invalid`
 */
export function readBuildFileBytes(
  folder: string,
  named: string | undefined,
): { path: string; bytes: Uint8Array } | undefined {
  const path = named ?? join(folder, BUILD_FILE);
  try {
    return { path, bytes: readSmallFile(path, MAX_BUILD_FILE_SIZE) };
  } catch (error) {
    if (named === undefined && systemCode(error) === "ENOENT") return undefined;
    throw error instanceof SatchelError ? error : unusable(path, error);
  }
}

/** @throws {SatchelError} `usage` if it is not there or no folder; `storage` if it cannot be looked at */
export function checkFolder(folder: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(folder).isDirectory();
  } catch (error) {
    throw unusable(folder, error);
  }
  if (isFolder) return;
  throw new SatchelError("usage", `${printable(folder)} is no folder`, {
    hint: "A gadget is built from the folder that its sources are in.",
  });
}

/** The error for what somebody named to begin with, so that it is theirs if it is not there. */
function unusable(path: string, error: unknown): SatchelError {
  const { message, cause } = unreadable(path, error);
  const isMissing = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
  return new SatchelError(isMissing ? "usage" : "storage", message, { cause });
}

function findEbpfSource(folder: string, named: string | undefined): string | undefined {
  const name = named ?? DEFAULT_SOURCE;
  checkName(name, "ebpfsource");
  if (name !== "" && isFile(join(folder, name))) {
    // By the end of its name a compiler may take it for something else, and run another program.
    if (!name.endsWith(".c")) {
      throw new SatchelError(
        "invalid",
        `ebpfsource: ${shown(name)} is no C source by its name, which has to end in .c`,
      );
    }
    checkInside(folder, name, "ebpfsource");
    return name;
  }
  if (named === undefined) return undefined;
  throw new SatchelError("invalid", `ebpfsource: there is no file ${shown(name)} in ${printable(folder)}`);
}

function findWasm(folder: string, name: string): { name: string; kind: WasmKind } {
  checkName(name, "wasm");
  const kind = WASM_KINDS[extname(name)];
  if (!kind) {
    throw new SatchelError("invalid", `wasm: ${shown(name)} is of no kind that is known`, {
      hint: "A ready module ends in .wasm, a source of one in .go or .rs.",
    });
  }
  if (!isFile(join(folder, name))) {
    throw new SatchelError("invalid", `wasm: there is no file ${shown(name)} in ${printable(folder)}`);
  }
  checkInside(folder, name, "wasm");
  return { name, kind };
}

function findMetadata(folder: string, name: string, makesMetadata: boolean): GadgetSource["metadata"] {
  if (name === "") return undefined;
  checkName(name, "metadata");
  const exists = existsAt(join(folder, name));
  if (exists) checkInside(folder, name, "metadata");
  else if (makesMetadata) checkInside(folder, dirname(name), "metadata");
  return { name, exists };
}

/** A file that is written must not be another one of the gadget's. */
function checkAlone({ folder, ebpf, wasm, metadata }: Omit<GadgetSource, "oddities">, buildFile: string): void {
  if (!metadata?.exists) return;
  const { dev, ino } = statSync(join(folder, metadata.name));
  const others = [
    buildFile,
    ...[ebpf, wasm?.name].filter((name) => name !== undefined).map((name) => join(folder, name)),
  ];
  for (const other of others) {
    const stat = statSync(other, { throwIfNoEntry: false });
    if (stat?.dev !== dev || stat.ino !== ino) continue;
    throw new SatchelError("invalid", `metadata: ${shown(metadata.name)} is the same file as ${printable(other)}`);
  }
}

/**
 * No part of a name must pass for a flag of a compiler, of which some get the last part alone; and what is outside cannot be had in a
 * container.
 */
function checkName(name: string, key: string): void {
  if (/(^|\/)\s*[-@]/.test(name) || name.includes("\0")) {
    throw new SatchelError("invalid", `${key}: ${shown(name)} cannot be the name of a file`, {
      hint: "A compiler would take it for a flag, or for a file with flags.",
    });
  }
  checkNameInside(name, key);
}

function nothingThere(folder: string, metadata: string | undefined): SatchelError {
  const names = `${DEFAULT_SOURCE}, ${metadata ? printable(metadata, 200) : DEFAULT_METADATA} or a wasm module`;
  const go = goSourceIn(join(folder, "go"));
  return new SatchelError("invalid", `there is nothing to build in ${printable(folder)}: no ${names}`, {
    hint: go === undefined
      ? `A ${BUILD_FILE} in that folder may name other files.`
      : `Name the Go source in ${BUILD_FILE}: \`wasm: go/${printable(go)}\`.`,
  });
}

function goSourceIn(folder: string): string | undefined {
  try {
    return readdirSync(folder).sort().find((name) => name.endsWith(".go") && !name.endsWith("_test.go"));
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function existsAt(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function shown(name: string): string {
  return printable(JSON.stringify(name), 200);
}
