import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { basename, dirname, join, resolve } from "node:path";
import type { Credential, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError, systemReason, throwIfCancelled } from "../error.ts";
import { acquireLock, effectiveUser, type LockOptions } from "../runtime/mod.ts";
import { readAuthFileText } from "./auth_file.ts";
import { type JsonMember, type JsonText, memberOf, readJsonText, stringText, writeJsonText } from "./json_text.ts";
import { normalizeKey, subjectName, writtenKey } from "./registry_key.ts";

/** How many links to a file are followed, as by Linux. */
const MAX_LINKS = 40;

/** What of an entry is the account; the rest of it is somebody else's and stays. */
const ACCOUNT_MEMBERS: readonly string[] = ["auth", "identitytoken", "registrytoken", "username", "password"];

/**
 * Writes an account into an auth file, which is created if it is not there, with its folders. All keys that mean the same
 * registry become one; everything else stays as it was, to the byte but for blanks.
 *
 * @throws {SatchelError} `invalid` if the file is broken, `refused` if somebody else could have planted it, `storage`, `busy`,
 * `cancelled`
 */
export async function writeEntry(
  path: string,
  subject: CredentialSubject,
  { username, password }: Required<Pick<Credential, "username" | "password">>,
  options: LockOptions = {},
): Promise<void> {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  await editAuths(path, options, true, (members) => {
    const wanted = subjectName(subject);
    const isOld = ({ name }: JsonMember) => normalizeKey(name) === wanted;
    const old = members.findLast(isOld)?.value;
    const rest = old?.kind === "object" ? old.members.filter(({ name }) => !ACCOUNT_MEMBERS.includes(name)) : [];
    const entry: JsonMember = {
      name: writtenKey(subject),
      value: { kind: "object", members: [{ name: "auth", value: stringText(auth) }, ...rest] },
    };
    const at = members.findIndex(isOld);
    const others = members.filter((member) => !isOld(member));
    return at < 0 ? [...others, entry] : others.toSpliced(at, 0, entry);
  });
}

/**
 * Removes every key of a registry, or of one path on it, from an auth file.
 *
 * @returns whether there was an account; not if there is no such file
 * @throws {SatchelError} as {@link writeEntry}
 */
export async function removeEntry(
  path: string,
  subject: CredentialSubject,
  options: LockOptions = {},
): Promise<boolean> {
  const wanted = subjectName(subject);
  let found = false;
  await editAuths(path, options, false, (members) =>
    members.filter(({ name, value }) => {
      if (normalizeKey(name) !== wanted) return true;
      found ||= value.kind === "object" && value.members.length > 0;
      return false;
    }));
  return found;
}

/**
 * Removes all accounts from an auth file; nothing happens if it is not there.
 *
 * @returns whether there were any
 * @throws {SatchelError} as {@link writeEntry}
 */
export async function removeAllEntries(path: string, options: LockOptions = {}): Promise<boolean> {
  let found = false;
  await editAuths(path, options, false, (members) => {
    found = members.length > 0;
    return [];
  });
  return found;
}

/** Reads `auths` under the lock, and writes what `change` makes of it if that is something else. */
async function editAuths(
  path: string,
  options: LockOptions,
  mayCreate: boolean,
  change: (members: JsonMember[]) => JsonMember[],
): Promise<void> {
  const target = onPath("write", path, () => followLinks(path));
  if (!mayCreate && !statSync(target, { throwIfNoEntry: false })) return;
  if (mayCreate) {
    onPath("create the folder of", path, () => mkdirSync(dirname(target), { recursive: true, mode: 0o700 }));
  }
  using lock = await acquireLock(`${target}.lock`, options);
  const old = await readUnderLock(target);
  if (old && old.stat.uid !== effectiveUser()) onPath("write", lock.path, () => handOverLock(lock.path, old.stat));
  const root: JsonText = old === undefined || old.text.trim() === ""
    ? { kind: "object", members: [] }
    : readJsonText(old.text);
  if (root.kind !== "object") throw new SatchelError("invalid", `the auth file ${path} is not a JSON object`);
  const auths = memberOf(root, "auths");
  const before = auths?.value.kind === "object" ? auths.value.members : [];
  const value: JsonText = { kind: "object", members: change(before) };
  if (auths) auths.value = value;
  else root.members.unshift({ name: "auths", value });
  const text = writeJsonText(root);
  if (text === old?.text && old.mode === 0o600) return;
  throwIfCancelled(options.signal);
  onPath("write", target, () => replaceFile(target, text, old?.stat));
}

/** An auth file as it is while nobody else changes it; `undefined` if there is none. */
async function readUnderLock(target: string): Promise<{ text: string; mode: number; stat: Stats } | undefined> {
  let opened: Stats | undefined;
  try {
    const { file, text } = await readAuthFileText(target, (stat) => {
      const there = lstatSync(target);
      if (there.ino !== stat.ino || there.dev !== stat.dev) {
        throw new SatchelError("refused", `the auth file ${target} was replaced by somebody else while it was opened`);
      }
      checkOwner(target, stat);
      opened = stat;
    });
    return { text, mode: file.mode, stat: opened! };
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/**
 * Nobody's credentials go into a file that somebody else laid there. Root may rewrite what belongs to another user, who then can
 * read it, but only where nobody but that user or root could have put it.
 */
function checkOwner(target: string, { uid }: Stats): void {
  const me = effectiveUser();
  if (me === undefined || uid === me) return;
  const folder = statSync(dirname(target));
  const isPrivate = (folder.mode & 0o022) === 0 && (folder.uid === uid || folder.uid === 0);
  if (me === 0 && isPrivate) return;
  throw new SatchelError("refused", `the auth file ${target} belongs to the user ${uid}, so it is not written to`, {
    hint: "Name another one with --authfile.",
  });
}

/** Gives the lock that root has made to the user whose file it is for, who could not take it otherwise. */
function handOverLock(path: string, { uid, gid }: Stats): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { nlink, size, uid: owner } = fstatSync(fd);
    // An empty file without another name is not worth taking from root.
    if (owner !== uid && nlink === 1 && size === 0) fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}

/**
 * The file that a path leads to. A link is followed if it belongs to this user or to root: where others may write, as in /tmp,
 * they could lead the way to a file of their choice.
 */
function followLinks(path: string): string {
  const me = effectiveUser();
  let at = resolve(path);
  for (let count = 0; count < MAX_LINKS; count++) {
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (!stat?.isSymbolicLink()) return at;
    if (me !== undefined && stat.uid !== me && stat.uid !== 0) {
      throw new SatchelError("refused", `${at} is a link that belongs to the user ${stat.uid}, so it is not followed`, {
        hint: "Name the file itself with --authfile.",
      });
    }
    at = resolve(realpathSync(dirname(at)), readlinkSync(at));
  }
  throw new SatchelError("storage", `Cannot write ${path}: too many links`);
}

/** Replaces a file: whoever opens it finds the old one or the new one, whole, also after a power failure. */
function replaceFile(target: string, text: string, old: Stats | undefined): void {
  const folder = dirname(target);
  const temporary = join(folder, `${basename(target)}.tmp`);
  try {
    // Of a process that died, as we have the lock.
    rmSync(temporary, { force: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(temporary, flags, 0o600);
    try {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done);
      if (old && old.uid !== effectiveUser()) fchownSync(fd, old.uid, old.gid);
      fchmodSync(fd, 0o600);
      fsyncSync(fd);
      if (fstatSync(fd).ino !== lstatSync(temporary).ino) {
        throw new SatchelError("refused", `${temporary} was replaced by somebody else while it was written`);
      }
      renameSync(temporary, target);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The error before this one is the one to be told.
  }
}

function onPath<T>(doing: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    throw new SatchelError("storage", `Cannot ${doing} ${path}: ${systemReason(cause)}`, {
      hint: "Name another auth file with --authfile.",
      cause,
    });
  }
}
