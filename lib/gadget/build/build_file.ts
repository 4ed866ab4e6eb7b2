import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { suggestions } from "../../suggest.ts";
import { nestsTooDeepAt } from "../metadata/bounds.ts";
import { readForeignFlags } from "./compiler_flags.ts";

/** The name of the file that is looked for if none is named. */
export const BUILD_FILE = "build.yaml";

/** The longest one that is read, in bytes. */
export const MAX_BUILD_FILE_SIZE = 16 * 1024;

/** What a build.yaml says; what it does not say is `undefined`. */
export interface BuildFile {
  /** The C source of the eBPF program. */
  ebpfSource: string | undefined;
  /** A ready WebAssembly module, or the source of one in Go or Rust; never empty. */
  wasm: string | undefined;
  /** The gadget.yaml. */
  metadata: string | undefined;
  /** More flags for clang. */
  cflags: readonly string[];
}

/** What is odd about a file that somebody wrote. */
export interface FileProblem {
  /** Both count from 1. */
  line: number;
  column: number;
  severity: "error" | "warning";
  text: string;
}

const KEYS = ["ebpfsource", "wasm", "metadata", "cflags"] as const;
type Key = (typeof KEYS)[number];

/** What holds without a build.yaml. */
export const NO_BUILD_FILE: BuildFile = {
  ebpfSource: undefined,
  wasm: undefined,
  metadata: undefined,
  cflags: [],
};

/**
 * Reads a build.yaml. Keys that nobody knows are told, as are those that are there twice, of which the last one counts.
 *
 * @param file its path, for error texts
 * @throws {SatchelError} `invalid` if it is no YAML, or a value is no text: with line and column
 */
export function readBuildFile(bytes: Uint8Array, file: string): { buildFile: BuildFile; problems: FileProblem[] } {
  const lines = new LineCounter();
  const complain = (offset: number, text: string) => {
    const { line, col } = lines.linePos(offset);
    return new SatchelError("invalid", `${file}:${line}:${col}: ${text}`);
  };
  const document = parse(bytes, file, lines);
  const [mistake] = document.errors;
  if (mistake) throw complain(mistake.pos[0], printable(mistake.message, 200));
  const problems: FileProblem[] = [];
  const root = document.contents;
  const isEmpty = root === null || (isScalar(root) && root.value === "");
  if (isEmpty) return { buildFile: NO_BUILD_FILE, problems };
  if (!isMap<Node, Node | null>(root)) throw complain(root.range[0], "it has to be a map of keys and values");

  const texts: Partial<Record<Key, string>> = {};
  const places: Partial<Record<Key, number>> = {};
  const warn = (node: Node, text: string) => {
    const { line, col } = lines.linePos(node.range?.[0] ?? 0);
    problems.push({ line, column: col, severity: "warning", text });
  };
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const known = KEYS.find((each) => each === name);
    if (!known) {
      warn(key, unknownKey(name));
      continue;
    }
    if (places[known] !== undefined) warn(key, `${known} is there twice; this one counts`);
    const target = isAlias(value) ? value.resolve(document) : value;
    if (isAlias(value) && !target) throw complain(value.range?.[0] ?? 0, "there is no anchor of this name before it");
    if (target && !isScalar(target)) throw complain(target.range?.[0] ?? 0, `${known} has to be a text`);
    places[known] = target?.range?.[0] ?? key.range?.[0] ?? 0;
    if (isAbsent(target)) delete texts[known];
    else texts[known] = String(target.value);
  }
  const buildFile: BuildFile = {
    ebpfSource: texts.ebpfsource,
    wasm: texts.wasm || undefined,
    metadata: texts.metadata,
    cflags: texts.cflags === undefined ? [] : flagsAt(texts.cflags, places.cflags!, complain),
  };
  return { buildFile, problems };
}

function parse(bytes: Uint8Array, file: string, lineCounter: LineCounter) {
  if (bytes.length > MAX_BUILD_FILE_SIZE) {
    throw new SatchelError("invalid", `${file} is larger than ${MAX_BUILD_FILE_SIZE} bytes`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SatchelError("invalid", `${file} is not UTF-8 text`, { cause });
  }
  if (nestsTooDeepAt(text) !== undefined) throw new SatchelError("invalid", `${file} nests too deep`);
  // What comes after the first document does not count.
  const end = /^(---|\.\.\.)(?=\s|$)/gm;
  const hasStart = /^(\s*(#.*)?\n)*---(\s|$)/.test(text);
  const marks = [...text.matchAll(end)].map(({ index }) => index);
  const cut = marks[hasStart ? 1 : 0];
  try {
    return parseDocument(cut === undefined ? text : text.slice(0, cut), {
      schema: "failsafe",
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter,
    });
  } catch (cause) {
    // What nests by the thousand exhausts the stack.
    throw new SatchelError("invalid", `${file} nests too deep`, { cause });
  }
}

/** As in YAML: nothing, `~` and `null`, unless it stands in quotes. */
function isAbsent(node: Node | null | undefined): node is null | undefined {
  if (!isScalar(node)) return true;
  return node.type === "PLAIN" && /^(~|null|Null|NULL|)$/.test(String(node.value));
}

function unknownKey(name: string): string {
  const similar = suggestions(name, KEYS);
  const meant = similar.length > 0 ? `; did you mean ${similar.join(" or ")}?` : "";
  return `unknown key ${printable(JSON.stringify(name), 60)} has no effect${meant}`;
}

function flagsAt(text: string, offset: number, complain: (offset: number, text: string) => SatchelError): string[] {
  try {
    return readForeignFlags(text, "cflags");
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    const { message, hint } = error;
    throw new SatchelError("invalid", complain(offset, message).message, { hint, cause: error });
  }
}
