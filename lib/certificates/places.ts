import { statSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemCode, systemReason } from "../error.ts";
import { printable } from "../printable.ts";
import type { Distrust } from "../trust/mod.ts";
import { type CertificateFiles, distrustOfFiles, distrustOfFolder, listCertificateFolder } from "./folder.ts";

/** Where folders of certificates are looked for, by the names of hosts. */
export interface CertificatePlace {
  path: string;
  /**
   * Whose it is. The user's may be somebody else's, where HOME is (`sudo` may leave it): a folder there that others could have
   * changed is passed over. In the host's it is an error, since somebody has to mend it.
   */
  of: "user" | "host";
}

/** Where all users' tools look, the first one first (containers-certs.d(5), Docker's "Verify repository client with certificates"). */
export const SYSTEM_PLACES: readonly CertificatePlace[] = [
  { path: "/etc/containers/certs.d", of: "host" },
  { path: "/etc/docker/certs.d", of: "host" },
];

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
 * Finds the folder of certificates for a URL's host: the first that exists and that nobody but root and this user could have
 * changed. Whoever can put an authority there can stand between this user and the host.
 *
 * @param places folders such as {@link SYSTEM_PLACES}
 * @param onWarning told of a folder that is passed over
 * @throws {SatchelError} `usage` if what is there is no folder, or cannot be looked at; `refused` for one of the host that
 *   others could have changed
 */
export function findCertificateFolder(
  url: URL,
  places: readonly CertificatePlace[],
  onWarning: (message: string) => void,
): CertificateFiles | undefined {
  const names = folderNames(url);
  const candidates = places.flatMap((place) => names.map((name) => ({ path: join(place.path, name), of: place.of })));
  for (const candidate of candidates) {
    const found = listIfTrusted(candidate, onWarning);
    if (found) return found;
  }
  return undefined;
}

function listIfTrusted(
  { path, of }: CertificatePlace,
  onWarning: (message: string) => void,
): CertificateFiles | undefined {
  const passOver = (reason: string) => {
    onWarning(`passed over the certificates in ${printable(path, 1000)}: ${reason}`);
    return undefined;
  };
  const judge = (distrust: Distrust | undefined) => {
    if (distrust && of === "host") throw untrusted(path, distrust);
    return distrust && described(path, distrust);
  };
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
    if (code === "EACCES" && of === "user") return passOver("permission denied");
    throw new SatchelError("usage", `cannot look for the certificates in ${path}: ${systemReason(cause)}`, { cause });
  }
  // First of all: of what is somebody else's, not even that it is broken matters.
  const problem = judge(distrustOfFolder(path));
  if (problem !== undefined) return passOver(problem);
  if (!isFolder) throw new SatchelError("usage", `${path} is not a folder of certificates`);
  const files = listCertificateFolder(path);
  const fileProblem = judge(distrustOfFiles(files));
  return fileProblem === undefined ? files : passOver(fileProblem);
}

function untrusted(path: string, distrust: Distrust): SatchelError {
  const message = `the certificates in ${printable(path, 1000)} are not taken: ${described(path, distrust)}`;
  return new SatchelError("refused", message, {
    hint: `An authority there is believed. If all is as it should be: ${distrust.fix}`,
  });
}

/** What is wrong with a folder of certificates, as a clause: `/home/bob belongs to the user bob`. */
export function described(path: string, { at, text }: Distrust): string {
  return `${at === path ? "it" : printable(at, 1000)} ${text}`;
}
