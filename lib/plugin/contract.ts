/**
 * The contract between satchel and its plugins, version 1. `docs/plugins.md` explains it.
 *
 * A plugin is an executable in any language, or a module (`.ts`, `.js`) whose default export satisfies {@link PluginExport}.
 * Both get the same requests and give the same answers, which are JSON. Within version 1 requests may gain members, and hooks may
 * come; what an answer has beyond its members is passed over with a warning. This file imports nothing, so that `satchel plugin init`
 * can hand it to an author as it is.
 *
 * @module
 */

/** The version of this contract that a plugin was written for. */
export type ContractVersion = 1;

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a module exports as `default`: a plugin, or a function that makes one for the satchel that loads it. */
export type PluginExport = Plugin | ((satchel: SatchelInfo) => Plugin);

/** What loads a plugin. */
export interface SatchelInfo {
  version: string;
  /** The hooks that this version calls or will call, so that a plugin can leave out what it does not know. */
  hooks: readonly HookName[];
}

/**
 * A plugin. Every hook may be left out, but a plugin without any hook and without commands is refused, and so is a function
 * of a name that is no hook: a guard whose name is mistyped would guard nothing.
 */
export interface Plugin {
  contract: ContractVersion;
  /** `[a-z][a-z0-9-]*`, at most 64 characters; `satchel NAME` leads to its {@link Plugin.commands}. */
  name: string;
  /** One line. */
  description?: string;
  version?: string;
  /** Accounts for registries. */
  credentials?: CredentialHooks;
  /** Asked when it is known what the name stands for, before anything of it is fetched. */
  beforePull?: TransferHook;
  /** Asked when everything is in the store and verified, before the name appears there. */
  afterPull?: TransferHook;
  /** Asked before anything is sent. */
  beforePush?: TransferHook;
  /** Asked when the registry has everything and the name; a refusal does not take it back. */
  afterPush?: TransferHook;
  /** Asked for each image before anything is written. */
  beforeExport?: TransferHook;
  /** Asked for each image when everything of it is in the store and verified, before its name appears there. */
  afterImport?: TransferHook;
  /** Makes signatures, for `satchel image sign --key plugin:NAME`. */
  sign?: Hook<SignRequest, SignAnswer>;
  /** Judges signatures, for `satchel image verify` and others; one plugin that says `verified` is enough. */
  verify?: Hook<VerifyRequest, VerifyAnswer>;
  /** Subcommands: `satchel NAME COMMAND`. */
  commands?: readonly PluginCommand[];
}

/** A function of a plugin that satchel calls. What it throws is shown as the plugin's failure. */
export type Hook<Request, Answer> = (request: Request, context: PluginContext) => Answer | Promise<Answer>;

/** What every hook can use beside its request. */
export interface PluginContext {
  /** What the configuration file says under `settings` of this plugin; empty without. */
  readonly settings: { readonly [key: string]: Json };
  /** The variables of satchel's environment. */
  readonly environment: { readonly [name: string]: string | undefined };
  /** The version of satchel. */
  readonly version: string;
  /** Aborted on Ctrl-C, and when the hook has used up its time. */
  readonly signal: AbortSignal;
  /** Shows a line to the user, on stderr, behind the plugin's name. Never put a secret into it. */
  log(text: string): void;
  /** Runs a program to its end, without a shell; its output is bounded. Rejects if it cannot be started. */
  exec(program: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
}

/** What the commands of a plugin can use besides. */
export interface CommandContext extends PluginContext {
  /** Writes text to stdout, as it is. */
  print(text: string): void;
}

/** Options of {@link PluginContext.exec}. */
export interface ExecOptions {
  /** What the program reads from its standard input. Default: nothing. */
  stdin?: string;
  /** Milliseconds after which it is killed. Default: what the hook has left. */
  timeout?: number;
}

/** What a program did that {@link PluginContext.exec} ran. */
export interface ExecResult {
  status: number;
  /** UTF-8. */
  stdout: string;
  stderr: string;
}

/** Accounts for registries. */
export interface CredentialHooks {
  /** The account for a registry; an answer without `credential` means that this plugin knows of none. */
  get(request: CredentialRequest, context: PluginContext): CredentialAnswer | Promise<CredentialAnswer>;
  /** Keeps an account, after `satchel login` has tried it. */
  store?: Hook<CredentialStoreRequest, { stored: boolean }>;
  /** Forgets an account, for `satchel logout`. */
  erase?: Hook<CredentialRequest, { erased: boolean }>;
  /** Names the registries that it keeps accounts of, for `satchel logout --all`; the request is empty. */
  list?: Hook<{ readonly [key: string]: never }, { registries: readonly string[] }>;
}

/** What an account is for. */
export interface CredentialRequest {
  /** `host[:port]`, `docker.io` for Docker Hub. */
  registry: string;
  /** `team/gadget`; absent if the account of the registry as a whole is asked for. */
  repository?: string;
}

/** An account: a name with a password, or one of the two kinds of token. */
export interface PluginCredential {
  username?: string;
  password?: string;
  /** An OAuth2 refresh token, exchanged at the registry's token service. */
  identityToken?: string;
  /** A bearer token, sent as it is. */
  registryToken?: string;
}

/** What `credentials.get` answers. */
export interface CredentialAnswer {
  credential?: PluginCredential;
}

/** What `credentials.store` is asked. */
export interface CredentialStoreRequest extends CredentialRequest {
  credential: PluginCredential;
}

/** A hook that lets an image pass or refuses it. */
export type TransferHook = Hook<TransferRequest, TransferAnswer>;

/** An image on its way. */
export interface TransferRequest {
  /** The full name: `registry/repository[:tag][@digest]`. */
  reference: string;
  registry: string;
  repository: string;
  /** Absent where the name has a digest: the tag beside it decides nothing. */
  tag?: string;
  /** The manifest that the name stands for. */
  subject: PluginDescriptor;
  /** Absolute path of the local store, an OCI image layout. */
  store: string;
  /** For `beforeExport` and `afterImport`: path of the archive, `-` for a stream. */
  archive?: string;
}

/** Whether an image may pass. The user sees the reason of a refusal, and the exit status is 5. */
export type TransferAnswer = { allow: true } | { allow: false; reason: string };

/** A content descriptor (image-spec 1.1, "OCI Content Descriptors"). */
export interface PluginDescriptor {
  mediaType: string;
  /** `sha256:<hex>` */
  digest: string;
  /** Bytes. */
  size: number;
}

/** What `sign` is asked. */
export interface SignRequest {
  /** The full name of the image. */
  reference: string;
  /** What is to be signed. */
  subject: PluginDescriptor;
  /**
   * The key. For a plugin that the user named (`--key plugin:NAME:WORDS`) the words, for it to understand; a built-in plugin gets
   * the text of the key itself, PEM.
   */
  key?: string;
  /** What the key is encrypted by. Only ever given to built-in plugins. */
  password?: string;
  /** The certificates of the key, PEM, its own as the first one. */
  certificateChain?: string;
  /** How the signature is to be written and tied to the image, where a plugin knows several ways. Default: the plugin's own. */
  format?: "bundle" | "oci-1.1" | "legacy" | "jws";
  /** Claims to put into the signature. */
  annotations: { readonly [name: string]: string };
  /** When it is signed, in seconds since 1970: `SOURCE_DATE_EPOCH`, or now. */
  time: number;
}

/** What `sign` answers. */
export interface SignAnswer {
  /** Attached to the subject by satchel. */
  artifacts: readonly Artifact[];
}

/** Something to attach to an image: an OCI artifact manifest is made of it, whose `subject` is the image. */
export interface Artifact {
  artifactType: string;
  layers: readonly ArtifactLayer[];
  /** The config. Default: the empty one of image-spec 1.1. */
  config?: ArtifactLayer;
  annotations?: { readonly [name: string]: string };
  /** Tied to the image by this tag (`sha256-<hex>.sig`) instead of its `subject`, as older tools want it. */
  tag?: string;
}

/** Content of an {@link Artifact}. */
export interface ArtifactLayer {
  mediaType: string;
  /** base64 */
  data: string;
  annotations?: { readonly [name: string]: string };
}

/** What `verify` is asked. */
export interface VerifyRequest {
  /** The full name of the image. */
  reference: string;
  /** What must have been signed. */
  subject: PluginDescriptor;
  /** The subject itself, base64, its digest checked; absent where nothing refers to it. */
  manifest?: string;
  /** Everything that refers to the subject. */
  artifacts: readonly AttachedArtifact[];
  /** What is trusted, as the user or the policy says. A plugin that finds nothing here for itself answers `none`. */
  trust: VerifyTrust;
}

/** Whose signatures are good. All of it are texts: files were read by then. */
export interface VerifyTrust {
  /** Public keys, PEM; one that fits is enough. */
  publicKeys?: readonly string[];
  /** Whom a certificate has to be for; one that fits is enough. */
  identities?: readonly CertificateIdentity[];
  /** Sigstore's trusted root, JSON. */
  trustedRoot?: string;
  /** Certificates that notation's trust store has, PEM. */
  notationCertificates?: readonly string[];
  /** Certificates that its trust store of timestamp authorities has (`tsa:NAME`), PEM. */
  notationTimestampCertificates?: readonly string[];
  /** notation's trust policy, JSON. */
  notationPolicy?: string;
  /** Claims that a signature must have. */
  annotations?: { readonly [name: string]: string };
  /** Whether the name that was signed must be that of the image. */
  checkName?: boolean;
}

/** Whom a certificate is for: texts to the letter, or regular expressions for the whole of it. */
export interface CertificateIdentity {
  subject?: string;
  subjectRegExp?: string;
  issuer?: string;
  issuerRegExp?: string;
}

/** Something that refers to an image, with its content. Digests were checked. */
export interface AttachedArtifact {
  descriptor: PluginDescriptor;
  artifactType: string;
  /** The tag that ties it to the image (`sha256-<hex>.sig`), where that is not its `subject`. */
  tag?: string;
  /** The manifest, base64. */
  manifest: string;
  /** `data` is base64, and absent where the content is larger than 1 MiB: no signature is. */
  layers: readonly { descriptor: PluginDescriptor; data?: string }[];
}

/** What `verify` answers. */
export interface VerifyAnswer {
  /** `none`: there is no signature of a kind that this plugin knows. `rejected`: there are, and none of them is good. */
  verdict: "verified" | "rejected" | "none";
  /** By what, or why not; shown to the user. */
  reason: string;
  /** What was looked at and found, a member for each signature, for `-o json`: see {@link SignatureEvidence}. */
  evidence: readonly Json[];
}

/** What satchel shows of a member of {@link VerifyAnswer.evidence}, where it has these members; it may have any others. */
export interface SignatureEvidence {
  /** The manifest that has the signature. */
  digest: string;
  /** `cosign bundle`, `notation JWS`. */
  format: string;
  isGood: boolean;
  /** By whom, or why it is not good. */
  reason: string;
}

/** A subcommand: `satchel PLUGIN NAME`. Flags of satchel itself stand before `PLUGIN`, those of the command behind it. */
export interface PluginCommand {
  /** `[a-z][a-z0-9-]*` */
  name: string;
  /** One line, for the list of commands. */
  summary: string;
  /** What its help starts with, instead of `summary`. */
  description?: string;
  /** Its arguments. Default: none. */
  arguments?: PluginArguments;
  flags?: readonly PluginFlag[];
  /** Does the work; returns the exit status, 0 if it returns nothing. There is no time limit. */
  run(invocation: PluginInvocation, context: CommandContext): number | void | Promise<number | void>;
}

/** The arguments that a {@link PluginCommand} takes. */
export interface PluginArguments {
  /** For the usage line: `REGISTRY [FILE...]`. */
  usage: string;
  min: number;
  /** `null` is without end. */
  max: number | null;
}

/** A flag of a {@link PluginCommand}. */
export interface PluginFlag {
  /** Without the dashes; `help` is taken. */
  name: string;
  /** Its short form; `h` is taken. */
  letter?: string;
  /** `strings` is a list: commas and repeats add up. */
  type: "bool" | "string" | "strings";
  /** One line. */
  summary: string;
}

/** One call of a {@link PluginCommand}. */
export interface PluginInvocation {
  arguments: readonly string[];
  /** By long name; only those that were given. */
  flags: { readonly [name: string]: boolean | string | readonly string[] };
}

/**
 * What an executable answers to `--satchel-manifest`, as JSON on stdout.
 *
 * It is told by the environment who asks: `SATCHEL_CONTRACT` (1), `SATCHEL_VERSION`, and `SATCHEL_HOOKS`, the hooks that this version
 * knows, separated by commas, so that it can leave out of its answer what would be refused.
 *
 * Each hook is called as `satchel-NAME --satchel-hook HOOK`, with a {@link HookCall} on stdin; the answer is expected on
 * stdout and what it writes to stderr is shown. For the hooks of transfers, what a script needs is in the environment as well:
 * `SATCHEL_REFERENCE`, `SATCHEL_REGISTRY`, `SATCHEL_REPOSITORY`, `SATCHEL_TAG` (empty where the request has none), `SATCHEL_DIGEST`
 * and `SATCHEL_STORE`.
 */
export interface ExecutableManifest {
  contract: ContractVersion;
  name: string;
  description?: string;
  version?: string;
  hooks: readonly HookName[];
}

/** The hooks, by the names that executables know them by. */
export type HookName =
  | "credentials.get"
  | "credentials.store"
  | "credentials.erase"
  | "credentials.list"
  | TransferHookName
  | "sign"
  | "verify";

/** The hooks that let an image pass or refuse it. */
export type TransferHookName =
  | "beforePull"
  | "afterPull"
  | "beforePush"
  | "afterPush"
  | "beforeExport"
  | "afterImport";

/** What an executable reads from stdin. */
export interface HookCall {
  contract: ContractVersion;
  /** The version of satchel. */
  version: string;
  hook: HookName;
  /** How long satchel waits for the answer, in milliseconds. */
  timeout: number;
  /** What the configuration file says under `settings` of this plugin. */
  settings: { readonly [key: string]: Json };
  /** The request of the hook, as modules get it. */
  request: Json;
}
