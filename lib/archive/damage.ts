import { SatchelError } from "../error.ts";

/**
 * What an error of reading means where it is an archive that was read. What breaks its format (`invalid`) had other bytes when it
 * was written: it is damaged like a blob that does not fit its digest (`integrity`), and whoever carries disks has to tell
 * that from an image that cannot be named or that lacks something. And what would help a store helps no archive.
 */
export function archiveError(error: unknown): unknown {
  if (!(error instanceof SatchelError)) return error;
  const { code, message, hint, cause } = error;
  if (code === "invalid") return new SatchelError("integrity", message, { hint, cause: error });
  return code === "storage" ? new SatchelError(code, message, { hint, cause }) : error;
}
