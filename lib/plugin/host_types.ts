import type { CredentialSource } from "../credential.ts";
import type { SatchelError } from "../error.ts";
import type {
  HookName,
  Json,
  Plugin,
  PluginInvocation,
  SignAnswer,
  SignRequest,
  TransferHookName,
  TransferRequest,
  VerifyAnswer,
  VerifyRequest,
} from "./contract.ts";

/** A plugin that somebody named. */
export interface PluginLocation {
  /** Path of a module or an executable, or `builtin:NAME`. */
  path: string;
  /** What the plugin gets as its settings. */
  settings?: { readonly [key: string]: Json };
  /** Who named it, for messages: `--plugin`, `SATCHEL_PLUGINS`, `/etc/satchel/config.yaml:4:5`. */
  from: string;
  /** How long each of its hooks may take, in milliseconds. Default: what {@link PluginOptions} say. */
  timeout?: number;
}

/** Options of `openPlugins`. */
export interface PluginOptions {
  /** In the order in which they are asked. */
  named: readonly PluginLocation[];
  /** Absolute paths of folders whose plugins are asked after these, where they exist. */
  folders: readonly string[];
  /** The plugins that `builtin:NAME` stands for. */
  builtin: { readonly [name: string]: () => Promise<Plugin> };
  /** The variables that plugins get. */
  environment: { readonly [name: string]: string | undefined };
  /** The version of satchel. */
  version: string;
  /** Ends every hook with a `cancelled` error. */
  signal: AbortSignal;
  /** Shows a line that a plugin logs, behind its name. */
  onLog: (plugin: string, text: string) => void;
  /** Writes what a command of a plugin prints. */
  onPrint: (text: string) => void;
  /** Told of what was passed over. */
  onWarning: (message: string) => void;
  /**
   * How long a hook may take, in milliseconds. Default: 30,000, and 120,000 for those of credentials, which may have to ask
   * somebody.
   */
  timeout?: number;
  /** How long a plugin may take to say what it is, in milliseconds. Default: 5,000. */
  loadTimeout?: number;
}

/** A plugin that was found. */
export interface FoundPlugin {
  /** By its own word; if it could not be loaded, by its file's name. */
  name: string;
  form: "module" | "executable" | "builtin";
  /** Absolute, or `builtin:NAME`. */
  path: string;
  /** Who named it; the folder that it was found in. */
  from: string;
  contract?: number;
  description?: string;
  version?: string;
  hooks: readonly HookName[];
  /** Its own subcommands, as a module declares them. */
  commands: readonly PluginCommandInfo[];
  /** Why it cannot be used. */
  failure?: SatchelError;
}

/** A subcommand of a plugin, without the code. */
export interface PluginCommandInfo {
  name: string;
  summary: string;
  description?: string;
  /** `usage` is empty if there are none; `max` may be infinite. */
  arguments: { usage: string; min: number; max: number };
  flags: readonly PluginFlagInfo[];
}

/** A flag of a subcommand. */
export interface PluginFlagInfo {
  name: string;
  letter?: string;
  type: "bool" | "string" | "strings";
  summary: string;
}

/** The verdict of one plugin. */
export interface PluginVerdict extends VerifyAnswer {
  plugin: string;
}

/** All plugins, and the way to call them. Disposing ends what still runs of them. */
export interface PluginHost extends AsyncDisposable {
  readonly plugins: readonly FoundPlugin[];

  /**
   * The plugins that keep accounts, in the order in which they are to be asked. One that could not be loaded may be such a
   * plugin, so it is among them, and whatever it is asked fails with `plugin`.
   */
  credentialSources(): CredentialSource[];

  /**
   * Makes a source of one more plugin's `credentials` hooks: of a built-in one, with settings of its own.
   *
   * @param name what the source is called
   */
  credentialSource(location: PluginLocation, name: string): CredentialSource;

  /**
   * Asks every plugin that has this hook, in their order.
   *
   * @throws {SatchelError} `refused` if one refuses or fails to answer, or could not be loaded
   */
  check(hook: TransferHookName, request: TransferRequest): Promise<void>;

  /**
   * Has a plugin sign.
   *
   * @throws {SatchelError} `not-found` if there is no such plugin, `plugin` if it fails
   */
  sign(plugin: string, request: SignRequest): Promise<SignAnswer>;

  /**
   * Asks every plugin that judges signatures. The verdict of one that fails to answer, or could not be loaded, is `rejected`,
   * with the failure as its reason.
   */
  verify(request: VerifyRequest): Promise<PluginVerdict[]>;

  /**
   * Calls one hook and returns its answer, checked against the contract.
   *
   * @throws {SatchelError} `plugin`, which names plugin, hook and file
   */
  call(plugin: FoundPlugin, hook: HookName, request: Json): Promise<Json>;

  /**
   * Runs a subcommand of a module.
   *
   * @returns its exit status
   * @throws {SatchelError} `plugin`
   */
  runCommand(plugin: FoundPlugin, command: string, invocation: PluginInvocation): Promise<number>;
}
