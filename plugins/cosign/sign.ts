import type { Artifact, SignAnswer, SignRequest } from "../../lib/plugin/contract.ts";
import type { PrivateKey } from "../signing/private_key.ts";
import { readCosignKey } from "./private_key.ts";
import { bundleOf } from "./sign_bundle.ts";
import { referringSignature, taggedSignature } from "./sign_simple.ts";

const FORMATS: Readonly<Record<string, (request: SignRequest, key: PrivateKey) => Artifact>> = {
  bundle: bundleOf,
  "oci-1.1": referringSignature,
  legacy: taggedSignature,
};

/**
 * Signs an image by a private key, in one of cosign's formats; without one, as a bundle.
 *
 * @throws {Error} if the key cannot be read or used, and for a format of others
 */
export function sign(request: SignRequest): SignAnswer {
  const { key, password, certificateChain, format = "bundle", subject } = request;
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (!write) {
    throw new Error(`cosign has no format ${JSON.stringify(format)}: it has ${Object.keys(FORMATS).join(", ")}`);
  }
  if (key === undefined) throw new Error("there is no key to sign with");
  if (certificateChain !== undefined) {
    throw new Error("certificates in cosign's signatures are verified, and not written");
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(subject.digest)) throw new Error("only what has a digest by SHA-256 can be signed");
  return { artifacts: [write(request, readCosignKey(key, password))] };
}
