import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { effectiveUser } from "../runtime/mod.ts";
import { placeOf } from "../trust/mod.ts";

/**
 * Makes sure that nobody else could exchange an auth file while it is written: root writes where root alone may, everybody else where
 * only they and root may. The file need not exist.
 *
 * @returns the real path: where links lead
 * @throws {SatchelError} `refused`; `not-found` and `storage` where the way to it cannot be gone
 */
export function checkPlace(path: string): string {
  const { path: target, distrust } = placeOf(path);
  if (!distrust) return target;
  const where = distrust.at === path ? "it" : printable(distrust.at);
  throw new SatchelError(
    "refused",
    `the auth file ${printable(path)} is not written to: ${where} ${distrust.text}, so others could exchange the file`,
    {
      hint: distrust.kind === "owner" && effectiveUser() === 0
        ? "Run this as that user (without sudo), or name another file with --authfile."
        : "Name a file in a folder that only you may write to, with --authfile.",
    },
  );
}
