import { SatchelError } from "../../error.ts";
import type { Descriptor, Digest } from "../../oci/mod.ts";
import type { Archive } from "../archive.ts";

/** How many digests are listed in an error. */
const MAX_LISTED = 10;

/**
 * The error for an image whose content is neither in the archive nor where it should go.
 *
 * @param damaged those of it that lie there with wrong bytes
 */
export function lackError(
  image: string,
  { name, leftOut = 0 }: Pick<Archive, "name" | "leftOut">,
  lacks: readonly Descriptor[],
  damaged: ReadonlySet<Digest> = new Set(),
): SatchelError {
  const bytes = lacks.reduce((sum, { size }) => sum + size, 0);
  const listed = lacks.map(({ digest }) => digest).sort().slice(0, MAX_LISTED).join(", ");
  const more = lacks.length > MAX_LISTED ? `, and ${lacks.length - MAX_LISTED} more` : "";
  const blobs = lacks.length === 1 ? "1 blob" : `${lacks.length} blobs`;
  return new SatchelError("invalid", `${image} lacks ${blobs} (${bytes} bytes): ${listed}${more}`, {
    hint: whereabouts(name, lacks, damaged),
    ...(leftOut > 0 && {
      remedy: { kind: "new-inventory", isDamaged: lacks.some(({ digest }) => damaged.has(digest)) },
    }),
  });
}

function whereabouts(archive: string, lacks: readonly Descriptor[], damaged: ReadonlySet<Digest>): string {
  const broken = lacks.filter(({ digest }) => damaged.has(digest)).length;
  const where = `neither in ${archive} nor at the destination`;
  if (broken === 0) return `${lacks.length === 1 ? "It is" : "They are"} ${where}.`;
  const there = "there, but with wrong bytes";
  if (broken === lacks.length) return `At the destination ${broken === 1 ? "it is" : "they are"} ${there}.`;
  return `They are ${where}, or ${broken === 1 ? "one is" : `${broken} are`} ${there}.`;
}
