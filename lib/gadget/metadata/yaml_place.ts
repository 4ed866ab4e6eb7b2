import { printable } from "../../printable.ts";
import { type Place, YamlList, YamlMap, YamlText, type YamlValue } from "./yaml_tree.ts";

/** How many UTF-16 units of a text from the file a message has. */
export const MAX_QUOTED = 80;

/** A path for people to read. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((part) => printable(String(part), MAX_QUOTED)).join(".");
}

/** What a value is, for people to read. */
export function kindText(node: YamlValue | undefined): string {
  if (node instanceof YamlMap) return "a map";
  if (node instanceof YamlList) return "a list";
  return node instanceof YamlText ? `"${printable(node.text, MAX_QUOTED)}"` : "nothing";
}

/** The value that a path of keys and indexes leads to. */
export function valueAt(root: YamlValue, path: readonly PropertyKey[]): YamlValue | undefined {
  return path.reduce<YamlValue | undefined>((node, part) => childOf(node, part)?.value, root);
}

/** Where a key or its value is; where a path ends early, the last one that is there. */
export function placeAt(root: YamlValue, path: readonly PropertyKey[], which: "key" | "value"): Place {
  let { line, column } = root.place;
  for (let node: YamlValue | undefined = root, depth = 0; node && depth < path.length; depth++) {
    const child: { place: Place; value: YamlValue } | undefined = childOf(node, path[depth]!);
    if (child) ({ line, column } = which === "value" && depth === path.length - 1 ? child.value.place : child.place);
    node = child?.value;
  }
  return { line, column };
}

function childOf(node: YamlValue | undefined, part: PropertyKey): { place: Place; value: YamlValue } | undefined {
  if (node instanceof YamlMap) return node.entries.get(String(part));
  if (!(node instanceof YamlList)) return undefined;
  const value = node.items[Number(part)];
  return value && { place: value.place, value };
}
