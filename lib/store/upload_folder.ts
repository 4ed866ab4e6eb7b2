import { rmSync, type Stats } from "node:fs";
import { join } from "node:path";
import { onPath, statOf } from "../files/mod.ts";
import { type Lock, pause, tryLockExisting } from "../runtime/mod.ts";
import { type Layout, listFolder } from "./layout.ts";

/** How an upload's file under `ingest/` is named; its id cannot be guessed by whoever did not start it. */
const UPLOAD_NAME = /^upload_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The file of an upload. */
export interface UploadFile {
  id: string;
  path: string;
  /** In bytes. */
  size: number;
  /** When it was last written to, in milliseconds since 1970. */
  changed: number;
}

/** Whether this may be the id of an upload. */
export function isUploadId(id: string): boolean {
  return UPLOAD_NAME.test(`upload_${id}`);
}

/** Where the upload of an id is, or would be. */
export function uploadPath({ ingest }: Layout, id: string): string {
  return join(ingest, `upload_${id}`);
}

/** The ids of all files that are named like uploads. */
export function uploadIds({ ingest }: Layout): string[] {
  return listFolder(ingest).flatMap((name) => UPLOAD_NAME.exec(name)?.[1] ?? []);
}

/** All uploads that there are. */
export function listUploads(layout: Layout): UploadFile[] {
  return uploadIds(layout).flatMap((id) => {
    const path = uploadPath(layout, id);
    const stat = ownStat(path);
    return stat ? [{ id, path, size: stat.size, changed: Math.max(stat.mtimeMs, stat.ctimeMs) }] : [];
  });
}

/** What is no file, or has another name elsewhere, was put there by somebody else: it is no upload. */
function ownStat(path: string): Stats | undefined {
  const stat = statOf(path);
  return stat?.isFile() && stat.nlink === 1 ? stat : undefined;
}

/** Removes an upload that nobody goes on with. @returns whether it did */
export function removeUnlessLocked(path: string): boolean {
  using lock = lockIfThere(path);
  if (!lock) return false;
  onPath("remove", path, () => rmSync(path, { force: true }));
  return true;
}

/**
 * Takes the lock of an upload. Whoever looks for garbage holds each file for a moment, which is no reason to send a client away.
 *
 * @returns `"missing"` if there is no such upload, `undefined` if somebody else holds it for longer than that
 * @throws {SatchelError} `storage`, `cancelled`
 */
export async function lockUpload(path: string, signal: AbortSignal | undefined): Promise<Lock | "missing" | undefined> {
  for (let length = 5;; length *= 2) {
    if (!ownStat(path)) return "missing";
    const lock = lockIfThere(path);
    if (lock) return lock;
    if (length >= 200) return undefined;
    await pause(length, signal, `waiting for ${path}`);
  }
}

function lockIfThere(path: string): Lock | undefined {
  try {
    return tryLockExisting(path);
  } catch (error) {
    if (ownStat(path)) throw error;
    return undefined;
  }
}
