import { Buffer } from "node:buffer";
import type { Credential } from "../credential.ts";
import { SatchelError, systemCode, withContext } from "../error.ts";
import { canonicalRegistry, isJsonObject, type JsonObject, parseJson } from "../oci/mod.ts";
import { readSmallFile } from "../small_file.ts";

/** Auth files are a few kilobytes; more than this many bytes is a mistake or an attack. */
const MAX_SIZE = 1024 * 1024;

/** Docker's key for Docker Hub, from the days of its first API. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** The accounts of one auth file, by the keys that stand in it. */
export interface AuthFile {
  path: string;
  /** `auths`, unread: an entry is checked when it is the one that is asked for. */
  auths: Map<string, unknown>;
  /** `credHelpers` and `credsStore`: the names of programs that keep accounts, by registry and for all others. */
  helpers: { byRegistry: JsonObject; forAll: unknown };
}

/**
 * Reads an auth file in Docker's format (`auths`). An empty file holds no accounts.
 *
 * @throws {SatchelError} `not-found` if it does not exist, `denied` if this user may not read it, `storage` if it cannot be
 * read for another reason, `invalid` if it is not such a file
 */
export async function readAuthFile(path: string): Promise<AuthFile> {
  const bytes = readBytes(path);
  if (bytes.length === 0) return { path, auths: new Map(), helpers: { byRegistry: {}, forAll: undefined } };
  const json = parseJson(bytes, `the auth file ${path}`);
  if (!isJsonObject(json)) throw new SatchelError("invalid", `the auth file ${path} is not a JSON object`);
  const auths = json.auths ?? {};
  if (!isJsonObject(auths)) throw new SatchelError("invalid", `auths in the auth file ${path} is not an object`);
  const byRegistry = isJsonObject(json.credHelpers) ? json.credHelpers : {};
  return { path, auths: new Map(Object.entries(auths)), helpers: { byRegistry, forAll: json.credsStore } };
}

/** The credential helper that an auth file names for a registry. */
export function helperFor({ helpers }: AuthFile, registry: string): string | undefined {
  const wanted = canonicalRegistry(registry);
  const key = Object.keys(helpers.byRegistry).find((each) => normalizeKey(each) === wanted);
  const name = key === undefined ? helpers.forAll : helpers.byRegistry[key];
  return typeof name === "string" && name !== "" ? name : undefined;
}

/**
 * The account for a repository: the key that names the longest part of it wins (containers-auth.json(5)), a plain host
 * before Docker's older forms `https://host` and `https://host/v1/`. All names of Docker Hub count as one.
 *
 * @throws {SatchelError} `invalid` if the entry is broken
 */
export function findCredential(
  file: AuthFile,
  { registry, repository }: { registry: string; repository: string },
): Credential | undefined {
  const wanted = `${canonicalRegistry(registry)}/${repository}`;
  let best: { length: number; key: string } | undefined;
  for (const key of file.auths.keys()) {
    const prefix = normalizeKey(key);
    const matches = wanted === prefix || wanted.startsWith(`${prefix}/`);
    if (matches && (!best || prefix.length > best.length || (prefix.length === best.length && key === prefix))) {
      best = { length: prefix.length, key };
    }
  }
  if (!best) return undefined;
  return parseEntry(file.auths.get(best.key), `the entry for ${best.key} in the auth file ${file.path}`);
}

/** `host[:port][/path]` of a key in any of the forms that tools write. */
function normalizeKey(key: string): string {
  if (key === DOCKER_HUB_KEY) return "docker.io";
  const bare = key.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  const [host, ...path] = bare.split("/");
  const isApiPath = path.length === 1 && (path[0] === "v1" || path[0] === "v2");
  return [canonicalRegistry(host), ...(isApiPath ? [] : path)].join("/");
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readBytes(path: string): Uint8Array {
  try {
    return readSmallFile(path, MAX_SIZE);
  } catch (cause) {
    if (cause instanceof SatchelError) throw withContext("reading the auth file", cause);
    switch (systemCode(cause)) {
      case "ENOENT":
        throw new SatchelError("not-found", `the auth file ${path} does not exist`, { cause });
      case "EACCES":
        throw new SatchelError("denied", `cannot read the auth file ${path}: permission denied`, { cause });
    }
    throw new SatchelError("storage", `cannot read the auth file ${path}: ${messageOf(cause)}`, { cause });
  }
}
