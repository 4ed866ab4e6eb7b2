// Apart from what uses them: help and completion need the words alone.

/** The forms in which `image inspect` shows what an image holds; `summary` is the one for people. */
export const INSPECT_MODES = ["json", "jsonpretty", "summary", "yaml"] as const;

/** When a registry is asked for an image. */
export type PullPolicy = (typeof PULL_POLICIES)[number];
export const PULL_POLICIES = ["always", "missing", "never"] as const;
