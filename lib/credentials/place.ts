import { lstatSync, type Stats } from "node:fs";
import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { effectiveUser } from "../runtime/mod.ts";
import { type Distrust, placeOf } from "../trust/mod.ts";

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
  throw new SatchelError(
    "refused",
    `the auth file ${printable(path)} is not written to: ${
      problemAt(path, distrust)
    }, so others could exchange the file`,
    {
      hint: distrust.kind === "owner" && effectiveUser() === 0
        ? "Run this as that user (without sudo), or name another file with --authfile."
        : "Name a file in a folder that only you may write to, with --authfile.",
    },
  );
}

/**
 * Why root does not run the helpers that an opened auth file names: somebody else could have put it where it was opened.
 *
 * @param opened what was opened at that path
 * @returns `undefined` for all other users, and for a file that only root can have put there
 */
export function helperDistrust(path: string, opened: Stats): string | undefined {
  if (effectiveUser() !== 0) return undefined;
  const { path: target, distrust } = placeOf(path);
  if (distrust) return problemAt(path, distrust);
  // What is judged lies where only root can exchange it; something else may have been there when the file was opened.
  const { ino, dev } = lstatSync(target);
  return ino === opened.ino && dev === opened.dev ? undefined : "it was replaced while it was read";
}

function problemAt(path: string, { at, text }: Distrust): string {
  return at === path ? `it ${text}` : `${printable(at)}, on the way to it, ${text}`;
}
