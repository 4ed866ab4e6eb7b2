import { type Document, isAlias, isMap, isScalar, isSeq, type Node, visit, type YAMLMap } from "yaml";

/** How far the reading of a document has come. */
export interface Reading {
  /** What each alias stands for. */
  targets: ReadonlyMap<Node, Node>;
  /** How many more texts may be read. */
  texts: number;
  /** How many UTF-16 units these may have together. */
  length: number;
  /** Whether something was left out because of these limits. */
  isCut: boolean;
}

/** The key of a map that is merged into another one. */
export const MERGE = "<<";

/** How many maps may be merged into one, and how often into one another. */
const MAX_MERGES = 5;

/** Looks up what each alias of a document stands for: the node that had its anchor last (YAML 1.2, 7.1). */
export function aliasTargets(document: Document): Map<Node, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) targets.set(node, target);
      } else if (node.anchor) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

/** The entries of a map by their keys, those that are merged into it (`<<`) among them; none if it is no map. */
export function entriesOf(node: Node | undefined, reading: Reading, merges = MAX_MERGES): Map<string, Node> {
  const entries = new Map<string, Node>();
  const map = resolved(node, reading);
  if (reading.isCut || !isMap<Node, Node | null>(map)) return entries;
  for (const each of merges === 0 ? [] : mergedInto(map, reading)) {
    entriesOf(each, reading, merges - 1).forEach((value, key) => entries.set(key, value));
  }
  for (const { key, value } of map.items) {
    const name = textIn(key);
    if (!value || name === undefined || name === MERGE) continue;
    if (!take(reading, name)) return entries;
    entries.set(name, value);
  }
  return entries;
}

/** The maps that are merged into one, the one that counts most as the last. */
function mergedInto(map: YAMLMap<Node, Node | null>, reading: Reading): readonly Node[] {
  const found = map.items.findLast(({ key }) => textIn(key) === MERGE)?.value;
  const merged = resolved(found ?? undefined, reading);
  if (!merged) return [];
  // Of several maps in a list, the first one counts.
  return isSeq<Node>(merged) ? merged.items.slice(0, MAX_MERGES).reverse() : [merged];
}

/** The items of a list; none if it is no list. */
export function itemsOf(node: Node | undefined, reading: Reading): readonly Node[] {
  const list = resolved(node, reading);
  return isSeq<Node>(list) ? list.items : [];
}

/** A text as it is written, a number or a truth value among them; `undefined` for anything else. */
export function textOf(node: Node | undefined, reading: Reading): string | undefined {
  const text = textIn(resolved(node, reading));
  return text !== undefined && take(reading, text) ? text : undefined;
}

/** Whether there is room for one more text. */
function take(reading: Reading, text: string): boolean {
  if (reading.texts === 0 || text.length > reading.length) {
    reading.isCut = true;
    return false;
  }
  reading.texts--;
  reading.length -= text.length;
  return true;
}

function resolved(node: Node | undefined, { targets }: Reading): Node | undefined {
  return node && (targets.get(node) ?? node);
}

function textIn(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
}
