import { SatchelError } from "../error.ts";
import { printable } from "../printable.ts";

/** Hashes of passwords, as bcrypt writes them, by the names of users. */
export type PasswordHashes = ReadonlyMap<string, string>;

/** A hash by bcrypt: its form, its cost, salt and sum. */
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The highest cost, 2^n rounds, that is taken: 2^14 are a second or two for each look at a password. */
const MAX_COST = 14;
const MIN_COST = 4;

/** What other hashes begin with, for whoever has to replace them. */
const OTHERS: readonly [RegExp, string][] = [
  [/^\$apr1\$/, "MD5"],
  [/^\$1\$/, "MD5"],
  [/^\{SHA\}/, "SHA-1"],
  [/^\$5\$/, "SHA-256"],
  [/^\$6\$/, "SHA-512"],
  [/^\$argon2/, "Argon2"],
  [/^\$y\$/, "yescrypt"],
];

/** The most problems that are told at once. */
const MAX_TOLD = 10;

/**
 * Reads a file of accounts as `htpasswd -B` writes it: `USER:HASH` a line. Blank lines and those with `#` are passed over.
 *
 * @param path for the error text
 * @throws {SatchelError} `invalid`, with the lines that are wrong and why; no hash and no password is shown
 */
export function parseHtpasswd(text: string, path: string): PasswordHashes {
  const hashes = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const colon = line.indexOf(":");
    const user = line.slice(0, colon);
    const hash = line.slice(colon + 1).trimEnd();
    const problem = colon < 0
      ? "it has no colon"
      : user === ""
      ? "it has no user"
      : hashes.has(user)
      ? `${JSON.stringify(user)} has a line already`
      : hashProblem(hash);
    if (problem) problems.push(`line ${index + 1}: ${problem}`);
    else hashes.set(user, hash);
  }
  if (problems.length > 0) throw unusable(path, problems);
  if (hashes.size === 0) throw new SatchelError("invalid", `${printable(path)} has no accounts`, { hint: HINT });
  return hashes;
}

const HINT = "htpasswd -B FILE USER writes an account as it has to be.";

function hashProblem(hash: string): string | undefined {
  const cost = Number(BCRYPT.exec(hash)?.[1] ?? NaN);
  if (cost >= MIN_COST && cost <= MAX_COST) return undefined;
  if (!Number.isNaN(cost)) return `the cost of its hash is ${cost}, not ${MIN_COST} to ${MAX_COST}`;
  const other = OTHERS.find(([pattern]) => pattern.test(hash))?.[1];
  return other ? `its password is hashed with ${other}, not with bcrypt` : "its password is not hashed with bcrypt";
}

function unusable(path: string, problems: readonly string[]): SatchelError {
  const told = problems.slice(0, MAX_TOLD).map((problem) => `\n  ${printable(problem, 300)}`).join("");
  const more = problems.length > MAX_TOLD ? `\n  and ${problems.length - MAX_TOLD} more` : "";
  return new SatchelError("invalid", `${printable(path)} cannot be used for accounts:${told}${more}`, { hint: HINT });
}
