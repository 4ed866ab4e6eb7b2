import { Buffer } from "node:buffer";
import { readVerified, type Source } from "../content/mod.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../oci/mod.ts";
import type { VerifyAnswer, VerifyRequest, VerifyTrust } from "../plugin/contract.ts";
import { collectArtifacts, type CollectOptions } from "./collect.ts";

/** What one plugin says of an image's signatures. */
export interface SignatureVerdict extends VerifyAnswer {
  plugin: string;
}

/** Whatever judges signatures: all plugins that can. */
export type Judge = (request: VerifyRequest) => Promise<SignatureVerdict[]>;

/** An image whose signatures are to be judged. */
export interface Verifiable {
  /** Has the image and what refers to it. */
  source: Source;
  /** The full name. */
  reference: string;
  /** What the name stands for: looked up once, by whoever then uses it. */
  subject: Descriptor;
  trust: VerifyTrust;
}

/** What is known of an image's signatures. */
export interface Verification {
  /**
   * - `verified`: one of them is good, wherever it stands
   * - `rejected`: there are some, and none is good
   * - `none`: there is none of a kind that anybody knows
   */
  verdict: VerifyAnswer["verdict"];
  verdicts: SignatureVerdict[];
}

/**
 * Judges an image by its signatures. One that is good suffices, of whatever format.
 *
 * @throws {SatchelError} as {@link collectArtifacts}, and whatever `judge` throws
 */
export async function verifyImage(
  { source, reference, subject, trust }: Verifiable,
  judge: Judge,
  options: CollectOptions = {},
): Promise<Verification> {
  const artifacts = await collectArtifacts(source, subject, options);
  const { mediaType, digest, size } = subject;
  const manifest = artifacts.length === 0 ? undefined : await readManifest(source, subject, options);
  const verdicts = await judge({
    reference,
    subject: { mediaType, digest, size },
    ...(manifest !== undefined && { manifest }),
    artifacts,
    trust,
  });
  const has = (verdict: VerifyAnswer["verdict"]) => verdicts.some((each) => each.verdict === verdict);
  return { verdict: has("verified") ? "verified" : has("rejected") ? "rejected" : "none", verdicts };
}

/** The image's manifest, base64: some signatures are over it. */
async function readManifest(source: Source, subject: Descriptor, { signal }: CollectOptions): Promise<string> {
  const bytes = await readVerified(source.fetch(subject, { signal }), subject, MAX_MANIFEST_SIZE);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
