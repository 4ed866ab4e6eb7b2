import { join } from "node:path";
import { peer } from "./peers.ts";
import { describe, run } from "./process.ts";
import type { Scratch } from "./scratch.ts";

/**
 * How cosign may keep a signature: as `sha256-<hex>.sig`; as a referrer in its own artifact type (OCI 1.1, cosign 2); as a
 * referrer that is a Sigstore bundle (cosign 3).
 */
export const SIGNATURE_FORMATS = ["tag", "referrer", "bundle"] as const;

/** One of {@link SIGNATURE_FORMATS}. */
export type SignatureFormat = (typeof SIGNATURE_FORMATS)[number];

const SIGN: Record<SignatureFormat, readonly string[]> = {
  tag: ["--new-bundle-format=false"],
  referrer: ["--new-bundle-format=false", "--registry-referrers-mode=oci-1-1"],
  bundle: ["--new-bundle-format=true"],
};

const VERIFY: Record<SignatureFormat, readonly string[]> = {
  tag: ["--new-bundle-format=false"],
  referrer: ["--new-bundle-format=false", "--experimental-oci11=true"],
  bundle: ["--new-bundle-format=true"],
};

/** cosign with a key pair of its own; it asks no service, and no transparency log. */
export interface Cosign {
  /** The public key, a path. */
  publicKey: string;
  /** Signs `host/repository@digest` in a registry without TLS. */
  sign(image: string, format: SignatureFormat, annotations?: Record<string, string>): Promise<void>;
  /** Attaches a statement about `host/repository@digest` as a bundle: an attestation, no signature. */
  attest(image: string, predicateType: string): Promise<void>;
  /** Signs a file, as a bundle with a message signature; returns the bundle. */
  signBlob(path: string): Promise<string>;
  /** The digests that valid signatures of `host/repository@digest` are about, one for each; without any it throws. */
  verify(image: string, format: SignatureFormat): Promise<string[]>;
}

/** Options of {@link cosignWithKeys}. */
export interface CosignOptions {
  /** The key to import, PKCS#8 in PEM. Default: cosign makes one, ECDSA P-256. */
  privateKey?: string;
  /** Its folder within the scratch folder, where there are several. */
  folder?: string;
}

/** Makes or imports a key pair in a scratch folder, for {@link Cosign}. */
export async function cosignWithKeys(scratch: Scratch, options: CosignOptions = {}): Promise<Cosign> {
  const folder = scratch.at(options.folder ?? "cosign");
  await Deno.mkdir(folder);
  const env = { HOME: folder, COSIGN_PASSWORD: "only for tests", COSIGN_EXPERIMENTAL: "1" };
  const cosign = async (...args: string[]) => {
    const outcome = await run(peer("cosign"), args, { cwd: folder, env });
    if (outcome.code !== 0) throw new Error(`cosign ${args.join(" ")} failed: ${describe(outcome)}`);
    return outcome.stdout;
  };
  if (options.privateKey === undefined) await cosign("generate-key-pair");
  else {
    await Deno.writeTextFile(join(folder, "imported.pem"), options.privateKey);
    await cosign("import-key-pair", "--key", "imported.pem", "--output-key-prefix", "cosign");
  }
  const withKey = ["--yes", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false"];
  return {
    publicKey: join(folder, "cosign.pub"),
    async sign(image, format, annotations = {}) {
      const claims = Object.entries(annotations).flatMap(([name, value]) => ["--annotations", `${name}=${value}`]);
      await cosign("sign", ...withKey, "--allow-http-registry", ...claims, ...SIGN[format], image);
    },
    async attest(image, predicateType) {
      await Deno.writeTextFile(join(folder, "predicate.json"), "{}");
      const statement = ["--predicate", "predicate.json", "--type", predicateType];
      await cosign("attest", ...withKey, "--allow-http-registry", "--new-bundle-format=true", ...statement, image);
    },
    async signBlob(path) {
      await cosign("sign-blob", ...withKey, "--new-bundle-format=true", "--bundle", "blob.json", path);
      return await Deno.readTextFile(join(folder, "blob.json"));
    },
    async verify(image, format) {
      const local = ["--insecure-ignore-tlog", "--allow-http-registry", "--output", "json"];
      const printed = await cosign("verify", "--key", "cosign.pub", ...local, ...VERIFY[format], image);
      type Payload = { critical: { image: { "docker-manifest-digest": string } } };
      return JSON.parse(printed).map(({ critical }: Payload) => critical.image["docker-manifest-digest"]);
    },
  };
}
