import type {
  DataSourceSummary,
  GadgetSummary,
  MapSummary,
  ParamSummary,
  ProgramSummary,
} from "../../lib/gadget/inspect/summary.ts";
import { formatBytes } from "../../lib/terminal/bytes.ts";
import { type Fact, factLines, type Layout, type Row, section, tableLines, wrapped } from "./layout.ts";

/** How many rows of a table are shown. */
const MAX_ROWS = 300;

/** How many data sources and problems are shown. */
const MAX_DATA_SOURCES = 50;
const MAX_PROBLEMS = 30;

/** How many names stand in one line. */
const MAX_NAMES = 50;

/** How records come from a data source. */
const SOURCE_TYPES: Readonly<Record<DataSourceSummary["type"], string>> = {
  events: "one event at a time",
  list: "lists",
  described: "as gadget.yaml describes it",
};

/** What a gadget is made of, a section for each kind of thing. */
export function gadgetSections(summary: GadgetSummary, layout: Layout): string[] {
  const { programs, maps, params, dataSources, wasm, problems } = summary;
  const module: Fact[] = wasm
    ? [["API version", String(wasm.apiVersion)], ["Calls", listed(wasm.upcalls)], ["Exports", listed(wasm.exports)]]
    : [];
  return [
    ...section("Programs", programLines(programs, layout), layout),
    ...section("Maps", mapLines(maps, layout), layout),
    ...section("WebAssembly", factLines(module, inner(layout)), layout),
    ...section("Parameters", paramLines(params, layout), layout),
    ...section("Data sources", dataSourceLines(dataSources, layout), layout),
    ...section("Problems", problemLines(problems, layout), layout),
  ];
}

function programLines(programs: readonly ProgramSummary[], layout: Layout): string[] {
  const columns = [{ header: "NAME" }, { header: "ATTACHED BY" }, { header: "TO" }, { header: "INSTRUCTIONS" }];
  const rows = programs.map(({ name, attach, target, instructions }) => ({
    cells: [name, attach, target || "-", String(instructions)],
  }));
  return tableLines(columns, rows, MAX_ROWS, layout);
}

function mapLines(maps: readonly MapSummary[], layout: Layout): string[] {
  const columns = [{ header: "NAME" }, { header: "TYPE" }, { header: "KEY" }, { header: "VALUE" }, { header: "SIZE" }];
  const rows = maps.map(({ name, type, keySize, valueSize, maxEntries }) => ({
    cells: [name, type, bytesText(keySize), bytesText(valueSize), mapSize(type, maxEntries)],
  }));
  return tableLines(columns, rows, MAX_ROWS, layout);
}

/** A ring buffer's size is in bytes, that of others in entries; a loader decides the rest. */
function mapSize(type: string, maxEntries: number): string {
  if (maxEntries === 0) return "-";
  return /RingBuf/.test(type) ? formatBytes(maxEntries) : `${maxEntries} ${maxEntries === 1 ? "entry" : "entries"}`;
}

function bytesText(bytes: number): string {
  return bytes === 0 ? "-" : formatBytes(bytes);
}

function paramLines(params: readonly ParamSummary[], layout: Layout): string[] {
  const columns = [{ header: "NAME" }, { header: "TYPE" }, { header: "DEFAULT" }];
  return tableLines(columns, params.map(paramRow), MAX_ROWS, layout);
}

function paramRow(param: ParamSummary): Row {
  const { key, alias, variable, operator, type, description, isMandatory, possibleValues, otherDefault } = param;
  const notes = [
    description,
    isMandatory ? "Must be set." : "",
    possibleValues.length > 0 ? `One of ${listed(possibleValues)}.` : "",
    key === variable ? "" : `Variable ${variable}.`,
    operator === "ebpf" ? "" : `Of ${operator}.`,
    otherDefault === undefined ? "" : `gadget.yaml says that the default is ${otherDefault}.`,
  ];
  return {
    cells: [alias === "" ? key : `${key}, -${alias}`, type || "-", param.default === "" ? "-" : param.default],
    text: sentences(notes),
  };
}

/** Whoever wrote a description may have ended it as a sentence, or not. */
function sentences(texts: readonly string[]): string {
  const told = texts.map((text) => text.trim()).filter((text) => text !== "");
  return told.map((text, at) => at < told.length - 1 && !/[.!?]$/.test(text) ? `${text}.` : text).join(" ");
}

function dataSourceLines(sources: readonly DataSourceSummary[], layout: Layout): string[] {
  const columns = [{ header: "FIELD" }, { header: "TYPE" }];
  const lines = sources.slice(0, MAX_DATA_SOURCES).flatMap(({ name, type, fields }, at) => {
    const rows = fields.map((field) => ({
      cells: [field.name, field.type || "-"],
      text: [field.description, field.isHidden ? "(hidden)" : ""].filter((each) => each !== "").join(" "),
    }));
    const [heading] = wrapped(`${name} (${SOURCE_TYPES[type]})`, undefined);
    const table = tableLines(columns, rows, MAX_ROWS, inner(layout));
    return [...at === 0 ? [] : [""], heading, ...table.map((line) => `  ${line}`)];
  });
  return sources.length > MAX_DATA_SOURCES ? [...lines, "", `and ${sources.length - MAX_DATA_SOURCES} more`] : lines;
}

/** Each as an item. */
export function problemLines(problems: readonly string[], layout: Layout): string[] {
  const { width } = inner(layout);
  const lines = problems.slice(0, MAX_PROBLEMS).flatMap((problem) =>
    wrapped(problem, width && width - 2).map((line, at) => (at === 0 ? "- " : "  ") + line)
  );
  return problems.length > MAX_PROBLEMS ? [...lines, `and ${problems.length - MAX_PROBLEMS} more`] : lines;
}

/** What stands in a section has less room. */
export function inner({ width, isStyled }: Layout): Layout {
  return { width: width && width - 2, isStyled };
}

/** Names in one line. */
export function listed(names: readonly string[]): string {
  const some = names.slice(0, MAX_NAMES).join(", ");
  return names.length > MAX_NAMES ? `${some} and ${names.length - MAX_NAMES} more` : some;
}
