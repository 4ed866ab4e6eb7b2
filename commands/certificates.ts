import { findCertificateFolder, readCertificateFolder } from "../lib/certificates/mod.ts";
import { registryHost } from "../lib/oci/mod.ts";
import { tlsFromCaFile, type TlsLookup, type TlsOptions } from "../lib/runtime/mod.ts";
import type { Settings } from "./settings.ts";

/** What TLS connections depend on. */
export type TlsSettings = Pick<Settings, "caFile" | "certDir" | "certPlaces" | "tlsVerify">;

/**
 * How TLS connections are made, for each host by itself: a token service, a mirror or a redirect's target gets what is meant for
 * it. `--cert-dir` and `--tls-verify` are for the registry that the command names and for no other host.
 *
 * @param registry the registry of the command line, also where one of its mirrors is opened
 * @param warn told of keys that everybody can read, and of a check that is switched off; once for each host
 * @returns a lookup that throws `usage` errors, which name the file, for certificates that cannot be used
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
  { caFile, certDir, certPlaces, tlsVerify }: TlsSettings,
  warn: (message: string) => void,
): TlsOptions | undefined {
  const general = caFile === undefined ? undefined : tlsFromCaFile(caFile);
  const path = isNamed && certDir !== undefined ? certDir : findCertificateFolder(url, certPlaces);
  const folder = path === undefined ? undefined : readCertificateFolder(path, warn);
  const unverified = isNamed && !tlsVerify;
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

function isAt(url: URL, registry: string): boolean {
  const address = `https://${registryHost(registry)}/`;
  return URL.canParse(address) && new URL(address).host === url.host;
}
