import type {
  Credential,
  CredentialLookup,
  CredentialSource,
  CredentialSourceOptions,
  CredentialSubject,
} from "../credential.ts";
import { SatchelError } from "../error.ts";
import { type Asked, type AskOptions, askSources } from "./ask.ts";
import type { AuthFile } from "./auth_file.ts";
import type { AuthFiles } from "./auth_files.ts";

/** Where {@link openCredentials} looks. */
export interface CredentialOptions extends Partial<Pick<AskOptions, "plugins" | "helperSource">> {
  files: AuthFiles;
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

/** What one source says, without the account. */
export interface SourceReport {
  /** For people: `/home/joe/.docker/config.json`, `docker-credential-pass (named in /home/joe/.docker/config.json)`. */
  source: string;
  state: Asked["outcome"]["state"];
  /** The user name of an answer; absent where the account is a token alone. */
  username?: string;
  /** Why it failed, is missing, or was not asked. */
  reason?: string;
}

/** Everything that knows accounts. */
export interface Credentials {
  /**
   * The account for a registry or a repository.
   *
   * @throws {SatchelError} `invalid` for a broken file or entry, `usage` for a named file that is missing, `cancelled`
   */
  find(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<FoundAccount | undefined>;

  /** As {@link Credentials.find}, for a registry client. */
  readonly lookUp: CredentialLookup;

  /** All sources and what each says, those that are not asked as well. */
  explain(subject: CredentialSubject, options?: CredentialSourceOptions): Promise<SourceReport[]>;
}

/** Opens everything that knows accounts; files are read when an account is asked for. */
export function openCredentials(options: CredentialOptions): Credentials {
  const { files, plugins = [], helperSource = noHelper } = options;
  const sources: AskOptions = { files, plugins, helperSource };
  const warn = onceEach(options.onWarning);

  async function find(
    subject: CredentialSubject,
    askOptions?: CredentialSourceOptions,
  ): Promise<FoundAccount | undefined> {
    for await (const { source, file, outcome } of askSources(sources, subject, askOptions)) {
      if (outcome.state === "failed") {
        if (outcome.endsLookUp) throw outcome.error;
        warn(failureText("No account from", source, outcome.error));
      }
      if (outcome.state !== "answered") continue;
      warnOfReaders(source, file, warn);
      return { source, credential: outcome.credential, ...(file && { path: file.path }) };
    }
    return undefined;
  }

  return {
    find,
    lookUp: async (repository, askOptions) => (await find(repository, askOptions))?.credential,
    explain: async (subject, askOptions) => {
      const reports: SourceReport[] = [];
      for await (const asked of askSources(sources, subject, askOptions)) {
        warnOfReaders(asked.source, asked.file, warn);
        reports.push(reportOf(asked));
      }
      return reports;
    },
  };
}

function reportOf({ source, outcome }: Asked): SourceReport {
  const { state } = outcome;
  if (state === "none") return { source, state };
  if (state === "failed") return { source, state, reason: outcome.error.message };
  if (state !== "answered") return { source, state, reason: outcome.why };
  const { username } = outcome.credential;
  return { source, state, ...(username !== undefined && { username }) };
}

/** Plugins name themselves in what they say, which need not be read twice. */
function failureText(what: string, source: string, { message }: SatchelError): string {
  return message.startsWith(source) ? `${what} ${message}` : `${what} ${source}: ${message}`;
}

/** @param source the file itself, or what it names */
function warnOfReaders(source: string, file: AuthFile | undefined, warn: (message: string) => void): void {
  if (!file || source !== file.path || (file.mode & 0o077) === 0) return;
  const { path, mode } = file;
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
