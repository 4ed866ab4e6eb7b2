import { dirname, resolve } from "node:path";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { SatchelError } from "../../lib/error.ts";
import { isRegistry } from "../../lib/oci/reference.ts";
import type { ConfigFile, ConfigText, LoadedConfig } from "./config_file.ts";
import { readMirrors } from "./config_mirrors.ts";
import { type ConfigSource, readDuration, type Reader, readMap, readText } from "./config_node.ts";
import { readPlugins } from "./config_plugins.ts";
import { CONCURRENCY_RULE, parseConcurrency } from "../line/flags.ts";

/** How each key is read. */
const KEYS: { [Key in keyof ConfigFile]-?: Reader<NonNullable<ConfigFile[Key]>> } = {
  store: readPath,
  authfile: readPath,
  insecureRegistries: readRegistries,
  mirrors: readMirrors,
  plugins: readPlugins,
  concurrency: readConcurrency,
  lockTimeout: readDuration,
};

/**
 * Puts configuration files together: a key of a later one replaces that of an earlier one.
 *
 * @throws {SatchelError} `usage` with file, line and column for what is not YAML, unknown keys and wrong types
 */
export function mergeConfigFiles(files: readonly ConfigText[]): LoadedConfig {
  const read = files.map(parseConfig);
  return {
    values: Object.assign({}, ...read.map(({ values }) => values)),
    places: Object.assign({}, ...read.map(({ places }) => places)),
  };
}

function parseConfig({ path, text }: ConfigText): LoadedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake) {
    const place = at(path, lines, mistake.pos[0]);
    throw new SatchelError("usage", `${place}: ${mistake.message.split(" at line ")[0]}`);
  }
  const where = (node: unknown) => at(path, lines, (node as Node | null)?.range?.[0] ?? 0);
  const source: ConfigSource = {
    file: path,
    where,
    complain: (node, message) => new SatchelError("usage", `${where(node)}: ${message}`),
  };
  const { contents } = document;
  if (contents === null) return { values: {}, places: {} };
  if (!isMap(contents)) throw source.complain(contents, "a configuration file is a list of keys and values");
  const values = readMap(contents, KEYS, source);
  // Without the column, which the key of a line does not need.
  const places = contents.items.map(({ key }) => [String(key), where(key).replace(/:\d+$/, "")]);
  return { values, places: Object.fromEntries(places) };
}

function at(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
}

function readPath(node: unknown, source: ConfigSource): string {
  const text = readText(node, source);
  if (text === "") throw source.complain(node, "it must not be empty");
  return resolve(dirname(source.file), text);
}

function readRegistries(node: unknown, source: ConfigSource): string[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list of host or host:port");
  return node.items.map((item) => {
    const text = readText(item, source);
    if (isRegistry(text)) return text.toLowerCase();
    throw source.complain(item, `invalid registry ${JSON.stringify(text)}: write host or host:port`);
  });
}

function readConcurrency(node: unknown, source: ConfigSource): number {
  const number = isScalar(node) && typeof node.value === "number" ? parseConcurrency(String(node.value)) : undefined;
  if (number === undefined) throw source.complain(node, CONCURRENCY_RULE);
  return number;
}
