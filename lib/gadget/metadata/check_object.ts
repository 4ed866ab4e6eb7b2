import type { EbpfObject } from "../object/object.ts";
import type { MetadataProblem, StrictMetadata } from "./check.ts";
/** Checks that an object has what a gadget.yaml names. */
export function checkAgainstObject(_metadata: StrictMetadata, _object: EbpfObject | undefined): MetadataProblem[] {
  return [];
}
