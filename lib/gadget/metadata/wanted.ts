import { SatchelError } from "../../error.ts";
import { templateAnnotations } from "../inspect/annotations.ts";
import type { EbpfObject } from "../object/object.ts";
import { type ObjectParam, readParams } from "../object/params.ts";
import { annotationsOf, fieldsOf, type StructField } from "./fields.ts";
import { markedDataSources } from "./marked.ts";
import { KNOWN_KEYS } from "./schema.ts";
import type { WrittenMap } from "./yaml_write.ts";

/** How many fields and parameters an object may have for its gadget.yaml to be written. */
const MAX_ENTRIES = 1000;

const [TOP, DATA_SOURCE, , PARAM] = KNOWN_KEYS.map(({ keys }) => keys);

/** What nobody but the author can know, as `ig` says it. */
const TOP_TEXTS = {
  name: "TODO: Fill the gadget name",
  description: "TODO: Fill the gadget description",
  homepageURL: "TODO: Fill the gadget homepage URL",
  documentationURL: "TODO: Fill the gadget documentation URL",
  sourceURL: "TODO: Fill the gadget source code URL",
};

/**
 * Everything that a gadget.yaml should have for an object.
 *
 * @throws {SatchelError} `invalid` if the object's markers name what is not there
 */
export function wantedFor(object: EbpfObject): WrittenMap {
  if (!object.btf) throw new SatchelError("invalid", "the eBPF object has no BTF: was it compiled without -g?");
  const { sources, problems } = markedDataSources(object);
  const params = readParams(object);
  const problem = problems[0]?.text ?? params.find(({ problem }) => problem !== undefined)?.problem;
  if (problem !== undefined) throw new SatchelError("invalid", problem);
  const fields = [...sources].map(([name, { structs }]) =>
    [name, structs.flatMap((struct) => fieldsOf(object.btf!, struct)).filter(({ isShown }) => isShown)] as const
  );
  if (fields.reduce((sum, [, each]) => sum + each.length, params.length) > MAX_ENTRIES) {
    throw new SatchelError("invalid", `the eBPF object has more than ${MAX_ENTRIES} fields and parameters`);
  }
  const top: [string, string | WrittenMap][] = Object.entries(TOP_TEXTS);
  if (fields.length > 0) top.push(["datasources", natural(fields.map(([name, each]) => [name, dataSource(each)]))]);
  if (params.length > 0) {
    top.push(["params", natural([["ebpf", natural(params.map((each) => [each.variable, param(each)]))]])]);
  }
  return { order: TOP!, entries: new Map(top) };
}

function natural(entries: readonly (readonly [string, string | WrittenMap])[]): WrittenMap {
  return { order: [], entries: new Map(entries) };
}

function dataSource(fields: readonly StructField[]): WrittenMap {
  // Of a field in a map iterator's key and one in its value, the first one.
  const entries = new Map(
    fields.toReversed().map((field) => {
      const known = annotationsOf(field);
      // Most templates describe their fields, and what is said here would count more.
      const isDescribed = known.some(([key, value]) =>
        key === "template" && "description" in templateAnnotations(value)
      );
      const annotations = natural(isDescribed ? known : [["description", "TODO: Fill field description"], ...known]);
      // What the author wrote of a field is left as it is.
      return [field.name, { ...natural([["annotations", annotations]]), ifThere: [] }];
    }),
  );
  return { order: DATA_SOURCE!, entries: new Map([["fields", { order: [], entries }]]) };
}

function param({ variable, typeName, default: value }: ObjectParam): WrittenMap {
  const entries = new Map([
    ["key", variable],
    ["defaultValue", value ?? ""],
    ["description", "TODO: Fill parameter description"],
  ]);
  if (typeName !== undefined) entries.set("type", typeName);
  // Without a key the gadget cannot be built.
  return { order: PARAM!, entries, ifThere: ["key"] };
}
