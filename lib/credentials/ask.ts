import type { Credential, CredentialSource, CredentialSourceOptions, CredentialSubject } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import { effectiveUser } from "../runtime/mod.ts";
import { type AuthFile, findCredential, helperFor, readAuthFile } from "./auth_file.ts";

/** The auth files that count. */
export interface AuthFiles {
  /** A file that the user named: no other is looked at. */
  named?: string;
  /** Of these the first that exists and may be read is the only one that counts. */
  own: readonly string[];
  /** Where there is none of those, each of these is asked. */
  fallbacks: readonly FallbackFile[];
}

/** An auth file of another program. */
export interface FallbackFile {
  path: string;
  /** For a file of another user: it must belong to that one, and counts only where the file `insteadOf` does not exist. */
  callingUser?: { uid: number; insteadOf: string };
}

/** Makes the source that a credential helper is. */
export type HelperSource = (helper: string, name: string) => CredentialSource;

/** Where accounts may come from. */
export interface AskOptions {
  /** Asked before any file. */
  plugins: readonly CredentialSource[];
  files: AuthFiles;
  helperSource: HelperSource;
}

/** One source, and what came of asking it. */
export interface Asked {
  /** For people: `/root/.docker/config.json`, `docker-credential-pass (named in /root/.docker/config.json)`. */
  source: string;
  /** The auth file that it is, or that names it. */
  file?: AuthFile;
  outcome: Outcome;
}

/** What came of asking a source. */
export type Outcome =
  | { state: "answered"; credential: Credential }
  | { state: "none" }
  | { state: "missing"; why: string }
  | { state: "failed"; error: SatchelError; endsLookUp: boolean }
  | { state: "not asked"; why: string };

type Opened = { file: AuthFile } | { outcome: Outcome };

/** What a source that a file names is called. */
export function helperName(helper: string, path: string): string {
  return `docker-credential-${helper} (named in ${path})`;
}

/**
 * Whether a helper that a file names is run: root runs none for another user's file, since its helpers would run with root's
 * rights and with root's keys.
 */
export function mayRunHelpers({ owner }: AuthFile): boolean {
  return effectiveUser() !== 0 || owner === 0;
}

/**
 * Asks the sources of accounts, in their order, each when it is taken from here. What comes after an answer is not asked and
 * nothing of it is read.
 *
 * @throws {SatchelError} `cancelled`
 */
export async function* askSources(
  { plugins, files, helperSource }: AskOptions,
  subject: CredentialSubject,
  options: CredentialSourceOptions = {},
): AsyncGenerator<Asked> {
  let stopped: string | undefined;
  /** The file of {@link AuthFiles.own} that counts. */
  let counts: string | undefined;

  async function step(source: string, work: () => Promise<Outcome>, file?: AuthFile): Promise<Asked> {
    const outcome = stopped === undefined ? await attempt(work, false) : notAsked(stopped);
    if (outcome.state === "answered") stopped = `${source} answered`;
    if (outcome.state === "failed" && outcome.endsLookUp) stopped = `${source} failed`;
    return { source, outcome, ...(file && { file }) };
  }

  const fromSource = async (source: CredentialSource) => outcomeOf(await source.get(subject, options));

  async function* fileSteps(path: string, open: () => Promise<Opened>): AsyncGenerator<Asked> {
    const opened = stopped === undefined ? await open() : { outcome: notAsked(stopped) };
    if ("outcome" in opened) {
      yield await step(path, async () => opened.outcome);
      return;
    }
    const { file } = opened;
    counts = path;
    const helper = await attempt(async () => outcomeOfHelper(helperFor(file, subject.registry)), false);
    if (helper.state === "failed") yield await step(path, async () => helper);
    if (helper.state === "helper") {
      const name = helperName(helper.name, path);
      const work = mayRunHelpers(file)
        ? () => fromSource(helperSource(helper.name, name))
        : async () => failed(helperOfOther(file), false);
      yield await step(name, work, file);
    }
    yield await step(path, () => attempt(async () => outcomeOf(findCredential(file, subject)), true), file);
  }

  for (const plugin of plugins) yield await step(plugin.name, () => fromSource(plugin));
  if (files.named !== undefined) return yield* fileSteps(files.named, () => openFile(files.named!));
  for (const path of files.own) {
    if (counts === undefined) yield* fileSteps(path, () => openFile(path));
    else yield { source: path, outcome: notAsked(`${counts} is there, and it alone counts`) };
  }
  const own = counts;
  for (const fallback of files.fallbacks) {
    const { path } = fallback;
    if (own === undefined) yield* fileSteps(path, () => openFallback(fallback));
    else yield { source: path, outcome: notAsked(`${own} is there, and it alone counts`) };
  }
}

async function attempt<T>(
  work: () => Promise<T>,
  endsLookUp: boolean,
): Promise<T | Extract<Outcome, { state: "failed" }>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
    return failed(error, endsLookUp);
  }
}

function failed(error: SatchelError, endsLookUp: boolean): Extract<Outcome, { state: "failed" }> {
  return { state: "failed", error, endsLookUp };
}

function notAsked(why: string): Outcome {
  return { state: "not asked", why };
}

function outcomeOf(credential: Credential | undefined): Outcome {
  return credential ? { state: "answered", credential } : { state: "none" };
}

function outcomeOfHelper(name: string | undefined): { state: "helper"; name: string } | { state: "none" } {
  return name === undefined ? { state: "none" } : { state: "helper", name };
}

function helperOfOther({ owner, path }: AuthFile): SatchelError {
  return new SatchelError("refused", `${path} belongs to the user ${owner}, so root does not run what it names`);
}

/** Opens a file that need not exist; not being allowed to read it is no reason to fail, since root's file is not for others. */
async function openFile(path: string): Promise<Opened> {
  try {
    return { file: await readAuthFile(path) };
  } catch (error) {
    if (hasCode(error, "not-found")) return { outcome: { state: "missing", why: "does not exist" } };
    if (hasCode(error, "denied")) return { outcome: { state: "missing", why: "may not be read by this user" } };
    if (error instanceof SatchelError) return { outcome: failed(error, true) };
    throw error;
  }
}

async function openFallback({ path, callingUser }: FallbackFile): Promise<Opened> {
  if (!callingUser) return await openFile(path);
  const { uid, insteadOf } = callingUser;
  const other = await openFile(insteadOf);
  if ("file" in other || other.outcome.state !== "missing") return { outcome: notAsked(`${insteadOf} is there`) };
  try {
    const file = await readAuthFile(path, (stat) => {
      if (stat.uid !== uid) throw new SatchelError("refused", `${path} does not belong to the user who called sudo`);
    });
    return { file };
  } catch (error) {
    if (hasCode(error, "not-found")) return { outcome: { state: "missing", why: "does not exist" } };
    if (error instanceof SatchelError) return { outcome: failed(error, false) };
    throw error;
  }
}
