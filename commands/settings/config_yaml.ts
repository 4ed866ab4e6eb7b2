import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import { SatchelError } from "../../lib/error.ts";
import { isRegistry } from "../../lib/oci/reference.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import type { Policy } from "../../lib/signing/policy.ts";
import type { ConfigFile, ConfigText, LoadedConfig } from "./config_file.ts";
import { readMirrors } from "./config_mirrors.ts";
import { type ConfigSource, readDuration, type Reader, readMap, readPath, readText } from "./config_node.ts";
import { readPlugins } from "./config_plugins.ts";
import { readAllowed, readVerify } from "./config_policy.ts";
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
  verify: readVerify,
  allowed: readAllowed,
};

/**
 * Puts configuration files together: a key of a later one replaces that of an earlier one, but for `verify` and `allowed`, which are
 * kept for each.
 *
 * @param home what `~/` stands for
 * @throws {SatchelError} `usage` with file, line and column for what is not YAML, unknown keys and wrong types
 */
export function mergeConfigFiles(files: readonly ConfigText[], home?: string): LoadedConfig {
  const read = files.map((file) => parseConfig(file, home));
  return {
    values: Object.assign({}, ...read.map(({ values }) => values)),
    places: Object.assign({}, ...read.map(({ places }) => places)),
    policies: read.flatMap(({ policies }) => policies),
  };
}

function parseConfig({ path, text, isOfHost = false }: ConfigText, home: string | undefined): LoadedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake) throw new SatchelError("usage", `${at(path, lines, mistake.pos[0])}: ${mistakeText(mistake, text)}`);
  const where = (node: unknown) => at(path, lines, (node as Node | null)?.range?.[0] ?? 0);
  const source: ConfigSource = {
    file: path,
    ...(home !== undefined && { home }),
    where,
    complain: (node, message) => new SatchelError("usage", `${where(node)}: ${message}`),
  };
  refuseAliases(document, source);
  const { contents } = document;
  if (contents === null) return { values: {}, places: {}, policies: [] };
  if (!isMap(contents)) throw source.complain(contents, "a configuration file is a list of keys and values");
  const values = readMap(contents, KEYS, source);
  // Without the column, which the key of a line does not need.
  const places = contents.items.map(({ key }) => [String(key), where(key).replace(/:\d+$/, "")]);
  return { values, places: Object.fromEntries(places), policies: policiesOf(values, path, isOfHost) };
}

function policiesOf({ verify, allowed }: ConfigFile, file: string, isOfHost: boolean): Policy[] {
  if (!verify && !allowed) return [];
  const owner = isOfHost ? 0 : effectiveUser();
  return [{ file, isOfHost, ...(owner !== undefined && { owner }), verify: verify ?? [], ...(allowed && { allowed }) }];
}

/** What the parser says, without its advice to programmers. */
function mistakeText({ code, message, pos }: Document["errors"][number] | Document["warnings"][number], text: string) {
  if (code === "MULTIPLE_DOCS") return "a configuration file is one YAML document, and here a second one begins";
  if (code === "TAG_RESOLVE_FAILED") return `the tag ${text.slice(...pos)} means nothing here`;
  return message.split(" at line ")[0];
}

/** A few lines of aliases can stand for any amount, and nobody needs them here. */
function refuseAliases(document: Document.Parsed, source: ConfigSource): void {
  visit(document, {
    Alias(_, node) {
      throw source.complain(node, `the alias *${node.source} cannot be used here`);
    },
  });
}

function at(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}`;
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
