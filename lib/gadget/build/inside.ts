import { lstatSync, realpathSync, type Stats } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { SatchelError, systemReason } from "../../error.ts";
import { printable } from "../../printable.ts";
import { readSmallFile } from "../../small_file.ts";

/*
 * What a gadget is made of is published, so nothing that it names may lead to others of the user's files: neither a name nor a link.
 */

/** @throws {SatchelError} `invalid` if a name leads out of the folder that it is a name in */
export function checkNameInside(name: string, key: string): void {
  if (isAbsolute(name) || leadsOut(relative("/x", resolve("/x", name)))) throw outside(name, key);
}

/**
 * @param name that of a file or a folder that is there, in `folder`
 * @param key what names it, for the error text
 * @throws {SatchelError} `invalid` if a link leads out of the folder; `storage`
 */
export function checkInside(folder: string, name: string, key: string): void {
  realPathInside(folder, name, key);
}

/**
 * Reads a file of a folder. That it is in there is looked at when it is open, as somebody may put a link in its place at any time.
 *
 * @param limit in bytes
 * @throws {SatchelError} `invalid` if it is outside, no regular file or too large; `storage`
 */
export function readInside(folder: string, name: string, key: string, limit: number): Uint8Array {
  const path = join(folder, name);
  try {
    return readSmallFile(path, limit, (opened) => checkOpened(opened, folder, name, key));
  } catch (error) {
    throw error instanceof SatchelError ? error : unreadable(path, error);
  }
}

/**
 * @param opened a file that was opened by that name
 * @throws {SatchelError} `invalid` if it is not the one that is in the folder
 */
export function checkOpened(opened: Pick<Stats, "dev" | "ino">, folder: string, name: string, key: string): void {
  const { dev, ino } = lstatSync(realPathInside(folder, name, key));
  if (dev === opened.dev && ino === opened.ino) return;
  throw new SatchelError("invalid", `${key}: ${printable(JSON.stringify(name), 200)} was replaced while it was read`);
}

/** The error for a file or a folder that cannot be read. */
export function unreadable(path: string, error: unknown): SatchelError {
  return new SatchelError("storage", `Cannot read ${printable(path)}: ${systemReason(error)}`, { cause: error });
}

function realPathInside(folder: string, name: string, key: string): string {
  let path: string;
  let rest: string;
  try {
    path = realpathSync(join(folder, name));
    rest = relative(realpathSync(folder), path);
  } catch (error) {
    throw unreadable(join(folder, name), error);
  }
  if (isAbsolute(rest) || leadsOut(rest)) throw outside(name, key);
  return path;
}

function leadsOut(path: string): boolean {
  const [first] = path.split("/");
  return first === "..";
}

function outside(name: string, key: string): SatchelError {
  return new SatchelError(
    "invalid",
    `${key}: ${printable(JSON.stringify(name), 200)} is outside of the folder of the gadget`,
    {
      hint: "All that a gadget is made of has to be in its folder.",
    },
  );
}
