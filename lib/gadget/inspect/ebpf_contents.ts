import { encodeGoJson } from "../../oci/mod.ts";
import { CodeIndex } from "../object/code_index.ts";
import { disassemblePrograms, programsOf } from "../object/disassemble.ts";
import { mapUses } from "../object/map_uses.ts";
import { DATA_SECTION, type EbpfObject } from "../object/object.ts";
import { joinBounded } from "./bounded_text.ts";
import type { InspectContent } from "./contents.ts";
import { flowchart, type ProgramUses, sequenceDiagram } from "./mermaid.ts";

/** What the errors of all of it begin with. */
const WHAT = "the eBPF layer";

/**
 * How long the code of all programs may be as JSON, and everything else, in UTF-16 units. Printed it may have twice as many.
 * Those of official gadgets have up to some hundred thousand.
 */
const MAX_PROGRAMS = 16 * 1024 * 1024;
const MAX_CONTENT = 2 * 1024 * 1024;

/** In how many ways the programs of an object may use its maps; those of official gadgets do in some dozens. */
const MAX_USES = 100_000;

type Reader = (object: EbpfObject, key: string, uses: () => ProgramUses[]) => Omit<InspectContent, "key">;

/** How each content is had. Each by itself, so that one that is too long leaves the others, and none is made for nothing. */
const READERS: Readonly<Record<string, Reader>> = {
  "ebpf.flowchart": (object, key, uses) => mermaid(flowchart(mapsOf(object).map(({ name }) => name), uses()), key),
  "ebpf.maps": (object, key) => json(mapsOf(object).map(({ name, type }) => ({ Name: name, Type: type })), key),
  "ebpf.programs": (object, key) => json(programEntries(object), key, MAX_PROGRAMS),
  "ebpf.sections": (object, key) => json(object.elf.sections.map(({ name }) => name), key),
  "ebpf.sequence": (_, key, uses) => mermaid(sequenceDiagram(uses()), key),
  "ebpf.variables": (object, key) => json(variableEntries(object), key),
};

/** What there is to know of an object. */
export const EBPF_KEYS: readonly string[] = Object.keys(READERS);

/**
 * Reads what an object has under a key.
 *
 * @returns a function that throws {@link SatchelError} `invalid` if it is too long, or the code cannot be read
 */
export function ebpfReader(object: EbpfObject): (key: string) => InspectContent {
  let known: ProgramUses[] | undefined;
  const uses = () => known ??= usesOf(object);
  return (key) => ({ key, ...READERS[key]!(object, key, uses) });
}

function* programEntries(object: EbpfObject): Generator<unknown> {
  for (const { program, source, sourceWithRelocation } of disassemblePrograms(object)) {
    yield { Section: program.section.name, Source: source, SourceWithRelocation: sourceWithRelocation };
  }
}

function variableEntries({ variables }: EbpfObject): unknown[] {
  return variables.map(({ name, offset, size, section }) => ({
    Name: name,
    Offset: offset,
    Size: size,
    Map: section,
  }));
}

/** The maps that a loader makes of an object: declared ones, and sections of variables but for the two that nearly all have. */
function mapsOf({ maps, elf }: EbpfObject): { name: string; type: string }[] {
  const data = elf.sections
    .filter(({ name, size }) => DATA_SECTION.test(name) && name !== ".rodata" && name !== ".bss" && size > 0)
    .map(({ name }) => ({ name, type: "Array" }));
  return [...maps, ...data];
}

function usesOf(object: EbpfObject): ProgramUses[] {
  const index = new CodeIndex(object);
  let left = MAX_USES;
  return programsOf(object).map((program) => {
    const uses = mapUses(object, program, index, left);
    left -= uses.length;
    return { name: program.name, uses };
  });
}

function mermaid(lines: Iterable<string>, key: string): Omit<InspectContent, "key"> {
  const content = joinBounded(lines, "\n", `${WHAT}: ${key}`, MAX_CONTENT);
  return { contentType: "text/mermaid", content: `${content}\n` };
}

/** A list as `ig` writes it: one of nothing is `null`. */
function json(list: Iterable<unknown>, key: string, limit = MAX_CONTENT): Omit<InspectContent, "key"> {
  const items = joinBounded(encoded(list), ",", `${WHAT}: ${key}`, limit);
  return { contentType: "application/json", content: items === "" ? "null" : `[${items}]` };
}

function* encoded(list: Iterable<unknown>): Generator<string> {
  for (const item of list) yield encodeGoJson(item);
}
