import { createPrivateKey, X509Certificate } from "node:crypto";
import { SatchelError, systemReason } from "../../lib/error.ts";
import { readSmallFile } from "../../lib/small_file.ts";
import type { ServeOptions } from "./options.ts";

/** The longest file that is read, in bytes: chains have some ten thousand. */
const MAX_FILE = 1024 * 1024;

const READABLE_BY_ALL = 0o004;

/**
 * Reads the certificate chain and the key of a server.
 *
 * @param warn told if others can read the key, or if the certificate's time is over
 * @returns PEM
 * @throws {SatchelError} `invalid` if they are none, or not of one another; `storage`
 */
export function readTlsFiles(
  { certificate, key }: NonNullable<ServeOptions["tls"]>,
  warn: (text: string) => void,
): { cert: string; key: string } {
  const cert = read(certificate, "certificate");
  const secret = read(key, "key", (mode) => {
    if (mode & READABLE_BY_ALL) warn(`the key ${key} can be read by every user of this host: chmod o-r it`);
  });
  const parsed = parse(() => new X509Certificate(cert), certificate, "a certificate in PEM");
  const parsedKey = parse(() => createPrivateKey(secret), key, "a key in PEM without a password");
  if (!parsed.checkPrivateKey(parsedKey)) {
    throw new SatchelError("invalid", `the key ${key} is not the one of the certificate ${certificate}`, {
      hint: "The server's own certificate has to be the first one in its file.",
    });
  }
  if (Date.parse(parsed.validTo) < Date.now()) warn(`the certificate ${certificate} is valid until ${parsed.validTo}`);
  return { cert, key: secret };
}

/**
 * The name by which clients on other hosts reach a server that listens on all addresses: one that its certificate has.
 *
 * @param cert PEM
 * @param preferred taken if the certificate has it, or has none that could be named
 */
export function nameForClients(cert: string, preferred: string): string {
  const certificate = new X509Certificate(cert);
  if (certificate.checkHost(preferred)) return preferred;
  const names = (certificate.subjectAltName ?? "").split(", ");
  const found = names.find((name) => /^DNS:[A-Za-z0-9.-]+$/.test(name)) ??
    names.find((name) => /^IP Address:[0-9A-Fa-f.:]+$/.test(name));
  return found?.replace(/^(DNS|IP Address):/, "") ?? preferred;
}

function read(path: string, what: string, onMode: (mode: number) => void = () => {}): string {
  try {
    return new TextDecoder().decode(readSmallFile(path, MAX_FILE, ({ mode }) => onMode(mode)));
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    throw new SatchelError("storage", `cannot read the ${what} ${path}: ${systemReason(cause)}`, { cause });
  }
}

function parse<T>(fn: () => T, path: string, what: string): T {
  try {
    return fn();
  } catch (cause) {
    throw new SatchelError("invalid", `${path} is not ${what}`, { cause });
  }
}
