import pLimit from "p-limit";
import type { Descriptor } from "../oci/mod.ts";
import type { ContentOptions, Target } from "./content.ts";
import { DEFAULT_CONCURRENCY } from "./copy_options.ts";
import type { Plan } from "./plan.ts";
import { KnownContent } from "./remembering.ts";

/** What a copy would move, and what it would find. */
export interface Lacking {
  /** Manifests, configs and layers that the target does not have. */
  lacking: Descriptor[];
  present: Descriptor[];
}

/** Options of {@link findLacking}. */
export interface LackingOptions extends ContentOptions {
  /** What the target will have by then, as other copies will have brought it; what is lacking is added. Default: nothing. */
  known?: KnownContent;
  /** How many questions are asked at the same time. Default: {@link DEFAULT_CONCURRENCY}. */
  concurrency?: number;
}

/**
 * Finds out what of a planned copy a target lacks. The target is asked, and nothing is written to it.
 *
 * @throws {SatchelError} whatever the target throws
 */
export async function findLacking(
  { manifests, blobs }: Plan,
  target: Pick<Target, "has">,
  { signal, known = new KnownContent(), concurrency = DEFAULT_CONCURRENCY }: LackingOptions = {},
): Promise<Lacking> {
  const contents = [...manifests.map(({ descriptor }) => descriptor), ...blobs];
  const limit = pLimit(concurrency);
  const isThere = await limit.map(contents, (each) => known.has(each) || target.has(each, { signal }));
  const lacking = contents.filter((_, at) => !isThere[at]);
  lacking.forEach((each) => known.add(each));
  return { lacking, present: contents.filter((_, at) => isThere[at]) };
}
