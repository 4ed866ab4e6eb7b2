import { sign, verify } from "node:crypto";
import { curveOf, signEcdsa } from "../signing/ecdsa.ts";
import type { PrivateKey } from "../signing/private_key.ts";

/**
 * Signs some bytes so that everybody who has the public key alone can verify them: that is where no algorithm is written down, and
 * where `cosign verify --key` and `ig` take SHA-256 for every key, and Ed25519 without hashing first. The same key gives the same signature.
 *
 * @throws {Error} if the key is of another kind than RSA, ECDSA on P-256, P-384 or P-521, and Ed25519
 */
export function signBytes(privateKey: PrivateKey, bytes: Uint8Array): Uint8Array {
  const { key } = privateKey;
  if (key.asymmetricKeyType === "ed25519") return signChecked(null, bytes, privateKey);
  if (key.asymmetricKeyType === "rsa") return signChecked("sha256", bytes, privateKey);
  if (curveOf(key) !== undefined) return signEcdsa(privateKey, bytes, "sha256");
  throw new Error(
    "the private key can make no signatures of cosign's: RSA, Ed25519, and ECDSA on P-256, P-384 and P-521 can",
  );
}

/** A key whose numbers do not belong together makes signatures that are not good, and that may give it away. */
function signChecked(hash: "sha256" | null, bytes: Uint8Array, { key, public: publicKey }: PrivateKey): Uint8Array {
  const signature = sign(hash, bytes, key);
  if (verify(hash, bytes, publicKey, signature)) return signature;
  throw new Error("the private key is damaged: what it signs does not fit its public key");
}
