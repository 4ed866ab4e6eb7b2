import { createHmac, randomBytes } from "node:crypto";
import pLimit from "p-limit";
import { ApiError } from "./api_error.ts";
import type { Accounts } from "./authorization.ts";
import type { PasswordHashes } from "./htpasswd.ts";

/** How long a password that was right is remembered, in milliseconds. */
const REMEMBERED = 60_000;

/** The most passwords that are remembered. */
const MAX_REMEMBERED = 1000;

/** How many passwords are hashed at the same time. */
const AT_ONCE = 2;

/** How many may wait for that, in all and of one client: more would wait for longer than a client does. */
const MAX_WAITING = 64;
const MAX_WAITING_OF_ONE = 8;

/** What accounts are checked with. */
export interface HtpasswdOptions {
  /** The accounts as they are now. */
  hashes: () => PasswordHashes;
  /** Hashes a password by bcrypt and compares; it should not keep others waiting. */
  verify: (password: string, hash: string) => Promise<boolean>;
  /** The time in milliseconds. Default: that of a clock that is never set back. */
  now?: () => number;
}

/** Accounts by an htpasswd file. */
export function htpasswdAccounts({ hashes, verify, now = () => performance.now() }: HtpasswdOptions): Accounts {
  // What is remembered is of no use without this, and this is nowhere else.
  const secret = randomBytes(32);
  const keyed = (...parts: string[]) => createHmac("sha256", secret).update(JSON.stringify(parts)).digest();
  const remembered = new Map<string, number>();
  const running = new Map<string, Promise<boolean>>();
  const waiting = new Map<string, number>();
  const limit = pLimit(AT_ONCE);

  const hashAndCompare = async (password: string, hash: string, client: string): Promise<boolean> => {
    const ofThisOne = waiting.get(client) ?? 0;
    if (limit.pendingCount >= MAX_WAITING || ofThisOne >= MAX_WAITING_OF_ONE) throw tooMany();
    waiting.set(client, ofThisOne + 1);
    try {
      return await limit(() => verify(password, hash));
    } finally {
      const left = waiting.get(client)! - 1;
      if (left > 0) waiting.set(client, left);
      else waiting.delete(client);
    }
  };

  return {
    async check(user, password, client) {
      // bcrypt in C ends at such a character, so nobody has a password with one.
      if (password.includes("\0")) return false;
      const known = hashes();
      const own = known.get(user);
      // For a user that there is not, somebody's hash stands in, always the same one, so that costs look alike as well.
      const hash = own ?? [...known.values()][keyed(user).readUInt32BE() % known.size];
      const key = keyed(user, password, hash).toString("base64");
      if (own !== undefined && (remembered.get(key) ?? -Infinity) > now()) return true;
      // Many clients may come with the same credentials at the same moment.
      const started = running.get(key) ?? hashAndCompare(password, hash, client);
      running.set(key, started);
      try {
        const isRight = await started && own !== undefined;
        if (isRight) remember(remembered, key, now() + REMEMBERED);
        return isRight;
      } finally {
        running.delete(key);
      }
    },
  };
}

function remember(remembered: Map<string, number>, key: string, until: number): void {
  remembered.delete(key);
  remembered.set(key, until);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MAX_REMEMBERED) break;
    remembered.delete(oldest);
  }
}

function tooMany(): ApiError {
  return new ApiError("TOOMANYREQUESTS", "too many passwords are being looked at", { headers: { "Retry-After": "1" } });
}
