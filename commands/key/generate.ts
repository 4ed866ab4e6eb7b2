import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { write } from "../../lib/terminal/mod.ts";
import { type KeyType, makeCosignKeyPair } from "../../plugins/mod.ts";
import { type FlagValues, isSet, pathOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { checkFree, keyPaths, writeKeyPair } from "./key_files.ts";
import { newPassword } from "./new_password.ts";

/** What `-o json` prints. Members are never renamed or removed, but more may come. */
export interface KeyReport {
  type: KeyType;
  /** Paths, as they were asked for. */
  privateKey: string;
  publicKey: string;
  /** SHA-256 of the public key (DER), hexadecimal. */
  fingerprint: string;
}

/**
 * `satchel key generate`: writes a pair of keys that cosign reads. What is there is never overwritten. It needs no setting, and so it works
 * beside a configuration file that is broken.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const type = (textOf(flags, "type") ?? "ecdsa-p256") as KeyType;
  const paths = keyPaths(readPrefix(flags));
  // Before somebody is asked for a password.
  checkFree(paths);
  const password = await newPassword(invocation);
  if (password === "") {
    write("stderr", "Warning: The password is empty: whoever can read the private key can sign with it\n");
  }
  const { privateKey, publicKey, fingerprint } = await makeCosignKeyPair(type, password);
  if (invocation.signal.aborted) throw new SatchelError("cancelled", "Interrupted");
  writeKeyPair(paths, { privateKey, publicKey });
  const report: KeyReport = { type, ...paths, fingerprint };
  await printResult(outputMode(flags), report, () => isSet(flags, "quiet") ? "" : textFor(report));
  return EXIT_OK;
}

/** @throws {SatchelError} `usage` if it has no name for files */
function readPrefix(flags: FlagValues): string {
  const prefix = pathOf(flags, "output-key-prefix") ?? "cosign";
  if (!/(^|\/)\.{0,2}$/.test(prefix)) return prefix;
  throw new SatchelError("usage", `--output-key-prefix ${printable(prefix)} is a folder`, {
    hint: "It needs what the files are called as well, without .key and .pub.",
  });
}

function textFor({ privateKey, publicKey }: KeyReport): string {
  return `Private key written to ${printable(privateKey)}\nPublic key written to ${printable(publicKey)}\n`;
}
