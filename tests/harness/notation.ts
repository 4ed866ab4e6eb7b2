import { dirname } from "node:path";
import { peer } from "./peers.ts";
import { type Outcome, run, succeed } from "./process.ts";
import type { Scratch } from "./scratch.ts";

/** A key with its certificates, PEM. */
export interface NotationKey {
  key: string;
  /** The certificate of the key, then that of its issuer, to the root. */
  chain: string;
}

/** Whom notation trusts. */
export interface NotationTrust {
  /** A trust policy document, JSON. */
  policy: string;
  /** PEM by the name of the store: `ca/acme`. */
  stores: Readonly<Record<string, string>>;
}

/** What notation says of the signature that it found to be good. */
export interface NotationVerified {
  digest: string;
  level: string;
  scheme: string;
  metadata: Record<string, string> | null;
  /** The checks that failed and that the policy does not enforce. */
  logged: string[];
}

/** Lets notation sign `host/repository@digest` in a registry without TLS. */
export async function notationSign(
  scratch: Scratch,
  { key, chain }: NotationKey,
  image: string,
  flags: readonly string[] = [],
): Promise<void> {
  const folder = await writeFiles(scratch, { "key.pem": key, "chain.pem": chain });
  const args = ["sign", "--key", `${folder}/key.pem`, "--chain", `${folder}/chain.pem`, ...flags, image];
  await succeed(peer("notation-go"), args, { cwd: folder, env: { HOME: folder, PATH: Deno.env.get("PATH") ?? "" } });
}

/** Lets notation verify `host/repository@digest`; what it prints is a {@link NotationVerified}. */
export async function notationVerify(
  scratch: Scratch,
  { policy, stores }: NotationTrust,
  image: string,
  flags: readonly string[] = [],
): Promise<Outcome> {
  const certificates = Object.entries(stores).map(([name, pem]) => [`truststore/x509/${name}/trusted.pem`, pem]);
  const folder = await writeFiles(scratch, { "policy.json": policy, ...Object.fromEntries(certificates) });
  const args = ["verify", "--policy", `${folder}/policy.json`, "--store", folder, ...flags, image];
  return await run(peer("notation-go"), args, { cwd: folder, env: { HOME: folder } });
}

async function writeFiles(scratch: Scratch, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: scratch.path, prefix: "notation-" });
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  return folder;
}
