import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import { printable } from "../../printable.ts";
import { MAX_TEXTS, nestsTooDeepAt } from "./bounds.ts";
import { aliasTargets } from "./yaml_node.ts";

/** Where something begins, from 1; columns in UTF-16 units. */
export interface Place {
  line: number;
  column: number;
}

/** Something in a file that is wrong, or that its author may not have meant. */
export interface MetadataProblem extends Place {
  severity: "error" | "warning";
  text: string;
}

/** A scalar, as it is written. */
export class YamlText {
  constructor(readonly place: Place, readonly text: string, readonly isTrue: boolean | undefined) {}
}

/** What has no value, or `null`. */
export class YamlNull {
  constructor(readonly place: Place) {}
}

/** A list, without what is null in it. */
export class YamlList {
  constructor(readonly place: Place, readonly items: readonly YamlValue[]) {}
}

/** A map, with what is merged into it. */
export class YamlMap {
  constructor(readonly place: Place, readonly entries: ReadonlyMap<string, YamlEntry>) {}
}

export type YamlValue = YamlText | YamlNull | YamlList | YamlMap;

export interface YamlEntry {
  /** Where its key is. */
  place: Place;
  value: YamlValue;
}

/** A file of YAML. */
export interface YamlFile {
  document: Document;
  /** `undefined` if it has no content, or an error. */
  root: YamlValue | undefined;
  problems: MetadataProblem[];
}

/** How deep lists and maps may nest, with what aliases stand for. */
const MAX_DEPTH = 30;

/** How many errors of syntax are told: what comes behind the first one is often only a consequence. */
const MAX_SYNTAX_ERRORS = 3;

/** What YAML 1.1 as go-yaml v2 reads it takes for truth values, and for nothing. */
const BOOLEANS: Readonly<Record<"true" | "false", RegExp>> = {
  true: /^([yY]|[yY]es|YES|[tT]rue|TRUE|[oO]n|ON)$/,
  false: /^([nN]|[nN]o|NO|[fF]alse|FALSE|[oO]ff|OFF)$/,
};
const NULL = /^(|~|null|Null|NULL)$/;

/** What a YAML file may not have (YAML 1.1, 5.1). */
// deno-lint-ignore no-control-regex -- control characters are what this is about
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff]|\p{Cs}/u;

const TAG = "tag:yaml.org,2002:";

/** What a scalar has to look like whose type is written before it. */
const TAGGED: Readonly<Record<string, RegExp>> = {
  null: NULL,
  bool: new RegExp(`${BOOLEANS.true.source}|${BOOLEANS.false.source}`),
  int: /^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/,
  float: /^([-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/,
};

/**
 * Reads the first document of a YAML file as go-yaml v2 does: texts stay as they are written, `yes` and `on` are truth values, of two
 * values of a key the last one counts.
 *
 * @param text without a byte order mark
 */
export function parseYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const problems: MetadataProblem[] = [];
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const add = (severity: MetadataProblem["severity"], place: Place, text: string) =>
    problems.push({ ...place, severity, text });
  const forbidden = FORBIDDEN.exec(text)?.index ?? nestsTooDeepAt(text);
  if (forbidden !== undefined) {
    const why = FORBIDDEN.test(text) ? "a control character" : "this nests too deep, or too much of it is in one line";
    const before = text.slice(0, forbidden).split("\n");
    add("error", { line: before.length, column: before.at(-1)!.length + 1 }, why);
    return { document: parseDocument(""), root: undefined, problems };
  }
  const options = { schema: "failsafe", uniqueKeys: false, prettyErrors: false, strict: false } as const;
  const document = parseDocument(text, { ...options, lineCounter: lines });
  const errors = document.errors.filter(({ code }) => code !== "MULTIPLE_DOCS");
  for (const { pos, message } of errors.slice(0, MAX_SYNTAX_ERRORS)) add("error", placeAt(pos[0]), printable(message));
  for (const { code, pos } of document.errors) {
    if (code === "MULTIPLE_DOCS") {
      add("warning", placeAt(pos[0]), "only the first document counts, and this is the second");
    }
  }
  if (errors.length > 0 || !document.contents) return { document, root: undefined, problems };
  const root = new TreeReader(aliasTargets(document), placeAt, add).read(document.contents);
  return { document, root: problems.some(({ severity }) => severity === "error") ? undefined : root, problems };
}

/** Makes a tree of a document's nodes, in which aliases are what they stand for. */
class TreeReader {
  #left = MAX_TEXTS;

  constructor(
    readonly targets: ReadonlyMap<Node, Node>,
    readonly placeAt: (offset: number) => Place,
    readonly add: (severity: MetadataProblem["severity"], place: Place, text: string) => void,
  ) {}

  read(node: Node | null, depth = 0): YamlValue {
    const place = this.#placeOf(node);
    if (this.#left === 0) return new YamlNull(place);
    this.#left--;
    if (this.#left === 0) this.add("error", place, `more than ${MAX_TEXTS} values, with what aliases stand for`);
    if (depth > MAX_DEPTH) {
      this.#left = 0;
      this.add("error", place, `this nests more than ${MAX_DEPTH} levels deep`);
    }
    if (node === null) return new YamlNull(place);
    if (isAlias(node)) {
      const target = this.targets.get(node);
      if (target) return this.read(target, depth + 1);
      this.add("error", place, `there is no anchor "${printable(node.source, 80)}" before this alias`);
      return new YamlNull(place);
    }
    if (isMap<Node, Node | null>(node)) return new YamlMap(place, this.#entriesOf(node.items, depth));
    if (isSeq<Node>(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1));
      return new YamlList(place, items.filter((item) => !(item instanceof YamlNull)));
    }
    return isScalar(node) ? this.#scalar(node, place) : new YamlNull(place);
  }

  #entriesOf(
    items: readonly { key: Node; value: Node | null }[],
    depth: number,
  ): Map<string, YamlEntry> {
    const own = new Map<string, YamlEntry>();
    const merged = new Map<string, YamlEntry>();
    for (const { key, value } of items) {
      const place = this.#placeOf(key);
      if (isScalar(key) && key.value === "<<" && key.type === "PLAIN") {
        this.#merge(value, depth).forEach((entry, name) => merged.set(name, entry));
        continue;
      }
      const name = this.#left === 0 ? undefined : this.#keyText(this.read(key, depth + 1));
      if (name === undefined) continue;
      const first = own.get(name);
      if (first) {
        const text = `the key "${printable(name, 80)}" stands in line ${first.place.line} too; the last one counts`;
        this.add("warning", place, text);
      }
      const entry = this.read(value, depth + 1);
      own.set(name, { place, value: entry instanceof YamlNull && !value ? new YamlNull(place) : entry });
    }
    return new Map([...merged, ...own]);
  }

  /** A key as go-yaml has it: what is null is an empty text. */
  #keyText(key: YamlValue): string | undefined {
    if (key instanceof YamlText) return key.text;
    if (key instanceof YamlNull) return this.#left > 0 ? "" : undefined;
    this.add("error", key.place, "a key has to be a text");
    return undefined;
  }

  /** What `<<` adds; of several maps in a list, the first one counts. */
  #merge(node: Node | null, depth: number): ReadonlyMap<string, YamlEntry> {
    const value = this.read(node, depth + 1);
    if (value instanceof YamlMap) return value.entries;
    const maps = value instanceof YamlList ? value.items : [value];
    const merged = new Map<string, YamlEntry>();
    for (const map of maps.toReversed()) {
      if (map instanceof YamlMap) map.entries.forEach((entry, name) => merged.set(name, entry));
      else if (this.#left > 0) this.add("error", map.place, "<< merges maps, and this is none");
    }
    return merged;
  }

  #scalar(node: Scalar, place: Place): YamlValue {
    const text = String(node.value ?? "");
    const isPlain = node.type === "PLAIN";
    const tag = node.tag?.startsWith(TAG) ? node.tag.slice(TAG.length) : undefined;
    if (tag === "binary") this.add("error", place, "!!binary is not read here");
    const form = tag === undefined ? undefined : TAGGED[tag];
    if (form && !form.test(text)) this.add("error", place, `"${printable(text, 80)}" is no !!${tag}`);
    if (tag === "null" || (isPlain && !node.tag && NULL.test(text))) return new YamlNull(place);
    const mayBeBoolean = (isPlain && !node.tag) || tag === "bool";
    const isTrue = !mayBeBoolean
      ? undefined
      : BOOLEANS.true.test(text) || (BOOLEANS.false.test(text) ? false : undefined);
    return new YamlText(place, text, isTrue);
  }

  #placeOf(node: Node | null): Place {
    return this.placeAt(node?.range?.[0] ?? 0);
  }
}
