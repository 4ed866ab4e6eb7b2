import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasCode, SatchelError, systemCode, systemReason } from "../error.ts";
import { printable } from "../printable.ts";
import { checkCertificate, type ClientCertificate, isKeyOf } from "../runtime/mod.ts";
import { readSmallFile } from "../small_file.ts";
import { type Distrust, distrustOf } from "../trust/mod.ts";

/** What a folder of certificates holds. */
export interface CertificateFolder {
  /** Certificates of authorities, PEM, one each. */
  authorities: readonly string[];
  client?: ClientCertificate;
}

/** The longest file, in bytes. A bundle of all public authorities has 220 KB. */
const MAX_FILE = 1024 * 1024;

/** The most files that count. */
const MAX_FILES = 200;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Others than the owner and the group may read it. */
const READABLE_BY_OTHERS = 0o004;

/** The files of a folder of certificates that count. */
export interface CertificateFiles {
  folder: string;
  /** In their order. */
  names: readonly string[];
}

/**
 * Reads a folder of certificates, as containers-certs.d(5) and Docker have them: each `*.crt` holds authorities, `X.cert` and
 * `X.key` are a client certificate and its key. Of several such pairs the first by name counts. Other files are passed over.
 *
 * @param onWarning told of a key that everybody can read
 * @throws {SatchelError} `usage` for a file that cannot be read, is larger than 1 MiB or no PEM, and for half a pair; it names
 *   the file
 */
export function readCertificateFolder(path: string, onWarning: (message: string) => void): CertificateFolder {
  return readCertificateFiles(listCertificateFolder(path), onWarning);
}

/**
 * As {@link readCertificateFolder}, of the files that were listed before and no others.
 *
 * @throws {SatchelError} as {@link readCertificateFolder}
 */
export function readCertificateFiles(
  { folder, names }: CertificateFiles,
  onWarning: (message: string) => void,
): CertificateFolder {
  const authorities = names.filter((name) => name.endsWith(".crt"))
    .flatMap((name) => readCertificates(join(folder, name)));
  const pairs = pairNames(folder, names);
  return pairs.length === 0 ? { authorities } : { authorities, client: readPair(folder, pairs[0], onWarning) };
}

/**
 * Lists the files of a folder that count.
 *
 * @throws {SatchelError} `usage` if it cannot be read, or has more than 200
 */
export function listCertificateFolder(path: string): CertificateFiles {
  return { folder: path, names: namesIn(path) };
}

/**
 * Tells why somebody else than root and this user could have put something else in the place of a folder of certificates. It may be
 * sticky, as a volume of secrets is: the files are looked at by {@link distrustOfFiles}.
 *
 * @returns `undefined` if nobody could; also for what cannot be looked at, which reading tells of
 */
export function distrustOfFolder(path: string): Distrust | undefined {
  try {
    return distrustOf(path, { maySitInSticky: true });
  } catch (error) {
    if (hasCode(error, "not-found") || hasCode(error, "storage")) return undefined;
    throw error;
  }
}

/** As {@link distrustOfFolder}, for its files: the first that somebody else could have changed. */
export function distrustOfFiles({ folder, names }: CertificateFiles): Distrust | undefined {
  for (const name of names) {
    const distrust = distrustOfFolder(join(folder, name));
    if (distrust) return distrust;
  }
  return undefined;
}

function namesIn(path: string): string[] {
  let all: string[];
  try {
    all = readdirSync(path);
  } catch (cause) {
    const reason = systemCode(cause) === "ENOTDIR" ? "it is not a folder" : systemReason(cause);
    throw new SatchelError("usage", `cannot read the folder of certificates ${shown(path)}: ${reason}`, { cause });
  }
  const names = all.filter((name) => /\.(?:crt|cert|key)$/.test(name)).sort();
  if (names.length <= MAX_FILES) return names;
  throw new SatchelError("usage", `${shown(path)} holds more than ${MAX_FILES} certificates and keys`);
}

/** The names of pairs, without their endings. */
function pairNames(path: string, names: readonly string[]): string[] {
  const present = new Set(names);
  for (const name of names) {
    const [, stem, ending] = /^(.*)\.(cert|key)$/s.exec(name) ?? [];
    if (stem === undefined) continue;
    const partner = `${stem}.${ending === "cert" ? "key" : "cert"}`;
    if (present.has(partner)) continue;
    const hint = ending === "cert" ? "An authority's certificate has to be named *.crt." : undefined;
    throw new SatchelError("usage", `${shown(join(path, name))} has no ${shown(partner)} beside it`, { hint });
  }
  return names.filter((name) => name.endsWith(".cert")).map((name) => name.slice(0, -".cert".length));
}

function readPair(path: string, stem: string, onWarning: (message: string) => void): ClientCertificate {
  const source = join(path, `${stem}.cert`);
  const keyPath = join(path, `${stem}.key`);
  const chain = readCertificates(source);
  const key = readText(keyPath);
  if (isReadableByOthers(keyPath)) {
    onWarning(`Every user of this host can read the key ${shown(keyPath)}; chmod 600 ends that`);
  }
  checkPair(chain[0], key, { source, keyPath });
  return { certificate: `${chain.join("\n")}\n`, key, source };
}

function checkPair(certificate: string, key: string, { source, keyPath }: { source: string; keyPath: string }): void {
  let fits: boolean;
  try {
    fits = isKeyOf(key, certificate);
  } catch (cause) {
    const isEncrypted = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key);
    throw new SatchelError("usage", `${shown(keyPath)} is not a private key in PEM form that can be used`, {
      hint: isEncrypted ? "It is encrypted; `openssl pkey -in FILE` writes it without a passphrase." : undefined,
      cause,
    });
  }
  if (!fits) throw new SatchelError("usage", `the key ${shown(keyPath)} does not belong to ${shown(source)}`);
}

/** The certificates of a PEM file, at least one. */
function readCertificates(path: string): string[] {
  const found = readText(path).match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new SatchelError("usage", `${shown(path)} holds no certificate in PEM form`);
  for (const certificate of found) {
    try {
      checkCertificate(certificate);
    } catch (cause) {
      throw new SatchelError("usage", `${shown(path)} holds a certificate that cannot be read`, { cause });
    }
  }
  return found;
}

function readText(path: string): string {
  try {
    return new TextDecoder().decode(readSmallFile(path, MAX_FILE));
  } catch (cause) {
    throw new SatchelError("usage", `cannot read the certificates of ${shown(path)}: ${systemReason(cause)}`, {
      cause,
    });
  }
}

function isReadableByOthers(path: string): boolean {
  return (statSync(path).mode & READABLE_BY_OTHERS) !== 0;
}

function shown(path: string): string {
  return printable(path, 1000);
}
