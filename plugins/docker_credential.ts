/**
 * Accounts kept by Docker's credential helpers: programs `docker-credential-NAME` on PATH, for the keychains of systems, for
 * `pass`, for the registries of clouds. The protocol: docs.docker.com/reference/cli/docker/login, "Credential helper protocol".
 *
 * Settings: `helper: NAME`, and `registries: [...]` if the helper is to be asked about some registries alone.
 *
 * @module
 */
import type {
  CredentialAnswer,
  CredentialRequest,
  CredentialStoreRequest,
  Plugin,
  PluginContext,
  PluginCredential,
} from "../lib/plugin/contract.ts";

/** The user name that stands for: the secret is an identity token. */
const TOKEN_USER = "<token>";

/** What helpers write to stdout where they know of no account, with status 1. */
const NOT_FOUND = "credentials not found in native keychain";

/** Under which Docker keeps the account of Docker Hub, in helpers as in its file. */
const HUB_KEY = "https://index.docker.io/v1/";
const HUB = "docker.io";

/** How much of what a helper says is shown, in UTF-16 units. */
const WORDS = 300;

type Action = "get" | "store" | "erase" | "list";

const plugin: Plugin = {
  contract: 1,
  name: "docker-credential",
  description: "Accounts kept by Docker's credential helpers (docker-credential-NAME)",
  credentials: { get, store, erase, list },
};

export default plugin;

async function get({ registry }: CredentialRequest, context: PluginContext): Promise<CredentialAnswer> {
  if (!isWanted(registry, context)) return {};
  for (const key of keysOf(registry)) {
    const stdout = await call("get", key, context);
    const credential = stdout === undefined ? undefined : credentialOf(stdout, programOf(context));
    if (credential) return { credential };
  }
  return {};
}

async function store(
  { registry, repository, credential }: CredentialStoreRequest,
  context: PluginContext,
): Promise<{ stored: boolean }> {
  const { username, password, identityToken } = credential;
  const secret = identityToken ?? password;
  // The protocol has no place for a registry token, nor for an account of one path of a registry.
  if (!isWanted(registry, context) || secret === undefined || repository !== undefined) return { stored: false };
  const account = {
    ServerURL: keysOf(registry)[0],
    Username: identityToken === undefined ? username : TOKEN_USER,
    Secret: secret,
  };
  await call("store", JSON.stringify(account), context, secret);
  return { stored: true };
}

async function erase(
  { registry, repository }: CredentialRequest,
  context: PluginContext,
): Promise<{ erased: boolean }> {
  if (!isWanted(registry, context) || repository !== undefined) return { erased: false };
  const kept = await listed(context);
  // Many helpers report success for what was not there, and some cannot list what is.
  const keys = keysOf(registry).filter((key, index) => kept ? kept.includes(key) : index === 0);
  let erased = false;
  for (const key of keys) erased = await call("erase", key, context) !== undefined || erased;
  return { erased };
}

async function list(_request: unknown, context: PluginContext): Promise<{ registries: string[] }> {
  const kept = objectOf(await call("list", "", context) ?? "{}");
  // What it may still keep must not pass for nothing.
  if (!kept) throw new Error(`${programOf(context)} list did not answer with the accounts that it keeps`);
  const registries = Object.keys(kept).flatMap((key) => {
    const registry = registryOf(key);
    return registry !== undefined && isWanted(registry, context) ? [registry] : [];
  });
  return { registries: [...new Set(registries)] };
}

/** The server addresses that a helper has; `undefined` if it cannot tell. */
async function listed(context: PluginContext): Promise<string[] | undefined> {
  const { status, stdout } = await context.exec(programOf(context), ["list"]);
  if (status !== 0) return undefined;
  const found = objectOf(stdout);
  return found && Object.keys(found);
}

/**
 * Runs the helper.
 *
 * @param secret what must not be in an error
 * @returns what it wrote to stdout, `undefined` if it knows of no account
 */
async function call(
  action: Action,
  stdin: string,
  context: PluginContext,
  secret?: string,
): Promise<string | undefined> {
  const program = programOf(context);
  const { status, stdout, stderr } = await context.exec(program, [action], { stdin });
  if (status === 0) return stdout;
  if (stdout.trim() === NOT_FOUND) return undefined;
  // By the protocol errors are on stdout; an account that is there as well is not shown.
  const words = stdout.includes("{") ? stderr.trim() : stdout.trim() || stderr.trim();
  const safe = secret ? words.replaceAll(secret, "***").replaceAll(JSON.stringify(secret).slice(1, -1), "***") : words;
  throw new Error(`${program} ${action} ended with status ${status}${safe && `: ${safe.slice(0, WORDS)}`}`);
}

function programOf({ settings }: PluginContext): string {
  const { helper } = settings;
  // The name becomes a part of a program's name: it shall not lead into another folder.
  if (typeof helper === "string" && /^[\w][\w.-]*$/.test(helper)) return `docker-credential-${helper}`;
  throw new Error('its setting "helper" has to be the NAME of docker-credential-NAME, for example pass');
}

function isWanted(registry: string, { settings }: PluginContext): boolean {
  const { registries } = settings;
  if (registries === undefined) return true;
  if (!Array.isArray(registries)) throw new Error('its setting "registries" has to be a list of registries');
  return registries.includes(registry);
}

/**
 * The server addresses under which the account of a registry may be kept, the usual one first: Docker, oras and crane use
 * the host alone, older versions of Docker kept what the user had typed.
 */
function keysOf(registry: string): string[] {
  return registry === HUB ? [HUB_KEY, HUB] : [registry, `https://${registry}`];
}

/** The registry that an address leads to, by the rules of {@link keysOf}; others keep other things there too. */
function registryOf(key: string): string | undefined {
  if (key === HUB_KEY) return HUB;
  return /^(?:https:\/\/)?([\w.:[\]-]+)$/.exec(key)?.[1];
}

function credentialOf(stdout: string, program: string): PluginCredential | undefined {
  const { Username: username, Secret: secret } = objectOf(stdout) ?? {};
  if (typeof username !== "string" || typeof secret !== "string") {
    throw new Error(`${program} get did not answer with an account`);
  }
  if (username === "" && secret === "") return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
