import type { CredentialSubject } from "../credential.ts";
import { canonicalRegistry } from "../oci/mod.ts";

/** Docker's key for Docker Hub, from the days of its first API. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

const DOCKER_HUB = "docker.io";

/** `host[:port][/path]`: what accounts are compared by. */
export function subjectName({ registry, repository }: CredentialSubject): string {
  return [canonicalRegistry(registry.toLowerCase()), ...(repository === undefined ? [] : [repository])].join("/");
}

/** The key under which an account is written. */
export function writtenKey(subject: CredentialSubject): string {
  const name = subjectName(subject);
  return name === DOCKER_HUB ? DOCKER_HUB_KEY : name;
}

/** {@link subjectName} of a key in any of the forms that tools write. */
export function normalizeKey(key: string): string {
  if (key === DOCKER_HUB_KEY) return DOCKER_HUB;
  const bare = key.replace(/^https?:\/\//i, "").replace(/\/+$/, "");
  const [host, ...path] = bare.split("/");
  const isApiPath = path.length === 1 && (path[0] === "v1" || path[0] === "v2");
  return [canonicalRegistry(host.toLowerCase()), ...(isApiPath ? [] : path)].join("/");
}
