import type { Target } from "./content.ts";

/** A target that has nothing and keeps nothing, but for what `own` does: to look at what would come. */
export function keepingNothing(own: Partial<Target> & Pick<Target, "push">): Target {
  return {
    name: "nowhere",
    manifestsAreComplete: false,
    prepare: () => Promise.resolve(),
    has: () => Promise.resolve(false),
    readManifest: () => Promise.resolve(undefined),
    commit: () => Promise.resolve(),
    ...own,
  };
}
