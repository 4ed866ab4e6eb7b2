import { isMap, isScalar, isSeq } from "yaml";
import { formatRepository } from "../../lib/oci/reference.ts";
import { type Mirror, type MirrorRule, parseEndpoint, parseMirrorKey } from "../../lib/registry/mirror_rules.ts";
import { type ConfigSource, readEntries, readMap, readText, within } from "./config_node.ts";

const KEY_RULE = "write host, host:port, or either with a path";
const ENDPOINT_RULE = "write [https://|http://]host[:port][/path]";

/** Reads `mirrors`: for each registry, or prefix of names, its mirrors in the order in which they are asked. */
export function readMirrors(node: unknown, source: ConfigSource): MirrorRule[] {
  const rules = new Map<string, MirrorRule>();
  for (const [key, value, keyNode] of readEntries(node, source, "it must be a map from registries to their mirrors")) {
    const name = parseMirrorKey(key);
    if (!name) throw source.complain(keyNode, `invalid registry or prefix ${JSON.stringify(key)}: ${KEY_RULE}`);
    const full = formatRepository({ registry: name.registry, repository: name.prefix });
    if (rules.has(full)) throw source.complain(keyNode, `${key} is there already, by another of its names`);
    rules.set(full, { ...name, mirrors: readList(value, within(source, key, value ?? keyNode)) });
  }
  return [...rules.values()];
}

function readList(node: unknown, source: ConfigSource): Mirror[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list of mirrors");
  return node.items.map((item) => readMirror(item, source));
}

function readMirror(node: unknown, source: ConfigSource): Mirror {
  if (!isMap(node)) return { ...readEndpoint(node, source), resolveTags: false };
  const { endpoint, resolveTags } = readMap(node, { endpoint: readEndpoint, resolveTags: readBoolean }, source);
  if (!endpoint) throw source.complain(node, "endpoint is missing");
  return { ...endpoint, resolveTags: resolveTags ?? false };
}

function readEndpoint(node: unknown, source: ConfigSource): Omit<Mirror, "resolveTags"> {
  const text = readText(node, source);
  const endpoint = parseEndpoint(text);
  if (endpoint) return endpoint;
  // It may have an account in it.
  const shown = text.includes("@") ? "" : ` ${JSON.stringify(text)}`;
  throw source.complain(node, `invalid mirror${shown}: ${ENDPOINT_RULE}`);
}

function readBoolean(node: unknown, source: ConfigSource): boolean {
  if (isScalar(node) && typeof node.value === "boolean") return node.value;
  throw source.complain(node, "it must be true or false");
}
