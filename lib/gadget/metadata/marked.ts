import { SatchelError } from "../../error.ts";
import type { BtfComposite } from "../btf/types.ts";
import { dataSourceOf, ObjectNames, readMarkers } from "../object/markers.ts";
import type { EbpfObject } from "../object/object.ts";

/** A data source as an object has it; of a tracer and a map iterator of one name, which are one to gadget.yaml, both. */
export interface MarkedDataSource {
  structs: readonly BtfComposite[];
}

/**
 * Reads which data sources an object marks, and what is wrong with its markers.
 *
 * @returns the sources in the order of the object; problems have the name of the source if it is known
 */
export function markedDataSources(
  object: EbpfObject,
): { sources: Map<string, MarkedDataSource>; problems: { name: string | undefined; text: string }[] } {
  const sources = new Map<string, MarkedDataSource>();
  const problems: { name: string | undefined; text: string }[] = [];
  if (!object.btf) return { sources, problems };
  const read = readMarkers(object.btf);
  for (const { variable, text } of read.problems) {
    // What a parameter is is told where gadget.yaml names it.
    if (!variable.startsWith("gadget_param_")) problems.push({ name: undefined, text });
  }
  const names = new ObjectNames(object);
  for (const marker of read.markers) {
    if (marker.kind === "param") continue;
    try {
      const source = dataSourceOf(object, marker, names);
      const before = sources.get(marker.name)?.structs ?? [];
      if (source) sources.set(marker.name, { structs: [...before, ...source.structs] });
    } catch (error) {
      if (!(error instanceof SatchelError)) throw error;
      const { message, hint } = error;
      problems.push({ name: marker.name, text: hint === undefined ? message : `${message}; ${hint}` });
    }
  }
  return { sources, problems };
}
