import { hasCode, SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import type { VerifyTrust } from "../../lib/plugin/contract.ts";
import { printable } from "../../lib/printable.ts";
import type { KeyPlace, Policy, Signers } from "../../lib/signing/mod.ts";
import { readSmallFile } from "../../lib/small_file.ts";
import { distrustOf } from "../../lib/trust/mod.ts";
import { RELEASE_KEY_NAME } from "../settings/config_policy.ts";
import { pemBlocks } from "../signing/pem.ts";
import { RELEASE_KEY } from "../signing/release_key.ts";

/** A longer file is no key, no certificate and no trusted root, in bytes. */
const MAX_TEXT = 1024 * 1024;

/**
 * Reads the files that a rule names. Each counts only if nobody but root and the configuration file's user could have written it.
 *
 * @throws {SatchelError} `refused` if one is missing, cannot be read or is not what it should be: then nothing can be verified
 */
export function readSigners(signers: Signers, { owner }: Policy): VerifyTrust {
  const { keys, identities, trustedRoot, notation, annotations, checkName } = signers;
  const text = (path: string) => readTrusted(path, owner);
  const pem = (path: string, label: string) => pemTexts(text(path), label, path);
  return {
    ...(keys.length > 0 && { publicKeys: keys.flatMap((key) => pemTexts(...keyText(key, text))) }),
    ...(identities.length > 0 && { identities }),
    ...(trustedRoot !== undefined && { trustedRoot: jsonText(text(trustedRoot), trustedRoot) }),
    ...(notation && {
      notationPolicy: jsonText(text(notation.policy), notation.policy),
      notationCertificates: notation.certificates.flatMap((path) => pem(path, "CERTIFICATE")),
      notationTimestampCertificates: notation.timestampCertificates.flatMap((path) => pem(path, "CERTIFICATE")),
    }),
    ...(annotations && { annotations }),
    ...(checkName && { checkName }),
  };
}

function keyText({ path, text }: KeyPlace, read: (path: string) => string): [string, string, string] {
  if (path !== undefined) return [read(path), "PUBLIC KEY", path];
  return [text === RELEASE_KEY_NAME ? RELEASE_KEY : text, "PUBLIC KEY", "a key in the rule itself"];
}

function readTrusted(path: string, owner: number | undefined): string {
  try {
    const distrust = owner === undefined ? undefined : distrustOf(path, { user: owner, maySitInSticky: true });
    if (!distrust) return new TextDecoder().decode(readSmallFile(path, MAX_TEXT));
    const where = distrust.at === path ? printable(path) : `${printable(path)} is not taken: ${printable(distrust.at)}`;
    throw new SatchelError("refused", `${where} ${distrust.text}, so that others could change who is trusted`, {
      hint: `If it is as it should be: ${distrust.fix}`,
    });
  } catch (error) {
    if (hasCode(error, "refused")) throw error;
    if (error instanceof SatchelError) throw new SatchelError("refused", error.message, { cause: error });
    if (systemCode(error) === undefined) throw error;
    throw new SatchelError("refused", `${printable(path)}: ${systemReason(error)}`, { cause: error });
  }
}

/** Never shows what is in a file: it could be a private key. */
function pemTexts(text: string, label: string, from: string): string[] {
  const blocks = pemBlocks(text);
  const isRight = blocks.length > 0 && blocks.every((block) => block.label.endsWith(label));
  if (isRight) return blocks.map((block) => block.text);
  throw new SatchelError("refused", `${printable(from)} has something else than ${label.toLowerCase()}s in PEM`);
}

function jsonText(text: string, from: string): string {
  try {
    JSON.parse(text);
  } catch {
    throw new SatchelError("refused", `${printable(from)} is not JSON`);
  }
  return text;
}
