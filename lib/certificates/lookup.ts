import { type HostRole, SatchelError } from "../error.ts";
import { printable } from "../printable.ts";
import { tlsFromCaFile, type TlsLookup, type TlsOptions } from "../runtime/mod.ts";
import {
  type CertificateFolder,
  distrustOfFiles,
  distrustOfFolder,
  listCertificateFolder,
  readCertificateFiles,
} from "./folder.ts";
import { type CertificatePlace, described, findCertificateFolder } from "./places.ts";

/** The host that a user named, and what is for it and no other host. */
export interface NamedHost {
  /** As in its URL: `registry-1.docker.io`, `localhost:5000`. */
  host: string;
  /** A folder of certificates, instead of the one that is found by the host's name. */
  folder?: string;
  /** It may show any certificate. */
  unverified?: boolean;
}

/** What certificates are used for whom. */
export interface CertificateOptions {
  named: NamedHost;
  /** Where folders of certificates are looked for, by the names of hosts, such as {@link SYSTEM_PLACES}. */
  places: readonly CertificatePlace[];
  /** The file that `SSL_CERT_FILE` names: authorities for all hosts. */
  caFile?: string;
  /** Whether requests go through a proxy that is itself spoken to by TLS: it would get the options that are for a host. */
  proxiedByTls?: boolean;
  /** Told, once each, of keys that everybody can read, folders that others could have changed, and of a check that is switched off. */
  onWarning: (message: string) => void;
}

/**
 * How the client of one registry or mirror makes connections.
 *
 * @param origin where that registry or mirror is
 */
export type ClientCertificates = (origin: URL) => TlsLookup;

/**
 * How TLS connections are made, for each host by itself: a token service, a mirror or a redirect's target gets what is meant for
 * it. But a client certificate is shown only to the origin of the registry or mirror that a client was made for. Any other
 * host was named by that registry alone, and a hostile one could name a host where the certificate opens doors: its token
 * service would give the registry a token of the user's, and uploads would go where the user never sent any.
 *
 * @returns a lookup for each client; it throws `usage` errors, which name the file, for certificates that cannot be used, and
 *   `refused` where they would be shown to a proxy
 * @throws {SatchelError} `usage` if the folder that was named cannot be used, also if no connection is made by TLS
 */
export function certificateLookup({ onWarning, ...others }: CertificateOptions): ClientCertificates {
  const options = { ...others, onWarning: onceEach(onWarning) };
  const { named, places } = options;
  const namedFolder = named.folder === undefined ? undefined : readNamed(named.folder, options.onWarning);
  const folders = new Map<string, CertificateFolder | undefined>();

  function folderOf(url: URL): CertificateFolder | undefined {
    if (namedFolder && isAt(url, named)) return namedFolder;
    if (!folders.has(url.host)) folders.set(url.host, findFolder(url));
    return folders.get(url.host);
  }

  function findFolder(url: URL): CertificateFolder | undefined {
    const files = findCertificateFolder(url, places, options.onWarning);
    return files && readCertificateFiles(files, options.onWarning);
  }

  return (origin) => {
    const known = new Map<string, TlsOptions | undefined>();
    return (url) => {
      if (!known.has(url.origin)) {
        const folder = folderOf(url);
        const shown = url.origin === origin.origin ? folder : withoutClient(folder);
        known.set(url.origin, optionsFor(url, shown, options));
      }
      return known.get(url.origin);
    };
  };
}

/** Reads a folder that somebody asked for: where others could have changed it, that is told and no more. */
function readNamed(path: string, onWarning: (message: string) => void): CertificateFolder {
  const files = listCertificateFolder(path);
  const folder = readCertificateFiles(files, onWarning);
  const distrust = distrustOfFolder(path) ?? distrustOfFiles(files);
  if (distrust) {
    onWarning(`Others can change the certificates in ${printable(path, 1000)}: ${described(path, distrust)}`);
  }
  return folder;
}

function withoutClient(folder: CertificateFolder | undefined): CertificateFolder | undefined {
  return folder && { authorities: folder.authorities };
}

function onceEach(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (!told.has(message)) tell(message);
    told.add(message);
  };
}

function optionsFor(
  url: URL,
  folder: CertificateFolder | undefined,
  { named, caFile, proxiedByTls, onWarning }: CertificateOptions,
): TlsOptions | undefined {
  const general = caFile === undefined ? undefined : tlsFromCaFile(caFile);
  const isNamed = isAt(url, named);
  const unverified = isNamed && named.unverified === true;
  if (proxiedByTls && (folder?.client || unverified)) throw proxyWouldGetIt(url, isNamed ? "registry" : "other");
  if (unverified) {
    onWarning(`The certificate of ${url.host} is not checked: whoever is in between can read and change everything`);
  }
  const options: TlsOptions = {};
  const authorities = [...general?.authorities ?? [], ...folder?.authorities ?? []];
  if (authorities.length > 0) options.authorities = authorities;
  if (folder?.client) options.client = folder.client;
  if (unverified) options.unverified = true;
  return Object.keys(options).length > 0 ? options : undefined;
}

/** Both runtimes have one set of options for a connection to a proxy by TLS and for what goes through it. */
function proxyWouldGetIt({ host }: URL, role: HostRole): SatchelError {
  const message = `HTTPS_PROXY names a proxy that speaks TLS: it would get the TLS options that are for ${host} alone`;
  return new SatchelError("refused", message, { obstacle: { reason: "proxy-by-tls", role, host } });
}

/** Whether a URL leads to the named host, at whatever default the port is. */
function isAt(url: URL, { host }: NamedHost): boolean {
  const address = `https://${host}/`;
  return URL.canParse(address) && new URL(address).host === url.host;
}
