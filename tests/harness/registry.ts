import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { peer } from "./peers.ts";
import { type Background, startInBackground } from "./process.ts";
import { scratchFolder } from "./scratch.ts";
import type { TokenService } from "./token_service.ts";

/** A registry program that runs on a port of its own; `await using` ends it and removes what it stored. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, or `localhost:<port>` with TLS. */
  host: string;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  url: string;
  /** Asks it for a path, `/v2/...`, or a URL that it named; with TLS its authority is trusted. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Requests that it logged so far, such as `GET /v2/demo/gadget/manifests/latest 200`, oldest first. The referrers
   * registry logs no status for those that succeeded.
   */
  requests(): string[];
  /** Waits until it has logged a request that matches, and returns it. */
  waitForRequest(pattern: RegExp): Promise<string>;
  /** The folder below which it keeps blobs and repositories; the referrers registry keeps them in memory. */
  storage: string;
  /** The environment with which a client trusts it: `SSL_CERT_FILE` with TLS, else nothing. */
  env: Record<string, string>;
}

/** How a registry of the distribution project is set up. Without anything: plain HTTP, no accounts. */
export interface RegistryOptions {
  /** Speak TLS with this certificate. */
  tls?: Certificates;
  /** Let in only who shows a certificate by the authority of `tls`. */
  wantsClientCertificate?: boolean;
  /** Accounts by HTTP Basic: lines of an htpasswd file, bcrypt. `ACCOUNT_LINE` is one. */
  htpasswd?: string;
  /** Accounts by tokens of this service (distribution v3 alone: 2.8 cannot read a key set). */
  token?: TokenService;
  /** Be a pull-through cache of the registry at this URL. */
  proxy?: string;
  /** The folder to keep blobs in. Default: one that is removed with the registry. */
  storage?: string;
  /** Log no requests, which costs the registry time; `requests` and `waitForRequest` find none then. */
  withoutAccessLog?: boolean;
}

/** Starts distribution v3. */
export function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  return startDistribution(peer("registry"), options);
}

/** Starts Debian's docker-registry, distribution 2.8. */
export function startDockerRegistry(options: RegistryOptions = {}): Promise<Registry> {
  return startDistribution(peer("docker-registry"), options);
}

/** Starts go-containerregistry's registry with the referrers API; it keeps everything in memory. */
export async function startReferrersRegistry(): Promise<Registry> {
  const server = await startInBackground(peer("referrers-registry"), [], {
    ready: (line) => /^listening on (\S+)$/.exec(line)?.[1],
  });
  return {
    ...describeServer(server, server.found, /^\d\S+ \S+ ([A-Z]+ \/\S*(?: \d{3})?)/),
    url: `http://${server.found}`,
    fetch: (path, init) => fetch(new URL(path, `http://${server.found}`), init),
    storage: "",
    env: {},
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Starts a registry program of the distribution project, 2.8 or 3. */
export async function startDistribution(program: string, options: RegistryOptions = {}): Promise<Registry> {
  const scratch = await scratchFolder();
  try {
    const storage = options.storage ?? scratch.at("storage");
    await Deno.writeTextFile(
      scratch.at("config.yml"),
      JSON.stringify(await configuration(storage, scratch.path, options)),
    );
    const server = await startInBackground(program, ["serve", scratch.at("config.yml")], {
      env: { HOME: scratch.path, OTEL_TRACES_EXPORTER: "none" },
      ready: (line) => /"listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1],
    });
    const scheme = options.tls ? "https" : "http";
    const host = `${options.tls ? "localhost" : "127.0.0.1"}:${server.found}`;
    const client = Deno.createHttpClient({
      caCerts: options.tls ? [await Deno.readTextFile(options.tls.authority)] : [],
      ...(options.tls && {
        cert: await Deno.readTextFile(options.tls.client.certificate),
        key: await Deno.readTextFile(options.tls.client.key),
      }),
    });
    return {
      ...describeServer(server, host, /"(\S+ \S+) HTTP\/[\d.]+" (\d+)/),
      url: `${scheme}://${host}`,
      fetch: (path, init) => fetch(new URL(path, `${scheme}://${host}`), { ...init, client }),
      storage,
      env: options.tls ? { SSL_CERT_FILE: options.tls.authority } : {},
      async [Symbol.asyncDispose]() {
        client.close();
        await server[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** The configuration file of distribution 2.8 and 3; JSON is YAML. */
async function configuration(storage: string, folder: string, options: RegistryOptions) {
  const { tls, htpasswd, token, proxy, withoutAccessLog = false } = options;
  if (htpasswd !== undefined) await Deno.writeTextFile(join(folder, "htpasswd"), `${htpasswd}\n`);
  if (token !== undefined) await Deno.writeTextFile(join(folder, "token.json"), token.keys);
  const clientAuthorities = tls && options.wantsClientCertificate ? { clientcas: [tls.authority] } : {};
  return {
    version: 0.1,
    log: { level: "info", formatter: "json", accesslog: { disabled: withoutAccessLog } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    ...(proxy !== undefined && { proxy: { remoteurl: proxy } }),
    http: {
      addr: "127.0.0.1:0",
      secret: crypto.randomUUID(),
      ...(tls && { tls: { certificate: tls.certificate, key: tls.key, ...clientAuthorities } }),
    },
    ...((htpasswd !== undefined || token !== undefined) && {
      auth: {
        ...(htpasswd !== undefined && { htpasswd: { realm: "test", path: join(folder, "htpasswd") } }),
        ...(token !== undefined && {
          token: {
            realm: token.realm,
            service: token.service,
            issuer: token.issuer,
            jwks: join(folder, "token.json"),
          },
        }),
      },
    }),
  };
}

function describeServer(server: Background<string>, host: string, access: RegExp) {
  const request = (line: string) => access.exec(line)?.slice(1).join(" ");
  return {
    host,
    requests: () => server.lines.map(request).filter((line) => line !== undefined),
    waitForRequest: (pattern: RegExp) =>
      server.waitFor((line) => {
        const found = request(line);
        return found !== undefined && pattern.test(found) ? found : undefined;
      }),
  };
}
