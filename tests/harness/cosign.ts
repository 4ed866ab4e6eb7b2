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
  /** Signs `host/repository@digest` in a registry without TLS. */
  sign(image: string, format: SignatureFormat): Promise<void>;
  /** The digests that valid signatures of `host/repository@digest` are about, one for each; without any it throws. */
  verify(image: string, format: SignatureFormat): Promise<string[]>;
}

/** Makes a key pair in a scratch folder, for {@link Cosign}. */
export async function cosignWithKeys(scratch: Scratch): Promise<Cosign> {
  const folder = scratch.at("cosign");
  await Deno.mkdir(folder);
  const env = { HOME: folder, COSIGN_PASSWORD: "only for tests", COSIGN_EXPERIMENTAL: "1" };
  const cosign = async (...args: string[]) => {
    const outcome = await run(peer("cosign"), args, { cwd: folder, env });
    if (outcome.code !== 0) throw new Error(`cosign ${args.join(" ")} failed: ${describe(outcome)}`);
    return outcome.stdout;
  };
  await cosign("generate-key-pair");
  return {
    async sign(image, format) {
      const local = ["--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry"];
      await cosign("sign", "--yes", "--key", "cosign.key", ...local, ...SIGN[format], image);
    },
    async verify(image, format) {
      const local = ["--insecure-ignore-tlog", "--allow-http-registry", "--output", "json"];
      const printed = await cosign("verify", "--key", "cosign.pub", ...local, ...VERIFY[format], image);
      type Payload = { critical: { image: { "docker-manifest-digest": string } } };
      return JSON.parse(printed).map(({ critical }: Payload) => critical.image["docker-manifest-digest"]);
    },
  };
}
