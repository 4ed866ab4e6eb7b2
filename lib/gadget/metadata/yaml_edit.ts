import { type Document, isAlias, isCollection, isMap, isScalar, type Node, type Pair, type YAMLMap } from "yaml";
import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { compareNaturally } from "./natural_order.ts";
import { blockLines, flowEntries, type WrittenMap } from "./yaml_write.ts";
import { MAX_QUOTED } from "./yaml_place.ts";
import { aliasTargets, entriesOf, MERGE, type Reading } from "./yaml_node.ts";
import { MAX_METADATA_SIZE, MAX_TEXTS } from "./bounds.ts";

/** A part of a text to be replaced. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

type Item = Pair<Node, Node | null>;

/**
 * Adds what is missing to a YAML file and leaves every other byte as it is. What is there keeps its place; what is new stands where its
 * key belongs if the keys around it are in order, else behind them.
 *
 * @param document what `text` was read as
 */
export function addMissing(text: string, document: Document, wanted: WrittenMap): string {
  const edits = new Editor(text, document).editsFor(wanted);
  let result = text;
  // From behind, so that places stay what they are; of several at one place, the first one comes first.
  for (const { start, end, text: inserted } of edits.toReversed().toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + inserted + result.slice(end);
  }
  return result;
}

class Editor {
  readonly #edits: Edit[] = [];
  readonly #reading: Reading;
  readonly #eol: string;
  #step: string;

  constructor(readonly text: string, readonly document: Document) {
    this.#reading = { targets: aliasTargets(document), texts: MAX_TEXTS, length: MAX_METADATA_SIZE * 8, isCut: false };
    this.#eol = text.includes("\r\n") ? "\r\n" : "\n";
    this.#step = "  ";
  }

  editsFor(wanted: WrittenMap): Edit[] {
    const root = this.document.contents;
    if (isMap<Node, Node | null>(root)) {
      this.#step = this.#stepOf(root) ?? this.#step;
      this.#complete(root, wanted);
    } else this.#insertLines(this.text.length, blockLines(wanted, "", this.#step));
    return this.#edits;
  }

  /** How far the author indents: by the first map within another one. */
  #stepOf(map: YAMLMap<Node, Node | null>): string | undefined {
    for (const { value } of map.items) {
      if (!isMap<Node, Node | null>(value) || value.flow || value.items.length === 0) continue;
      const step = this.#indentOf(value).length - this.#indentOf(map).length;
      if (step > 0) return " ".repeat(step);
    }
    return undefined;
  }

  #complete(map: YAMLMap<Node, Node | null>, wanted: WrittenMap): void {
    const present = entriesOf(map, this.#reading);
    const missing = new Map<string, string | WrittenMap>();
    for (const [key, value] of wanted.entries) {
      const own = map.items.findLast((item) => keyOf(item) === key);
      if (own) {
        if (typeof value !== "string") this.#completeValue(map, own, value);
      } else if (!present.has(key)) missing.set(key, value);
    }
    if (missing.size > 0) this.#insert(map, { order: wanted.order, entries: missing });
  }

  #completeValue(map: YAMLMap<Node, Node | null>, item: Item, wanted: WrittenMap): void {
    const { value, key } = item;
    if (isMap<Node, Node | null>(value) && (value.items.length > 0 || value.flow)) {
      wanted = ofThere(wanted);
      if (wanted.entries.size === 0) return;
      const isInBlock = !map.flow && /^[ \t]*$/.test(this.text.slice(key.range![1], value.range![0]).replace(":", ""));
      if (value.items.length > 0 || !isInBlock || /[^{}\s]/.test(this.#sourceOf(value))) this.#complete(value, wanted);
      else this.#replaceByBlock(item, map, value, [], wanted);
      return;
    }
    if (isAlias(value)) {
      const present = entriesOf(value, this.#reading);
      const entries = new Map([...ofThere(wanted).entries].filter(([name]) => !present.has(name)));
      if (entries.size === 0) return;
      const rest = { order: wanted.order, entries };
      if (map.flow) this.#replace(value, `{<<: *${value.source}, ${flowEntries(rest)}}`);
      else this.#replaceByBlock(item, map, value, [`<<: *${value.source}`], rest);
      return;
    }
    // What is null is completed as if it were an empty map.
    if (value && !isScalar(value)) return;
    // A map below them would be of the tag's type, and whoever names the anchor would have it too.
    if (value?.tag !== undefined || value?.anchor !== undefined) throw notEmpty(keyOf(item));
    if (map.flow) this.#edits.push(this.#flowValue(item, `{${flowEntries(wanted)}}`));
    else this.#replaceByBlock(item, map, value, [], wanted);
  }

  #flowValue({ key, value }: Item, text: string): Edit {
    if (value && value.range![1] > value.range![0]) return { start: value.range![0], end: value.range![1], text };
    const colon = /^\s*:/.exec(this.text.slice(key.range![1]))?.[0].length;
    const at = key.range![1] + (colon ?? 0);
    return { start: at, end: at, text: colon === undefined ? `: ${text}` : ` ${text}` };
  }

  /** Writes a map below its key, instead of what stands behind the key. */
  #replaceByBlock(
    { key }: Item,
    map: YAMLMap<Node, Node | null>,
    value: Node | null,
    first: readonly string[],
    wanted: WrittenMap,
  ): void {
    const indent = this.#indentOf(map) + this.#step;
    let end = key.range![1];
    if (value && value.range![1] > value.range![0]) {
      const [from, to] = value.range!;
      const isLast = /^[ \t]*(\r?\n|$)/.test(this.text.slice(to));
      const before = isLast ? /[ \t]*$/.exec(this.text.slice(0, from))![0].length : 0;
      this.#edits.push({ start: from - before, end: to, text: "" });
      end = to;
    }
    const lines = [...first.map((line) => indent + line), ...blockLines(wanted, indent, this.#step)];
    this.#insertLines(this.#lineAfter(end), lines);
  }

  #insert(map: YAMLMap<Node, Node | null>, wanted: WrittenMap): void {
    if (map.flow) return this.#insertFlow(map, wanted);
    const indent = this.#indentOf(map);
    const keys = map.items.map(keyOf);
    const places = Map.groupBy(wanted.entries, ([name]) => placeAmong(keys, name, wanted.order));
    for (const [index, entries] of places) {
      const lines = blockLines({ order: wanted.order, entries: new Map(entries) }, indent, this.#step);
      const at = index === -1 ? this.#before(map) : this.#lineAfter(this.#endOf(map.items[index]!));
      this.#insertLines(at, lines);
    }
  }

  #insertFlow(map: YAMLMap<Node, Node | null>, wanted: WrittenMap): void {
    const last = map.items.at(-1);
    const entries = flowEntries(wanted);
    if (!last) {
      const at = map.range![0] + 1;
      this.#edits.push({ start: at, end: at, text: entries });
    } else {
      const at = last.value && last.value.range![1] > last.value.range![0]
        ? last.value.range![1]
        : last.key.range![1] + (/^\s*:/.exec(this.text.slice(last.key.range![1]))?.[0].length ?? 0);
      this.#edits.push({ start: at, end: at, text: `, ${entries}` });
    }
  }

  #replace(node: Node, text: string): void {
    this.#edits.push({ start: node.range![0], end: node.range![1], text });
  }

  #insertLines(at: number, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const begin = at > 0 && this.text[at - 1] !== "\n" && this.text[at - 1] !== "\uFEFF" ? this.#eol : "";
    this.#edits.push({ start: at, end: at, text: begin + lines.map((line) => line + this.#eol).join("") });
  }

  /** Where the line begins that follows on what ends at a place. */
  #lineAfter(end: number): number {
    if (this.text[end - 1] === "\n") return end;
    const at = this.text.indexOf("\n", end);
    return at === -1 ? this.text.length : at + 1;
  }

  /** Where the line of a map's first key begins, or the comment above it that belongs to it: not that of the whole file. */
  #before(map: YAMLMap<Node, Node | null>): number {
    const line = this.#lineOf(map.items[0]!.key.range![0]);
    let at = line;
    while (at > 0) {
      const previous = this.#lineOf(at - 1);
      if (!/^[ \t]*#/.test(this.text.slice(previous, at))) return at;
      at = previous;
    }
    return line;
  }

  #lineOf(at: number): number {
    return this.text.lastIndexOf("\n", at - 1) + 1;
  }

  #indentOf(map: YAMLMap<Node, Node | null>): string {
    const line = this.#lineOf((map.items[0]?.key ?? map).range![0]);
    return /^\uFEFF?( *)/.exec(this.text.slice(line))![1]!;
  }

  /** Where what belongs to an entry ends, without comments. */
  #endOf({ key, value }: Item): number {
    let node: unknown = value;
    let end = key.range![1];
    while (isCollection(node) && !node.flow && node.items.length > 0) {
      const last: unknown = node.items.at(-1);
      if (isMap(node)) {
        const pair = last as Item;
        [node, end] = [pair.value, pair.key.range![1]];
      } else node = last;
    }
    const range = (node as Node | null)?.range;
    return range && range[1] > range[0] ? range[1] : end;
  }

  #sourceOf(node: Node): string {
    return this.text.slice(node.range![0], node.range![1]);
  }
}

function notEmpty(key: string | undefined): SatchelError {
  const name = printable(key ?? "", MAX_QUOTED);
  return new SatchelError(
    "invalid",
    `${name} has a tag or an anchor and no map behind it: nothing can be added to it`,
    {
      hint: `Leave out what stands behind "${name}:", or write a map there.`,
    },
  );
}

function keyOf({ key }: Item): string | undefined {
  return isScalar(key) ? String(key.value ?? "") : undefined;
}

function ofThere(wanted: WrittenMap): WrittenMap {
  const { order, entries, ifThere } = wanted;
  return ifThere ? { order, entries: new Map([...entries].filter(([key]) => ifThere.includes(key))) } : wanted;
}

/** Behind which of the keys of a map a new one belongs; -1 if before them all. */
function placeAmong(keys: readonly (string | undefined)[], name: string, order: readonly string[]): number {
  const rank = order.indexOf(name);
  if (rank !== -1) {
    const before = order.slice(0, rank).findLast((each) => keys.includes(each));
    if (before !== undefined) return keys.lastIndexOf(before);
    return order.some((each) => keys.includes(each)) ? -1 : keys.length - 1;
  }
  const own = keys.filter((key) => key !== undefined && key !== MERGE);
  const isOrdered = own.every((key, index) => index === 0 || compareNaturally(own[index - 1]!, key!) <= 0);
  if (!isOrdered || own.length === 0) return keys.length - 1;
  return keys.findLastIndex((key) => key !== undefined && (key === MERGE || compareNaturally(key, name) < 0));
}
