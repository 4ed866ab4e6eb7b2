import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { basename, dirname, join } from "node:path";
import type { Credential, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError, systemReason, throwIfCancelled } from "../error.ts";
import { acquireLock, type LockOptions } from "../runtime/mod.ts";
import { readAuthFileText } from "./auth_file.ts";
import { type JsonMember, type JsonText, memberOf, readJsonText, stringText, writeJsonText } from "./json_text.ts";
import { checkPlace } from "./place.ts";
import { normalizeKey, subjectName, writtenKey } from "./registry_key.ts";

/** What of an entry is the account; the rest of it is somebody else's and stays. */
const ACCOUNT_MEMBERS: readonly string[] = ["auth", "identitytoken", "registrytoken", "username", "password"];

/**
 * Writes an account into an auth file, which is created if it is not there, with its folders. All keys that mean the same
 * registry become one; everything else stays as it was, to the byte but for blanks.
 *
 * @throws {SatchelError} `invalid` if the file is broken, `refused` if somebody else could exchange it, `not-found`,
 * `storage`, `busy`, `cancelled`
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
  if (!mayCreate && !existsSync(path)) return;
  const target = checkPlace(path);
  if (mayCreate) {
    onPath("create the folder of", path, () => mkdirSync(dirname(target), { recursive: true, mode: 0o700 }));
  }
  using _lock = await acquireLock(`${target}.lock`, options);
  const old = await readUnderLock(target);
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
  onPath("write", target, () => replaceFile(target, text));
}

/** An auth file as it is while no other satchel changes it; `undefined` if there is none. */
async function readUnderLock(target: string): Promise<{ text: string; mode: number } | undefined> {
  try {
    const { file, text } = await readAuthFileText(target);
    return { text, mode: file.mode };
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/** Replaces a file: whoever opens it finds the old one or the new one, whole, also after a power failure. */
function replaceFile(target: string, text: string): void {
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
      fchmodSync(fd, 0o600);
      fsyncSync(fd);
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
