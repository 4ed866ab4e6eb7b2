import { dirname, resolve } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import { SatchelError } from "../lib/error.ts";
import { isRegistry } from "../lib/oci/reference.ts";
import type { ConfigFile, ConfigText } from "./config_file.ts";
import { CONCURRENCY_RULE, parseConcurrency, parseDuration } from "./flags.ts";
import { suggestions } from "./suggest.ts";

/** Complains about something in the file, at the place of a node. */
type Complain = (node: unknown, message: string) => SatchelError;

/** How each key is read. */
const KEYS: { [Key in keyof ConfigFile]-?: (node: unknown, file: string, complain: Complain) => ConfigFile[Key] } = {
  store: readPath,
  authfile: readPath,
  insecureRegistries: readRegistries,
  concurrency: readConcurrency,
  lockTimeout: readDuration,
};

/**
 * Puts configuration files together: a key of a later one replaces that of an earlier one.
 *
 * @throws {SatchelError} `usage` with file, line and column for what is not YAML, unknown keys and wrong types
 */
export function mergeConfigFiles(files: readonly ConfigText[]): ConfigFile {
  return Object.assign({}, ...files.map(parseConfig));
}

function parseConfig({ path, text }: ConfigText): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const complain: Complain = (node, message) =>
    new SatchelError("usage", `${at((node as Node | null)?.range?.[0] ?? 0)}: ${message}`);
  const [mistake] = document.errors;
  if (mistake) throw new SatchelError("usage", `${at(mistake.pos[0])}: ${mistake.message.split(" at line ")[0]}`);
  if (document.contents === null) return {};
  if (!isMap(document.contents)) throw complain(document.contents, "a configuration file is a list of keys and values");
  return Object.assign({}, ...document.contents.items.map((pair) => readPair(pair, path, complain)));
}

function readPair(pair: Pair, file: string, complain: Complain): ConfigFile {
  const key = isScalar(pair.key) ? String(pair.key.value) : "";
  if (!isKey(key)) {
    const [similar] = suggestions(key, Object.keys(KEYS));
    const advice = similar ? `did you mean ${similar}?` : `known keys are ${Object.keys(KEYS).join(", ")}`;
    throw complain(pair.key, `unknown key ${JSON.stringify(key)}: ${advice}`);
  }
  const blame = pair.value ?? pair.key;
  return { [key]: KEYS[key](pair.value, file, (node, message) => complain(node ?? blame, `${key}: ${message}`)) };
}

function isKey(key: string): key is keyof ConfigFile {
  return Object.hasOwn(KEYS, key);
}

function readPath(node: unknown, file: string, complain: Complain): string {
  const text = readText(node, complain);
  if (text === "") throw complain(node, "it must not be empty");
  return resolve(dirname(file), text);
}

function readRegistries(node: unknown, _file: string, complain: Complain): string[] {
  if (!isSeq(node)) throw complain(node, "it must be a list of host or host:port");
  return node.items.map((item) => {
    const text = readText(item, complain);
    if (isRegistry(text)) return text.toLowerCase();
    throw complain(item, `invalid registry ${JSON.stringify(text)}: write host or host:port`);
  });
}

function readConcurrency(node: unknown, _file: string, complain: Complain): number {
  const number = isScalar(node) && typeof node.value === "number" ? parseConcurrency(String(node.value)) : undefined;
  if (number === undefined) throw complain(node, CONCURRENCY_RULE);
  return number;
}

function readDuration(node: unknown, _file: string, complain: Complain): number {
  const duration = isScalar(node) ? parseDuration(String(node.value)) : undefined;
  if (duration === undefined) throw complain(node, "it must be a duration like 30s or 5m");
  return duration;
}

function readText(node: unknown, complain: Complain): string {
  if (isScalar(node) && typeof node.value === "string") return node.value;
  throw complain(node, "it must be text");
}
