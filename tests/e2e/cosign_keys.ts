import { describe, type Outcome, peer, run, type RunOptions, type Scratch } from "../harness/mod.ts";

/** The password of all keys here. */
export const PASSWORD = "only for tests: pässword";

/** cosign as it is: it asks no service, and no transparency log. */
export async function cosign(scratch: Scratch, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env = { HOME: scratch.path, COSIGN_PASSWORD: PASSWORD, COSIGN_EXPERIMENTAL: "1", ...options.env };
  return await run(peer("cosign"), args, { cwd: scratch.path, ...options, env });
}

/** Runs cosign, which must succeed. */
export async function cosignSucceeds(scratch: Scratch, ...args: string[]): Promise<string> {
  const outcome = await cosign(scratch, args);
  if (outcome.code !== 0) throw new Error(`cosign ${args.join(" ")} failed: ${describe(outcome)}`);
  return outcome.stdout;
}

/** How OpenSSL makes a key of each kind that cosign imports. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  "ecdsa-p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "ecdsa-p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  "ecdsa-p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
  ed25519: ["ED25519"],
  "rsa-2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  "rsa-3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
  "rsa-4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
};

/** The kinds of keys that cosign imports. */
export const KEY_KINDS = Object.keys(KINDS);

/** Runs OpenSSL in a scratch folder; it must succeed. */
export async function openssl(scratch: Scratch, ...args: string[]): Promise<string> {
  const outcome = await run(peer("openssl"), args, { cwd: scratch.path, env: { HOME: scratch.path } });
  if (outcome.code !== 0) throw new Error(`openssl ${args.join(" ")} failed: ${describe(outcome)}`);
  return outcome.stdout;
}

/** Makes `<kind>.pem` by OpenSSL, and of it `<kind>.key` and `<kind>.pub` by cosign. */
export async function makeKeys(scratch: Scratch, kind: string): Promise<void> {
  await openssl(scratch, "genpkey", "-out", `${kind}.pem`, "-algorithm", ...KINDS[kind]);
  await cosignSucceeds(scratch, "import-key-pair", "--key", `${kind}.pem`, "--output-key-prefix", kind);
}

/** The formats of signatures, with what cosign needs to be told to sign and to verify each. */
export const FORMATS = {
  bundle: { sign: ["--new-bundle-format=true"], verify: ["--new-bundle-format=true"] },
  "oci-1.1": {
    sign: ["--new-bundle-format=false", "--registry-referrers-mode=oci-1-1"],
    verify: ["--new-bundle-format=false", "--experimental-oci11=true"],
  },
  legacy: { sign: ["--new-bundle-format=false"], verify: ["--new-bundle-format=false"] },
} as const;

/** A format of signatures. */
export type Format = keyof typeof FORMATS;

/** Lets cosign sign an image in a registry without TLS. */
export async function signByCosign(scratch: Scratch, key: string, image: string, format: Format, ...more: string[]) {
  const flags = ["--yes", "--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry"];
  await cosignSucceeds(scratch, "sign", "--key", key, ...flags, ...FORMATS[format].sign, ...more, image);
}

/** Lets cosign verify an image in a registry without TLS. */
export async function verifyByCosign(
  scratch: Scratch,
  key: string,
  image: string,
  format: Format,
  ...more: string[]
): Promise<Outcome> {
  const flags = ["--insecure-ignore-tlog=true", "--private-infrastructure", "--allow-http-registry"];
  return await cosign(scratch, ["verify", "--key", key, ...flags, ...FORMATS[format].verify, ...more, image]);
}
