import { SatchelError } from "../error.ts";

/** The most manifests and blobs of one copy. */
const MAX_NODES = 50_000;

/** The deepest nesting of indexes; real ones have two levels. */
const MAX_DEPTH = 32;

/** The most bytes of manifests of one copy: they are in memory, and a hundred platforms take less than one MiB. */
const MAX_MANIFEST_BYTES = 32 * 1024 * 1024;

/** The most manifests that may come along because they refer to something, and in how many steps they may do so. */
const MAX_ATTACHMENTS = 10_000;
const MAX_ATTACHMENT_DEPTH = 8;

/** What one copy may still take, so that no source can fill the memory or keep a copy going for ever. */
export interface Budget {
  /** Each throws `invalid` when there is too much of something. */
  spendNode(): void;
  spendManifest(bytes: number): void;
  spendAttachment(depth: number): void;
  checkDepth(depth: number): void;
}

/** Starts the budget of one copy. */
export function createBudget(sourceName: string): Budget {
  let nodes = 0;
  let manifestBytes = 0;
  let attachments = 0;
  const limit = (value: number, most: number, what: string) => {
    if (value > most) throw new SatchelError("invalid", `${sourceName} has an image of more than ${most} ${what}`);
  };
  return {
    spendNode: () => limit(++nodes, MAX_NODES, "parts"),
    spendManifest: (bytes) => limit(manifestBytes += bytes, MAX_MANIFEST_BYTES, "bytes of manifests"),
    spendAttachment(depth) {
      limit(++attachments, MAX_ATTACHMENTS, "manifests that refer to it");
      limit(depth, MAX_ATTACHMENT_DEPTH, "levels of manifests that refer to each other");
    },
    checkDepth: (depth) => limit(depth, MAX_DEPTH, "levels"),
  };
}
