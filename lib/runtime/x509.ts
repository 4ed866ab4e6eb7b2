import process from "node:process";

/** `node:crypto`, not before it is needed: loading it takes Bun 5 ms and more. */
function crypto() {
  return process.getBuiltinModule("node:crypto");
}

/**
 * Reads a certificate, so that one that is none is told of before a connection fails because of it.
 *
 * @param certificate PEM text
 * @throws whatever the runtime throws if it cannot be read
 */
export function checkCertificate(certificate: string): void {
  const { X509Certificate } = crypto();
  new X509Certificate(certificate);
}

/**
 * Whether a key is that of a certificate; both are PEM text.
 *
 * @throws whatever the runtime throws if one of them cannot be read, as an encrypted key cannot
 */
export function isKeyOf(key: string, certificate: string): boolean {
  const { createPrivateKey, X509Certificate } = crypto();
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}
