import type { Credential } from "../credential.ts";
import { SatchelError } from "../error.ts";
import { createClient } from "./client.ts";
import type { RegistryOptions } from "./options.ts";

/** What a registry says of an account: it is good, or nobody asked for one, so that nothing is known of it. */
export type AccountVerdict = "accepted" | "not asked";

/** What helps where an account is missing does not help here. */
const DENIED_HINT = "Are user name and password those for this registry? Some want a token in place of the password.";

/**
 * Tries an account on a registry, in the way that the registry asks for: by HTTP Basic, or with a token of its token service
 * (distribution-spec 1.1, end-1).
 *
 * @param registry `host[:port]`
 * @throws {SatchelError} `denied` if it is refused; `network`, `registry`, `refused`, `cancelled`
 */
export async function tryAccount(
  registry: string,
  credential: Credential,
  options: Omit<RegistryOptions, "credentials">,
  signal: AbortSignal,
): Promise<AccountVerdict> {
  let wasAsked = false;
  const credentials = async () => {
    wasAsked = true;
    return credential;
  };
  const client = createClient({ registry, repository: "" }, { ...options, credentials, connections: 1 });
  const url = new URL("v2/", client.registry);
  try {
    await client.request({ method: "GET", url, scopes: [], accept: [200], signal }, () => {});
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
    const message = `Cannot log in to ${registry}: ${error.message}`;
    // Without an obstacle the account is not the reason.
    if (error.code === "denied" && error.obstacle) throw new SatchelError("denied", message, { hint: DENIED_HINT });
    throw new SatchelError(error.code, message, { hint: error.hint, obstacle: error.obstacle });
  }
  return wasAsked ? "accepted" : "not asked";
}
