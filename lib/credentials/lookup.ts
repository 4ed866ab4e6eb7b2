import type {
  Credential,
  CredentialLookup,
  CredentialSource,
  CredentialSourceOptions,
  CredentialSubject,
} from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type Asked, type AskOptions, askSources, type AuthFiles } from "./ask.ts";
import { type AuthFile, readAuthFile } from "./auth_file.ts";

/** Where {@link openCredentials} looks. */
export interface CredentialOptions extends Partial<Pick<AskOptions, "plugins" | "helperSource">> {
  files: AuthFiles;
  /** Whether a named file may be missing, because it is about to be written. Default: that is an error. */
  mayBeMissing?: boolean;
  /** Told what is odd but no reason to stop, each thing once: helpers that fail, files that others can read. */
  onWarning?: (message: string) => void;
}

/** An account, and who knew it. */
export interface FoundAccount {
  source: string;
  /** The auth file that it is in, or that names the helper that has it. */
  path?: string;
  credential: Credential;
}

/** Everything that knows accounts. */
export interface Credentials {
  /**
   * The account for a registry or a repository.
   *
   * @throws {SatchelError} `invalid` for a broken file or entry, `cancelled`
   */
  find(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<FoundAccount | undefined>;

  /** As {@link Credentials.find}, for a registry client. */
  readonly lookUp: CredentialLookup;

  /** All sources and what each says, those that are not asked as well. */
  explain(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<Asked[]>;
}

/**
 * Opens everything that knows accounts. A named file is read at once, so that a mistake is told even where no account is
 * needed; other files only when the first account is asked for.
 *
 * @throws {SatchelError} `usage` if a named file is missing or may not be read, `invalid` if it is broken
 */
export async function openCredentials(options: CredentialOptions): Promise<Credentials> {
  const { files, plugins = [], helperSource = noHelper } = options;
  if (files.named !== undefined) await checkNamedFile(files.named, options.mayBeMissing ?? false);
  const sources: AskOptions = { files, plugins, helperSource };
  const warn = onceEach(options.onWarning);

  async function find(
    subject: CredentialSubject,
    askOptions?: CredentialSourceOptions,
  ): Promise<FoundAccount | undefined> {
    for await (const { source, file, outcome } of askSources(sources, subject, askOptions)) {
      if (outcome.state === "failed") {
        if (outcome.endsLookUp) throw outcome.error;
        warn(`No account from ${source}: ${outcome.error.message}`);
      }
      if (outcome.state !== "answered") continue;
      if (file && source === file.path) warnOfReaders(file, warn);
      return { source, credential: outcome.credential, ...(file && { path: file.path }) };
    }
    return undefined;
  }

  return {
    find,
    lookUp: async (repository) => (await find(repository))?.credential,
    explain: async (subject, askOptions) => {
      const asked: Asked[] = [];
      for await (const each of askSources(sources, subject, askOptions)) asked.push(each);
      return asked;
    },
  };
}

async function checkNamedFile(path: string, mayBeMissing: boolean): Promise<void> {
  try {
    await readAuthFile(path);
  } catch (error) {
    if (mayBeMissing && hasCode(error, "not-found")) return;
    if (!hasCode(error, "not-found") && !hasCode(error, "denied")) throw error;
    throw new SatchelError("usage", error.message, { cause: error });
  }
}

function warnOfReaders({ path, mode }: AuthFile, warn: (message: string) => void): void {
  if ((mode & 0o077) === 0) return;
  const octal = mode.toString(8).padStart(4, "0");
  warn(`Other users may use the credentials in ${path} (its mode is ${octal}): chmod 600 ${path}`);
}

function onceEach(tell: ((message: string) => void) | undefined): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    tell?.(message);
  };
}

function noHelper(_helper: string, name: string): CredentialSource {
  return {
    name,
    get: async () => {
      throw new SatchelError("plugin", "credential helpers are not asked here");
    },
  };
}
