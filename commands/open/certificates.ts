import { findCertificateFolder, readCertificateFolder } from "../../lib/certificates/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { registryHost } from "../../lib/oci/mod.ts";
import { tlsFromCaFile, type TlsLookup, type TlsOptions } from "../../lib/runtime/mod.ts";
import type { Settings } from "../settings/settings.ts";

/** What TLS connections depend on. */
export type TlsSettings = Pick<Settings, "caFile" | "certDir" | "certPlaces" | "tlsVerify" | "proxiedByTls">;

/**
 * How TLS connections are made, for each host by itself: a token service, a mirror or a redirect's target gets what is meant for
 * it. `--cert-dir` and `--tls-verify` are for the registry that the command names and for no other host.
 *
 * @param registry the registry of the command line, also where one of its mirrors is opened
 * @param warn told of keys that everybody can read, and of a check that is switched off; once for each host
 * @returns a lookup that throws `usage` errors, which name the file, for certificates that cannot be used, and `refused` where
 *   they would be shown to a proxy
 */
export function tlsFor(settings: TlsSettings, registry: string, warn: (message: string) => void): TlsLookup {
  const known = new Map<string, TlsOptions | undefined>();
  return (url) => {
    if (!known.has(url.host)) known.set(url.host, optionsFor(url, isAt(url, registry), settings, warn));
    return known.get(url.host);
  };
}

function optionsFor(
  url: URL,
  isNamed: boolean,
  { caFile, certDir, certPlaces, tlsVerify, proxiedByTls }: TlsSettings,
  warn: (message: string) => void,
): TlsOptions | undefined {
  const general = caFile === undefined ? undefined : tlsFromCaFile(caFile);
  const path = isNamed && certDir !== undefined ? certDir : findCertificateFolder(url, certPlaces);
  const folder = path === undefined ? undefined : readCertificateFolder(path, warn);
  const unverified = isNamed && !tlsVerify;
  if (proxiedByTls && (folder?.client || unverified)) throw proxyWouldGetIt(url);
  if (unverified) {
    warn(`The certificate of ${url.host} is not checked: whoever is in between can read and change everything`);
  }
  const options: TlsOptions = {};
  const authorities = [...general?.authorities ?? [], ...folder?.authorities ?? []];
  if (authorities.length > 0) options.authorities = authorities;
  if (folder?.client) options.client = folder.client;
  if (unverified) options.unverified = true;
  return Object.keys(options).length > 0 ? options : undefined;
}

/** Both runtimes have one set of options for a connection to a proxy by TLS and for what goes through it. */
function proxyWouldGetIt({ host }: URL): SatchelError {
  const message = `HTTPS_PROXY names a proxy that speaks TLS: it would get the TLS options that are for ${host} alone`;
  return new SatchelError("refused", message, {
    hint:
      "Connect without that proxy, or by a proxy with http:// in its address; or do without --tls-verify=false and without " +
      "a client certificate.",
  });
}

function isAt(url: URL, registry: string): boolean {
  const address = `https://${registryHost(registry)}/`;
  return URL.canParse(address) && new URL(address).host === url.host;
}
