import { isMap, isScalar, isSeq } from "yaml";
import type { Json, PluginLocation } from "../../lib/plugin/mod.ts";
import { BUILTIN } from "../../lib/plugin/names.ts";
import { type ConfigSource, readDuration, readEntries, readMap, readPath, readText, within } from "./config_node.ts";

/** The longest that a hook may be given, in milliseconds: an hour. */
const MAX_TIMEOUT = 3_600_000;

/** Reads `plugins`: paths, or maps of `path`, `settings` and `timeout`, in the order in which they are asked. */
export function readPlugins(node: unknown, source: ConfigSource): PluginLocation[] {
  if (!isSeq(node)) throw source.complain(node, "it must be a list of plugins");
  return node.items.map((item) => readPlugin(item, source));
}

function readPlugin(node: unknown, source: ConfigSource): PluginLocation {
  const from = source.where(node);
  if (!isMap(node)) return { path: readPluginPath(node, source), from };
  const { path, settings, timeout } = readMap(
    node,
    { path: readPluginPath, settings: readSettings, timeout: readTimeout },
    source,
  );
  if (path === undefined) throw source.complain(node, "path is missing");
  return { path, from, ...(settings && { settings }), ...(timeout !== undefined && { timeout }) };
}

function readTimeout(node: unknown, source: ConfigSource): number {
  const timeout = readDuration(node, source);
  if (timeout >= 1 && timeout <= MAX_TIMEOUT) return timeout;
  throw source.complain(node, "it must be from 1ms to 1h");
}

function readPluginPath(node: unknown, source: ConfigSource): string {
  const text = readText(node, source);
  if (text === BUILTIN) throw source.complain(node, "it must not be empty");
  return text.startsWith(BUILTIN) ? text : readPath(node, source);
}

function readSettings(node: unknown, source: ConfigSource): Readonly<Record<string, Json>> {
  const entries = readEntries(node, source, "they must be a map");
  return Object.fromEntries(entries.map(([key, value, keyNode]) => {
    return [key, value === null ? null : readJson(value, within(source, key, value ?? keyNode))];
  }));
}

/** What JSON can say as well. */
function readJson(node: unknown, source: ConfigSource): Json {
  if (node === null) return null;
  if (isMap(node)) return readSettings(node, source);
  if (isSeq(node)) return node.items.map((item) => readJson(item, source));
  const value = isScalar(node) ? node.value : undefined;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw source.complain(node, "it must be a value that JSON has");
}
