import crypto from "node:crypto";

/**
 * Runs something that verifies ECDSA signatures without saying over which hash: `@sigstore/verify` does for the signatures of logs.
 * It is SHA-256, which Node's OpenSSL and Bun take by themselves. Deno 2.9 has no hash to take and would find every such signature bad.
 *
 * @param work has to be synchronous, so that nobody else meets the other `verify`
 */
export function withDefaultDigest<T>(work: () => T): T {
  const { verify } = crypto;
  const explicit = (...[algorithm, data, key, signature]: Parameters<typeof verify>) =>
    verify(algorithm ?? defaultDigest(key), data, key, signature);
  crypto.verify = explicit as typeof verify;
  try {
    return work();
  } finally {
    crypto.verify = verify;
  }
}

function defaultDigest(key: unknown): "sha256" | undefined {
  return key instanceof crypto.KeyObject && key.asymmetricKeyType === "ec" ? "sha256" : undefined;
}
