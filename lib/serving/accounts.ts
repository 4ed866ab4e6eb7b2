import { type Stats, statSync } from "node:fs";
import { SatchelError, systemReason } from "../error.ts";
import { verifyBcrypt } from "../runtime/bcrypt.ts";
import { type Accounts, htpasswdAccounts, parseHtpasswd, type PasswordHashes } from "../server/mod.ts";
import { readSmallFile } from "../small_file.ts";

/** The longest file of accounts that is read, in bytes: that is some ten thousand of them. */
const MAX_FILE = 1024 * 1024;

const READABLE_BY_ALL = 0o004;

/**
 * The accounts of an htpasswd file. It is read again when it has changed; while it cannot be used, the accounts that there were last
 * go on.
 *
 * @param warn told what is wrong with it
 * @throws {SatchelError} `invalid`, `storage`
 */
export function openAccounts(path: string, warn: (text: string) => void): Accounts {
  let state: string | undefined;
  let hashes: PasswordHashes = new Map();
  const read = (stat: Stats) => {
    state = stateOf(stat);
    const bytes = readSmallFile(path, MAX_FILE, ({ mode }) => {
      if (mode & READABLE_BY_ALL) warn(`${path} can be read by every user of this host: chmod o-r it`);
    });
    hashes = parseHtpasswd(decode(bytes, path), path);
  };
  try {
    read(statSync(path));
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    throw new SatchelError("storage", `cannot read the accounts in ${path}: ${systemReason(cause)}`, { cause });
  }
  let failure: string | undefined;
  const current = () => {
    try {
      const stat = statSync(path);
      if (stateOf(stat) === state) return hashes;
      read(stat);
      failure = undefined;
    } catch (error) {
      const text = `the accounts are those from before: ${systemReason(error)}`;
      if (text !== failure) warn(text);
      failure = text;
    }
    return hashes;
  };
  return htpasswdAccounts({ hashes: current, verify: verifyBcrypt });
}

/** What is another one if the file has changed. */
function stateOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(" ");
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SatchelError("invalid", `${path} is not UTF-8`, { cause });
  }
}
