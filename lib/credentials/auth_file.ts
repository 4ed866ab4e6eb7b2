import { Buffer } from "node:buffer";
import type { Stats } from "node:fs";
import type { Credential, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError, systemCode, systemReason, withContext } from "../error.ts";
import { isJsonObject, type JsonObject, parseJson } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { readSmallFile } from "../small_file.ts";
import { helperDistrust } from "./place.ts";
import { normalizeKey, subjectName } from "./registry_key.ts";

/** Auth files are a few kilobytes; more than this many bytes is a mistake or an attack. */
const MAX_SIZE = 1024 * 1024;

/** What may stand for NAME in `docker-credential-NAME`: it must not lead into another folder. */
const HELPER_GRAMMAR = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** The accounts of one auth file, by the keys that stand in it. */
export interface AuthFile {
  path: string;
  /** `auths`, unread: an entry is checked when it is the one that is asked for. */
  auths: Map<string, unknown>;
  /** `credHelpers` and `credsStore`: the names of programs that keep accounts, by registry and for all others. */
  helpers: { byRegistry: JsonObject; forAll: unknown };
  /** Why the helpers that it names are not run, if so. */
  helperDistrust?: string;
  /** Permissions, as in `0o600`. */
  mode: number;
}

/**
 * Reads an auth file in Docker's format (`auths`). An empty file holds no accounts.
 *
 * @param check told what the opened file is before any of it is read; may throw
 * @throws {SatchelError} `not-found` if it does not exist, `denied` if this user may not read it, `storage` if it cannot be
 * read for another reason, `invalid` if it is not such a file
 */
export async function readAuthFile(path: string, check?: (stat: Stats) => void): Promise<AuthFile> {
  return (await readAuthFileText(path, check)).file;
}

/**
 * As {@link readAuthFile}, for a file that need not be there.
 *
 * @throws {SatchelError} `denied`, `storage`, `invalid`
 */
export async function readAuthFileIfThere(path: string): Promise<AuthFile | undefined> {
  try {
    return await readAuthFile(path);
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/** As {@link readAuthFile}, with the whole text, for those who rewrite it. */
export async function readAuthFileText(
  path: string,
  check?: (stat: Stats) => void,
): Promise<{ file: AuthFile; text: string }> {
  let distrust: string | undefined;
  let mode = 0;
  const bytes = readBytes(path, (stat) => {
    check?.(stat);
    distrust = helperDistrust(path, stat);
    mode = stat.mode & 0o777;
  });
  const text = new TextDecoder().decode(bytes);
  const json = text.trim() === "" ? {} : parseJson(bytes, `the auth file ${path}`);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `the auth file ${path} is not a JSON object`);
  const auths = json.auths ?? {};
  if (!isJsonObject(auths)) throw new SatchelError("invalid", `auths in the auth file ${path} is not an object`);
  const byRegistry = isJsonObject(json.credHelpers) ? json.credHelpers : {};
  const helpers = { byRegistry, forAll: json.credsStore };
  const file: AuthFile = {
    path,
    mode,
    auths: new Map(Object.entries(auths)),
    helpers,
    ...(distrust !== undefined && { helperDistrust: distrust }),
  };
  return { file, text };
}

/**
 * The credential helper that an auth file names for a registry: NAME of `docker-credential-NAME`.
 *
 * @throws {SatchelError} `invalid` if it is no such name
 */
export function helperFor(file: AuthFile, registry: string): string | undefined {
  const wanted = subjectName({ registry });
  const { byRegistry } = file.helpers;
  const key = Object.keys(byRegistry).find((each) => normalizeKey(each) === wanted);
  return key === undefined ? defaultHelper(file) : checkedHelper(byRegistry[key], file);
}

/**
 * The credential helper that an auth file names for all registries but those that have one of their own.
 *
 * @throws {SatchelError} `invalid` if it is no such name
 */
export function defaultHelper(file: AuthFile): string | undefined {
  return checkedHelper(file.helpers.forAll, file);
}

function checkedHelper(name: unknown, { path }: AuthFile): string | undefined {
  if (typeof name !== "string" || name === "") return undefined;
  if (HELPER_GRAMMAR.test(name)) return name;
  throw new SatchelError(
    "invalid",
    `${printable(JSON.stringify(name), 100)} in ${path} is no credential helper's name`,
    {
      hint: "It is the NAME of a program docker-credential-NAME.",
    },
  );
}

/** The registries for which an auth file names a helper of their own. */
export function registriesWithHelper({ helpers }: AuthFile): string[] {
  return [...new Set(Object.keys(helpers.byRegistry).map(normalizeKey))];
}

/**
 * The account for a repository, or for a registry as a whole: the key that names the longest part of it wins
 * (containers-auth.json(5)), a plain host before Docker's older forms `https://host` and `https://host/v1/`. All names of
 * Docker Hub count as one. An empty entry is no account: tools leave it where a helper has the account.
 *
 * @throws {SatchelError} `invalid` if the entry is broken
 */
export function findCredential(file: AuthFile, subject: CredentialSubject): Credential | undefined {
  const wanted = subjectName(subject);
  let best: { length: number; key: string } | undefined;
  for (const [key, entry] of file.auths) {
    if (isJsonObject(entry) && Object.keys(entry).length === 0) continue;
    const prefix = normalizeKey(key);
    const matches = wanted === prefix || wanted.startsWith(`${prefix}/`);
    if (matches && (!best || prefix.length > best.length || (prefix.length === best.length && key === prefix))) {
      best = { length: prefix.length, key };
    }
  }
  if (!best) return undefined;
  return parseEntry(
    file.auths.get(best.key),
    `the entry for ${printable(best.key, 300)} in the auth file ${file.path}`,
  );
}

function parseEntry(entry: unknown, what: string): Credential | undefined {
  if (!isJsonObject(entry)) throw new SatchelError("invalid", `${what} is not an object`);
  const credential: Credential = { ...readUserAndPassword(entry, what) };
  if (typeof entry.identitytoken === "string" && entry.identitytoken !== "") {
    credential.identityToken = entry.identitytoken;
  }
  if (typeof entry.registrytoken === "string" && entry.registrytoken !== "") {
    credential.registryToken = entry.registrytoken;
  }
  return Object.keys(credential).length === 0 ? undefined : credential;
}

function readUserAndPassword(entry: JsonObject, what: string): Credential {
  if (typeof entry.auth === "string" && entry.auth !== "") return decodeAuth(entry.auth, what);
  if (typeof entry.username !== "string" || typeof entry.password !== "string") return {};
  return entry.username === "" ? {} : { username: entry.username, password: entry.password };
}

/** `auth` is base64 of `user:password`; only the first colon separates. The error never shows what was found. */
function decodeAuth(auth: string, what: string): Credential {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth)) throw new SatchelError("invalid", `auth in ${what} is not base64`);
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon <= 0) throw new SatchelError("invalid", `auth in ${what} does not hold a user and a password`);
  // Some tools pad the password with NUL bytes.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

function readBytes(path: string, check: (stat: Stats) => void): Uint8Array {
  try {
    return readSmallFile(path, MAX_SIZE, check);
  } catch (cause) {
    if (cause instanceof SatchelError) throw withContext("reading the auth file", cause);
    const code = systemCode(cause);
    if (code === "ENOENT") throw new SatchelError("not-found", `the auth file ${path} does not exist`, { cause });
    throw new SatchelError(
      code === "EACCES" ? "denied" : "storage",
      `cannot read the auth file ${path}: ${systemReason(cause)}`,
      {
        cause,
      },
    );
  }
}
