import type { EbpfObject } from "../object/object.ts";
/** Completes a gadget.yaml from an object. */
export function updateMetadata(text: string | undefined, _object: EbpfObject): string {
  return text ?? "";
}
