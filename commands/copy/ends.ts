import { statSync } from "node:fs";
import { hasCode, SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { readTypedName, type TypedName } from "../line/image_name.ts";

/** One end of a copy, as it was typed. */
export type CopyEnd = RegistryEnd | StoreEnd | ArchiveEnd | FolderEnd;

/** An image on a registry: a name without a scheme, as everywhere. */
export interface RegistryEnd {
  kind: "registry";
  text: string;
}

/** An image of the local store. */
export interface StoreEnd {
  kind: "store";
  /** Empty for the name of the source. */
  text: string;
}

/** An image of an archive. */
export interface ArchiveEnd {
  kind: "archive";
  /** As it was typed; `-` is stdin or stdout. */
  path: string;
  /** Empty if the name is clear without it. */
  text: string;
}

/** An image of a folder with an image layout. */
export interface FolderEnd extends Omit<ArchiveEnd, "kind"> {
  kind: "dir";
}

const FORMS = "An end is REGISTRY/NAME:TAG, store:NAME, archive:FILE[#NAME] or dir:FOLDER[#NAME].";

/** Words that other tools have for what is called otherwise here. */
const FOREIGN = /^(docker|docker-archive|docker-daemon|oci|oci-archive|oci-layout|ocidir|containers-storage):(?!\d)/;

/**
 * Reads one end of a copy. What is behind its scheme is read by {@link readName}, or where it is looked for.
 *
 * @throws {SatchelError} `usage`
 */
export function readEnd(text: string): CopyEnd {
  const [, scheme, rest] = /^(store|archive|dir):(.*)$/s.exec(text) ?? [];
  if (scheme === "store") return { kind: "store", text: rest };
  if (scheme === "archive" || scheme === "dir") return readFileEnd(scheme, rest, text);
  if (text === "" || FOREIGN.test(text)) throw wrongEnd(text);
  return { kind: "registry", text };
}

/** No name has a `#`, but a path may have some. */
function readFileEnd(kind: "archive" | "dir", rest: string, text: string): ArchiveEnd | FolderEnd {
  const at = rest.lastIndexOf("#");
  const path = at < 0 ? rest : rest.slice(0, at);
  if (path === "" || path.includes("\0")) throw wrongEnd(text);
  return { kind, path, text: at < 0 ? "" : rest.slice(at + 1) };
}

/**
 * Reads the name of an image as somebody typed it for an end of a copy.
 *
 * @throws {SatchelError} `usage`
 */
export function readName(text: string): TypedName {
  try {
    return readTypedName(text);
  } catch (error) {
    if (!hasCode(error, "usage")) throw error;
    throw new SatchelError("usage", error.message, { hint: FORMS, cause: error });
  }
}

/** Whether a path leads to a file. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Whoever opens it says what is wrong.
    return false;
  }
}

/** How messages write an end with this name. */
export function formatEnd(end: CopyEnd, name: string): string {
  if (end.kind === "registry") return name;
  if (end.kind === "store") return `store:${name}`;
  return name === "" ? `${end.kind}:${end.path}` : `${end.kind}:${end.path}#${name}`;
}

function wrongEnd(text: string): SatchelError {
  const shown = printable(JSON.stringify(text), 300);
  return new SatchelError("usage", `${shown} is not an end of a copy`, { hint: FORMS });
}
