import { SatchelError } from "../error.ts";
import type { Descriptor } from "../oci/mod.ts";

/** How many digests are listed in an error. */
const MAX_LISTED = 10;

/** The error for an image whose content is neither in the archive nor where it should go. */
export function lackError(image: string, archive: string, lacks: readonly Descriptor[]): SatchelError {
  const bytes = lacks.reduce((sum, { size }) => sum + size, 0);
  const listed = lacks.map(({ digest }) => digest).sort().slice(0, MAX_LISTED).join(", ");
  const more = lacks.length > MAX_LISTED ? `, and ${lacks.length - MAX_LISTED} more` : "";
  const blobs = lacks.length === 1 ? "1 blob" : `${lacks.length} blobs`;
  return new SatchelError("invalid", `${image} lacks ${blobs} (${bytes} bytes): ${listed}${more}`, {
    hint: `${lacks.length === 1 ? "It is" : "They are"} neither in ${archive} nor at the destination.`,
  });
}
