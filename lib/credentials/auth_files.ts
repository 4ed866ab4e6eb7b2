import { hasCode, SatchelError } from "../error.ts";
import { type AuthFile, readAuthFile } from "./auth_file.ts";

/** The auth files that count. */
export interface AuthFiles {
  /** A file that somebody named: it must exist, and no other is looked at. */
  named?: NamedFile;
  /** Of these the first that exists and may be read is the only one that counts. */
  own: readonly string[];
  /** Where there is none of those, each of these is asked. */
  fallbacks: readonly FallbackFile[];
}

/** An auth file that somebody named. */
export interface NamedFile {
  path: string;
  /** For messages: `--authfile`, `REGISTRY_AUTH_FILE`, `/etc/satchel/config.yaml:3`. */
  by: string;
}

/** An auth file of another program. */
export interface FallbackFile {
  path: string;
  /** The numbers of those to whom it may belong, where it is read on behalf of another user: links lead where that one likes. */
  owners?: readonly number[];
  /** It counts only where this file does not exist. */
  insteadOf?: string;
}

/** What came of opening an auth file. */
export type Opened =
  | { state: "open"; file: AuthFile }
  | { state: "missing"; why: string }
  | { state: "failed"; error: SatchelError; endsLookUp: boolean }
  | { state: "not asked"; why: string };

/**
 * Opens the auth files in their order, each when it is taken from here.
 *
 * @param stopped why no more of them are wanted, if so
 */
export async function* openFiles(
  { named, own, fallbacks }: AuthFiles,
  stopped: () => string | undefined,
): AsyncGenerator<{ path: string; opened: Opened }> {
  /** The file of {@link AuthFiles.own} that counts. */
  let counts: string | undefined;

  async function openUnless(why: string | undefined, open: () => Promise<Opened>): Promise<Opened> {
    const reason = stopped() ?? why;
    return reason === undefined ? await open() : { state: "not asked", why: reason };
  }

  const onlyOne = () => counts === undefined ? undefined : `${counts} is there, and it alone counts`;

  if (named) {
    yield { path: named.path, opened: await openUnless(undefined, () => openNamed(named)) };
    return;
  }
  for (const path of own) {
    const opened = await openUnless(onlyOne(), () => openFile(path));
    if (opened.state === "open") counts = path;
    yield { path, opened };
  }
  for (const fallback of fallbacks) {
    yield { path: fallback.path, opened: await openUnless(onlyOne(), () => openFallback(fallback)) };
  }
}

/**
 * Of the auth files that count, those that have accounts of their own. What cannot be read is left out.
 */
export async function filesWithAccounts(files: AuthFiles): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, opened } of openFiles(files, () => undefined)) {
    if (opened.state === "open" && opened.file.auths.size > 0) found.push(path);
  }
  return found;
}

/**
 * Reads the file that somebody named, if there is one, so that a mistake is told even where no account is needed.
 *
 * @throws {SatchelError} `usage` if it is missing or may not be read, `invalid` if it is broken
 */
export async function checkNamedFile({ named }: AuthFiles): Promise<void> {
  if (!named) return;
  const opened = await openNamed(named);
  if (opened.state === "failed") throw opened.error;
}

async function openNamed({ path, by }: NamedFile): Promise<Opened> {
  try {
    return { state: "open", file: await readAuthFile(path) };
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    const { code: kind, message, hint } = error;
    const code = kind === "not-found" || kind === "denied" ? "usage" : kind;
    const told = new SatchelError(code, `${message} (named by ${by})`, { hint, cause: error });
    return { state: "failed", error: told, endsLookUp: true };
  }
}

/** Opens a file that need not exist; not being allowed to read it is no reason to fail, since root's file is not for others. */
async function openFile(path: string): Promise<Opened> {
  try {
    return { state: "open", file: await readAuthFile(path) };
  } catch (error) {
    if (hasCode(error, "not-found")) return { state: "missing", why: "does not exist" };
    if (hasCode(error, "denied")) return { state: "missing", why: "may not be read by this user" };
    if (error instanceof SatchelError) return { state: "failed", error, endsLookUp: true };
    throw error;
  }
}

async function openFallback({ path, owners, insteadOf }: FallbackFile): Promise<Opened> {
  if (insteadOf !== undefined && (await openFile(insteadOf)).state !== "missing") {
    return { state: "not asked", why: `${insteadOf} is there` };
  }
  if (!owners) return await openFile(path);
  try {
    const file = await readAuthFile(path, (stat) => {
      if (!owners.includes(stat.uid)) {
        throw new SatchelError("refused", `${path} does not belong to the user who called sudo`);
      }
    });
    return { state: "open", file };
  } catch (error) {
    if (hasCode(error, "not-found")) return { state: "missing", why: "does not exist" };
    if (error instanceof SatchelError) return { state: "failed", error, endsLookUp: false };
    throw error;
  }
}
