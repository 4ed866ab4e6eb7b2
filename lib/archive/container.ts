import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { SatchelError, systemReason } from "../error.ts";
import { isMissing } from "../files/mod.ts";
import type { Container, OpenOptions } from "./files.ts";
import { openFolder } from "./folder.ts";
import { fileAccess } from "./random_access.ts";
import { openTar } from "./tar_files.ts";

/**
 * Opens an archive, and finds out by its content what it is.
 *
 * @param path of a file, which a link may lead to, or of a folder; `-` is stdin
 * @throws {SatchelError} `not-found`, `invalid`, `storage`, `cancelled`; `usage` if stdin is a terminal
 */
export async function openContainer(path: string, options: OpenOptions): Promise<Container> {
  const stat = statOf(path);
  if (!stat) throw new SatchelError("not-found", `There is no ${path}`);
  if (stat.isDirectory()) return openFolder(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const { size } = fstatSync(fd);
  if (size === 0) {
    closeSync(fd);
    throw new SatchelError("invalid", `${path} is not an archive: it is empty`);
  }
  return await openTar(fileAccess(fd, size, path), path, options);
}

/** Follows links: whoever reads an archive has named it. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new SatchelError("storage", `Cannot read ${path}: ${systemReason(cause)}`, { cause });
  }
}
