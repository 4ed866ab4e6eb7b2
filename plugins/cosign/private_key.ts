import { type PrivateKey, readPrivateKey } from "../signing/private_key.ts";
import { BOX_LABEL, OLD_BOX_LABEL, openBox } from "./private_key_box.ts";

/**
 * Reads a key that cosign's signatures are made by: in cosign's own encryption, or as {@link readPrivateKey} does.
 *
 * @throws {Error} as {@link readPrivateKey}
 */
export function readCosignKey(text: string, password?: string): PrivateKey {
  return readPrivateKey(text, password, { [BOX_LABEL]: openBox, [OLD_BOX_LABEL]: openBox });
}
