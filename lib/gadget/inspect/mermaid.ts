import type { MapOperation, MapUse } from "../object/map_uses.ts";

/** A program with what it does with maps, each once, in the order of its code. */
export interface ProgramUses {
  name: string;
  uses: readonly MapUse[];
}

/** What of one program with one map is drawn as one arrow, in this order. */
const MERGED: readonly MapOperation[] = ["Lookup", "Update", "Delete"];

/**
 * Draws which programs use which maps, as a flowchart in Mermaid's notation: all maps, then each program's arrows and it itself.
 *
 * @returns its lines one by one, since hostile names can make any number of long ones
 * @see https://mermaid.js.org/syntax/flowchart.html
 */
export function* flowchart(maps: readonly string[], programs: readonly ProgramUses[]): Generator<string> {
  const nodes = new Nodes();
  yield "flowchart LR";
  for (const map of maps.toSorted()) yield `${nodes.id(map)}[("${nodes.label(map)}")]`;
  for (const { name, uses } of byName(programs)) {
    for (const { map, text } of arrows(uses)) yield `${nodes.id(name)} -- "${text}" --> ${nodes.id(map)}`;
    yield `${nodes.id(name)}["${nodes.label(name)}"]`;
  }
}

/**
 * Draws the uses of maps one after the other, as a sequence diagram in Mermaid's notation; maps stand in the order of their
 * first use.
 *
 * @returns its lines one by one, as {@link flowchart}
 * @see https://mermaid.js.org/syntax/sequenceDiagram.html
 */
export function* sequenceDiagram(programs: readonly ProgramUses[]): Generator<string> {
  const nodes = new Nodes();
  const sorted = byName(programs);
  const maps = new Set(sorted.flatMap(({ uses }) => uses.map(({ map }) => map)));
  yield "sequenceDiagram";
  yield* box("eBPF Programs", sorted.map(({ name }) => name), nodes);
  yield* box("eBPF Maps", maps, nodes);
  for (const { name, uses } of sorted) {
    for (const { map, operation } of uses) yield `${nodes.id(name)}->>${nodes.id(map)}: ${operation}`;
  }
}

function* box(title: string, names: Iterable<string>, nodes: Nodes): Generator<string> {
  yield `box ${title}`;
  for (const name of names) {
    const id = nodes.id(name);
    yield id === name ? `participant ${id}` : `participant ${id} as ${nodes.label(name)}`;
  }
  yield "end";
}

/** The arrows from a program to maps: looking up, updating and deleting in one map are one. */
function arrows(uses: readonly MapUse[]): { map: string; text: string }[] {
  const operations = Map.groupBy(uses, ({ map }) => map);
  const drawn = new Set<string>();
  return uses.flatMap(({ map, operation }) => {
    const merged = MERGED.includes(operation);
    const key = merged ? map : `${map} ${operation}`;
    if (drawn.has(key)) return [];
    drawn.add(key);
    const done = new Set(operations.get(map)!.map((use) => use.operation));
    return [{ map, text: merged ? MERGED.filter((each) => done.has(each)).join("+") : operation }];
  });
}

/** What Mermaid takes as the name of a node as it stands: names of C, and sections. */
const PLAIN = /^[A-Za-z0-9_.]+$/;

/** Words that mean something to Mermaid where a name may stand, in either kind of diagram, in whatever case. */
const RESERVED = new Set(
  `end graph flowchart subgraph style linkstyle classdef class click call href interpolate default direction
  participant actor box loop alt opt par par_over rect critical break and else option note over left right activate
  deactivate autonumber title create destroy link links properties details off as wrap nowrap acctitle accdescr`.split(
    /\s+/,
  ),
);

/** Gives names from outside such as Mermaid reads as names, so that none of them ends its node and begins something else. */
class Nodes {
  readonly #ids = new Map<string, string>();

  /** The name itself, or, where Mermaid would not read it so, one that is no name of C. */
  id(name: string): string {
    if (PLAIN.test(name) && !RESERVED.has(name.toLowerCase())) return name;
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = `node-${this.#ids.size + 1}`;
    this.#ids.set(name, id);
    return id;
  }

  /** A name as the text of a node, with entity codes for all but letters, digits and some marks. */
  label(name: string): string {
    return name.replace(/[^A-Za-z0-9_.]/gu, (char) => `#${char.codePointAt(0)};`);
  }
}

function byName(programs: readonly ProgramUses[]): ProgramUses[] {
  return programs.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
