import { realpathSync } from "node:fs";
import { relative, sep } from "node:path";
import type { Destination } from "../../lib/archive/mod.ts";
import { SatchelError, systemCode } from "../../lib/error.ts";

/**
 * Makes sure that an archive is not written among the files of a store, where it could take the place of one of them.
 *
 * @throws {SatchelError} `refused`
 */
export function checkOutside(destination: Destination, store: string): void {
  if (destination.kind !== "file") return;
  const [folder, within] = [realPath(destination.folder), realPath(store)];
  if (folder === undefined || within === undefined) return;
  const [first] = relative(within, folder).split(sep);
  if (first === "..") return;
  throw new SatchelError("refused", `Cannot write ${destination.name}: it is inside of the store ${store}`, {
    hint: "Name a file in another folder.",
  });
}

/** Where a path leads; `undefined` if there is nothing, or nobody may look. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}
