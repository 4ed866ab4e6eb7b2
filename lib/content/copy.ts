import { hasCode } from "../error.ts";
import type { Source, Target } from "./content.ts";
import type { CopyOptions, CopyResult } from "./copy_options.ts";
import { GraphWalk } from "./walk.ts";

/** How often a copy starts over because somebody removed content that it relied on. */
const MAX_ATTEMPTS = 5;

/**
 * Copies what a reference stands for, everything below it, and what refers to it.
 *
 * Each digest moves once, and not at all if the target has it. Content lands before what points to it; the name is set
 * last, so that whoever finds the name finds everything. Referrers are looked up while blobs move.
 *
 * @param reference a tag or a digest on the source
 * @throws {SatchelError} whatever source and target throw; the first error ends the copy
 */
export async function copy(
  source: Source,
  reference: string,
  target: Target,
  options: CopyOptions = {},
): Promise<CopyResult> {
  for (let attempt = 1;; attempt++) {
    try {
      return await new GraphWalk(source, target, options).run(reference);
    } catch (error) {
      if (!hasCode(error, "content-lost") || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
