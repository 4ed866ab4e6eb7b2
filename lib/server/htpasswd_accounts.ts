import { createHmac, randomBytes } from "node:crypto";
import { ApiError } from "./api_error.ts";
import type { Accounts } from "./authorization.ts";
import { clientOf } from "./client.ts";
import { FairQueue, QueueFullError } from "./fair_queue.ts";
import type { PasswordHashes } from "./htpasswd.ts";
import { RecentKeys } from "./recent_keys.ts";

/** How long a password that was right is remembered since it was last used, in milliseconds. */
const REMEMBERED = 60 * 60_000;

/** How long is known who had a right password, in milliseconds. */
const KNOWN = 24 * 60 * 60_000;

/** The most of either that is kept. */
const MAX_KEPT = 10_000;

/** How many passwords are hashed at the same time, and how many may wait for that: more would wait for longer than a client does. */
const OF_ANYBODY = { atOnce: 2, maxWaiting: 64, maxWaitingOfOne: 8 };

/** The same for those who had a right password before: whatever others try, they have a place of their own. */
const OF_KNOWN = { atOnce: 1, maxWaiting: 64, maxWaitingOfOne: 8 };

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
  const remembered = new RecentKeys(MAX_KEPT, now);
  const known = new RecentKeys(MAX_KEPT, now);
  const running = new Map<string, Promise<boolean>>();
  const anybody = new FairQueue(OF_ANYBODY);
  const knownOnes = new FairQueue(OF_KNOWN);

  return {
    async check(user, password, client) {
      // bcrypt in C ends at such a character, so nobody has a password with one.
      if (password.includes("\0")) return false;
      const accounts = hashes();
      const own = accounts.get(user);
      // For a user that there is not, somebody's hash stands in, always the same one, so that costs look alike as well.
      const hash = own ?? [...accounts.values()][keyed(user).readUInt32BE() % accounts.size];
      const key = keyed(user, password, hash).toString("base64");
      if (own !== undefined && remembered.has(key)) {
        remembered.add(key, REMEMBERED);
        return true;
      }
      const from = clientOf(client);
      const who = keyed("who", from, user).toString("base64");
      const queue = known.has(who) ? knownOnes : anybody;
      // Many clients may come with the same credentials at the same moment.
      const started = running.get(key) ?? queue.run(from, user, () => verify(password, hash));
      running.set(key, started);
      try {
        const isRight = await started && own !== undefined;
        if (isRight) {
          remembered.add(key, REMEMBERED);
          known.add(who, KNOWN);
        }
        return isRight;
      } catch (error) {
        throw error instanceof QueueFullError ? tooMany() : error;
      } finally {
        running.delete(key);
      }
    },
  };
}

function tooMany(): ApiError {
  return new ApiError("TOOMANYREQUESTS", "too many passwords are being looked at", { headers: { "Retry-After": "1" } });
}
