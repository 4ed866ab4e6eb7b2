import { statSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemCode, systemReason } from "../error.ts";

/** Where all users' tools look, the first one first (containers-certs.d(5), Docker's "Verify repository client with certificates"). */
export const SYSTEM_PLACES: readonly string[] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

const HTTPS_PORT = 443;

/** What a host name, an IP address in its brackets, and a port are made of: nothing that could lead to another folder. */
const FOLDER_NAME = /^[\w.:[\]-]+$/;

/**
 * The names that the folder of a URL's host may have, in the order in which they are looked for: with the port, and without
 * it where that is 443. Certificates for one port are not those of another.
 */
export function folderNames(url: URL): string[] {
  const { host, hostname, port } = url;
  const names = port === "" ? [`${hostname}:${HTTPS_PORT}`, hostname] : [host];
  return names.filter((name) => FOLDER_NAME.test(name) && name !== "." && name !== "..");
}

/**
 * Finds the folder of certificates for a URL's host: the first that exists.
 *
 * @param places folders such as {@link SYSTEM_PLACES}
 * @throws {SatchelError} `usage` if what is there is no folder, or cannot be looked at
 */
export function findCertificateFolder(url: URL, places: readonly string[]): string | undefined {
  return places.flatMap((place) => folderNames(url).map((name) => join(place, name))).find(isFolder);
}

function isFolder(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return false;
    throw new SatchelError("usage", `cannot look for the certificates in ${path}: ${systemReason(cause)}`, { cause });
  }
  throw new SatchelError("usage", `${path} is not a folder of certificates`);
}
