import { existsSync, mkdirSync, type Stats } from "node:fs";
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { Credential, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError, systemReason, throwIfCancelled } from "../error.ts";
import { acquireLock, type LockOptions } from "../runtime/mod.ts";
import { readAuthFileText } from "./auth_file.ts";
import { type JsonMember, type JsonText, memberOf, readJsonText, stringText, writeJsonText } from "./json_text.ts";
import { checkPlace } from "./place.ts";
import { normalizeKey, subjectName, writtenKey } from "./registry_key.ts";
import { replaceFile } from "./replace.ts";

/** How often an edit is begun, if other programs, which take no lock, change the file meanwhile. */
const MAX_ROUNDS = 5;

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
  const isOld = ({ name }: JsonMember) => normalizeKey(name) === wanted;
  let found = false;
  await editAuths(path, options, false, (members) => {
    found = members.some((each) => isOld(each) && each.value.kind === "object" && each.value.members.length > 0);
    return members.filter((each) => !isOld(each));
  });
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

/**
 * Reads `auths` under the lock, and writes what `change` makes of it if that is something else; all over again, `change` included, if
 * another program was faster.
 */
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
  for (let round = 0; round < MAX_ROUNDS; round++) {
    throwIfCancelled(options.signal);
    const old = await readUnderLock(target);
    if (!old && !mayCreate) return;
    const text = changed(old, path, change);
    if (text === old?.text && old.mode === 0o600) return;
    if (onPath("write", target, () => replaceFile(target, text, old?.stat))) return;
  }
  throw new SatchelError("busy", `another program changes the auth file ${path} again and again`, {
    hint: "Try again when it is done.",
  });
}

/** The text of an auth file with other accounts. */
function changed(
  old: OldFile | undefined,
  path: string,
  change: (members: JsonMember[]) => JsonMember[],
): string {
  const root: JsonText = old === undefined || old.text.trim() === ""
    ? { kind: "object", members: [] }
    : readJsonText(old.text);
  if (root.kind !== "object") throw new SatchelError("invalid", `the auth file ${path} is not a JSON object`);
  const auths = memberOf(root, "auths");
  const before = auths?.value.kind === "object" ? auths.value.members : [];
  const value: JsonText = { kind: "object", members: change(before) };
  if (auths) auths.value = value;
  else root.members.unshift({ name: "auths", value });
  return writeJsonText(root);
}

/** What an edit begins with. */
interface OldFile {
  text: string;
  /** Permissions, as in `0o600`. */
  mode: number;
  /** As it was before it was read. */
  stat: Stats;
}

/** An auth file as it is while no other satchel changes it; `undefined` if there is none. */
async function readUnderLock(target: string): Promise<OldFile | undefined> {
  let opened: Stats | undefined;
  try {
    const { file, text } = await readAuthFileText(target, (stat) => void (opened = stat));
    return { text, mode: file.mode, stat: opened! };
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
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
