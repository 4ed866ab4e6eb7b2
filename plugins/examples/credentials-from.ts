/**
 * Takes the account of some registries from a variable of the environment, or from an HTTP endpoint.
 *
 * Name it in the configuration file, with one of `variable` and `url`:
 *
 *     plugins:
 *       - path: /usr/local/lib/satchel/credentials-from.ts
 *         settings:
 *           registries: [registry.example.org]
 *           variable: REGISTRY_ACCOUNT              # its value is user:password
 *           # url: https://accounts.example.org/v1
 *
 * The endpoint is asked `GET URL?registry=HOST` and answers `{"username": ..., "password": ...}`, or 404 if it knows none.
 * It has to speak TLS, or be on this host's loopback interface.
 */
import type { CredentialAnswer, Json, Plugin, PluginContext } from "../../lib/plugin/contract.ts";

/** Milliseconds that the endpoint may take. */
const TIMEOUT = 5000;

/** Bytes that it may answer. */
const MAX_ANSWER = 64 * 1024;

const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"];

function textSetting(settings: PluginContext["settings"], name: string): string | undefined {
  const value = settings[name];
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw new Error(`settings.${name} must be a text`);
}

function isFor(registry: string, { registries }: PluginContext["settings"]): boolean {
  if (Array.isArray(registries)) return registries.includes(registry);
  throw new Error("settings.registries must be the list of the registries that this account is for");
}

function fromVariable(name: string, { environment }: PluginContext): CredentialAnswer {
  const value = environment[name];
  if (value === undefined || value === "") return {};
  const colon = value.indexOf(":");
  if (colon < 1) throw new Error(`the variable ${name} must be user:password`);
  return { credential: { username: value.slice(0, colon), password: value.slice(colon + 1) } };
}

function endpoint(text: string, registry: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.includes(url.hostname));
  if (!url || !isSafe) throw new Error("settings.url must be https, or http on the loopback interface");
  url.searchParams.set("registry", registry);
  return url;
}

async function fromEndpoint(url: URL, signal: AbortSignal): Promise<CredentialAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]);
  // A redirect could lead away from TLS, or to somebody else.
  const response = await fetch(url, { redirect: "error", signal: limit });
  if (response.status === 404) {
    await response.body?.cancel();
    return {};
  }
  if (response.status !== 200) throw new Error(`${url.host} answers with status ${response.status}`);
  return { credential: accountIn(await readText(response), url.host) };
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error("the endpoint answers with too much");
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** What the endpoint says is never part of an error: it may be a secret. */
function accountIn(text: string, host: string): { username: string; password: string } {
  const { username, password } = parsed(text, host);
  if (typeof username === "string" && typeof password === "string") return { username, password };
  throw new Error(`${host} answers without username and password`);
}

function parsed(text: string, host: string): { [key: string]: Json } {
  try {
    return { ...JSON.parse(text) };
  } catch {
    throw new Error(`${host} answers with something else than JSON`);
  }
}

const plugin: Plugin = {
  contract: 1,
  name: "credentials-from",
  description: "Takes accounts from a variable or an HTTP endpoint",
  version: "1.0.0",

  credentials: {
    async get({ registry }, context) {
      const { settings, signal } = context;
      const variable = textSetting(settings, "variable");
      const url = textSetting(settings, "url");
      if ((variable === undefined) === (url === undefined)) throw new Error("settings need one of variable and url");
      if (!isFor(registry, settings)) return {};
      if (variable !== undefined) return fromVariable(variable, context);
      return await fromEndpoint(endpoint(url!, registry), signal);
    },
  },
};

export default plugin;
