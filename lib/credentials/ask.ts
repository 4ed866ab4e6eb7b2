import type { Credential, CredentialSource, CredentialSourceOptions, CredentialSubject } from "../credential.ts";
import { SatchelError } from "../error.ts";
import { type AuthFile, findCredential, helperFor } from "./auth_file.ts";
import { type AuthFiles, openFiles } from "./auth_files.ts";
import { helperName, type HelperSource } from "./helpers.ts";

/** Where accounts may come from. */
export interface AskOptions {
  /** Asked before any file. */
  plugins: readonly CredentialSource[];
  files: AuthFiles;
  helperSource: HelperSource;
}

/** One source, and what came of asking it. */
export interface Asked {
  /** For people: `/home/joe/.docker/config.json`, `docker-credential-pass (named in /home/joe/.docker/config.json)`. */
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

  async function step(source: string, work: () => Promise<Outcome>, file?: AuthFile): Promise<Asked> {
    const outcome = stopped === undefined ? await attempt(work, false) : notAsked(stopped);
    if (outcome.state === "answered") stopped = `${source} answered`;
    if (outcome.state === "failed" && outcome.endsLookUp) stopped = `${source} failed`;
    return { source, outcome, ...(file && { file }) };
  }

  const fromSource = async (source: CredentialSource) => outcomeOf(await source.get(subject, options));

  async function* fileSteps(file: AuthFile): AsyncGenerator<Asked> {
    const { path } = file;
    const helper = await attempt(async () => outcomeOfHelper(helperFor(file, subject.registry)), false);
    if (helper.state === "failed") yield await step(path, async () => helper);
    if (helper.state === "helper") {
      const name = helperName(helper.name, path);
      const work = file.helperDistrust === undefined
        ? () => fromSource(helperSource(helper.name, name))
        : async () => failed(notRun(file.helperDistrust!), false);
      yield await step(name, work, file);
    }
    yield await step(path, () => attempt(async () => outcomeOf(findCredential(file, subject)), true), file);
  }

  for (const plugin of plugins) yield await step(plugin.name, () => fromSource(plugin));
  for await (const { path, opened } of openFiles(files, () => stopped)) {
    if (opened.state === "open") yield* fileSteps(opened.file);
    else yield await step(path, async () => opened);
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

function notRun(distrust: string): SatchelError {
  return new SatchelError("refused", `${distrust}, so root does not run what it names`);
}
