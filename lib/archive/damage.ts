import { hasCode, SatchelError } from "../error.ts";

/**
 * Turns `invalid` into `integrity`, and returns all else as it is. What breaks the format of an archive had other bytes when it
 * was written: it is damaged like a blob that does not fit its digest, and whoever carries disks has to tell that from an
 * image that cannot be named or that lacks something.
 */
export function asDamage(error: unknown): unknown {
  if (!hasCode(error, "invalid")) return error;
  const { message, hint, remedy } = error;
  return new SatchelError("integrity", message, { hint, remedy, cause: error });
}
