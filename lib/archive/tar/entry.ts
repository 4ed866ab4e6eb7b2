import { printable } from "../../printable.ts";

/** What is wrong with an entry that is not simply a file in its place. */
export type Oddity =
  | { kind: "folder" }
  | { kind: "symlink"; target: string }
  /** Anything else that is not read. */
  | { kind: "other"; what: string };

/** An entry of a tar: its header, with what extended headers before it say. */
export interface TarEntry {
  /** Cleaned; as it is written if that has `..` or begins with a slash. */
  path: string;
  /** Of the bytes that follow, in bytes. */
  size: number;
  /** Why it is not read as a file; `undefined` for a regular file. */
  oddity?: Oddity;
}

const TYPES: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "3": "a device",
  "4": "a device",
  "6": "a FIFO",
  D: "a folder's list",
  M: "a part of a file",
  S: "a sparse file",
  V: "a label",
};

/**
 * Puts together what an entry is.
 *
 * @param path as it is written
 * @param type as in a header
 */
export function entryOf(path: string, size: number, type: string, target: string, sparse: boolean): TarEntry {
  const cleaned = cleanPath(path);
  if (cleaned === undefined) {
    const what = path.startsWith("/") ? "its path is absolute" : "its path has `..`";
    return { path, size, oddity: { kind: "other", what } };
  }
  const oddity = oddityOf(path, type, target, sparse);
  return { path: cleaned, size, ...(oddity && { oddity }) };
}

function oddityOf(path: string, type: string, target: string, sparse: boolean): Oddity | undefined {
  if (type === "5" || (isFile(type) && /(?:^|\/)\.?$/.test(path))) return { kind: "folder" };
  if (type === "2") return { kind: "symlink", target };
  if (sparse) return { kind: "other", what: "it is a sparse file" };
  if (isFile(type)) return undefined;
  return {
    kind: "other",
    what: TYPES[type] ? `it is ${TYPES[type]}` : `it is of the unknown type "${printable(type)}"`,
  };
}

/** `7` is a file that shall lie in one piece. */
function isFile(type: string): boolean {
  return type === "0" || type === "7";
}

/** @returns `undefined` for a path that leads out of the archive */
function cleanPath(path: string): string | undefined {
  if (path.startsWith("/")) return undefined;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts.join("/");
}

/** Why such an entry is not read, as the end of a sentence. */
export function oddityText(oddity: Oddity): string {
  if (oddity.kind === "folder") return "it is a folder";
  if (oddity.kind === "symlink") {
    return `it is a link to "${printable(oddity.target, 300)}", and links are not followed`;
  }
  return oddity.what;
}
