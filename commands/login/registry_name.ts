import type { CredentialSubject } from "../../lib/credential.ts";
import { SatchelError } from "../../lib/error.ts";
import { canonicalRegistry, isRegistry, isRepository } from "../../lib/oci/mod.ts";

/**
 * Reads what login and logout are about: `host[:port]` or `host[:port]/path`, also as `https://host/`.
 *
 * @throws {SatchelError} `usage`
 */
export function readRegistryName(text: string): CredentialSubject {
  if (/^http:\/\//i.test(text)) {
    throw new SatchelError("usage", `invalid registry ${JSON.stringify(text)}: a scheme says nothing here`, {
      hint: "Write host or host:port, and --plain-http if it speaks plain HTTP.",
    });
  }
  const [host, ...rest] = text.toLowerCase().replace(/^https:\/\//, "").replace(/\/+$/, "").split("/");
  // As Docker names its Hub, https://index.docker.io/v1/; in auth files such a key means the host.
  const path = rest.length === 1 && /^v[12]$/.test(rest[0]) ? "" : rest.join("/");
  if (!isRegistry(host) || (path !== "" && !isRepository(path))) {
    throw new SatchelError("usage", `invalid registry ${JSON.stringify(text)}`, {
      hint: "Write host, host:port, or host:port/path for an account of one path alone.",
    });
  }
  const registry = canonicalRegistry(host);
  return path === "" ? { registry } : { registry, repository: path };
}
