/** How much a {@link FairQueue} takes on. */
export interface FairQueueOptions {
  /** How much is worked on at the same time. */
  atOnce: number;
  /** How much may wait, in all and of one client. */
  maxWaiting: number;
  maxWaitingOfOne: number;
}

/** Something that waits. */
interface Waiting {
  start: () => void;
  refuse: () => void;
}

/** What one client waits for, by user; both in the order of their turns. */
type Users = Map<string, Waiting[]>;

/** There is no place left for somebody. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

/**
 * Work in turns: each client has one, and of a client each user. Where there is no place left, the newest of whoever waits for most has
 * to go, so that many tries of one keep nobody else out.
 * Nobody has to go for somebody who would wait for as much.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #clients = new Map<string, Users>();
  #running = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /**
   * Does some work when it is its turn.
   *
   * @throws {QueueFullError} if there is no place for it, or no more; and what `work` throws
   */
  async run<T>(client: string, user: string, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.atOnce) this.#running++;
    else await this.#wait(client, user);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #wait(client: string, user: string): Promise<void> {
    const { maxWaiting, maxWaitingOfOne } = this.#options;
    const users: Users = this.#clients.get(client) ?? new Map();
    const own = users.get(user)?.length ?? 0;
    if (countOf(users) >= maxWaitingOfOne) {
      if (largest(users, lengthOf)[1].length <= own + 1) throw full();
      dropNewest(users);
    } else if (this.#count() >= maxWaiting) this.#makeRoom(countOf(users));
    return new Promise((resolve, reject) => {
      const waiting = { start: resolve, refuse: () => reject(full()) };
      users.set(user, [...users.get(user) ?? [], waiting]);
      this.#clients.set(client, users);
    });
  }

  #count(): number {
    return [...this.#clients.values()].reduce((sum, users) => sum + countOf(users), 0);
  }

  /** @param own how much the client waits for already who needs a place */
  #makeRoom(own: number): void {
    const [client, users] = largest(this.#clients, countOf);
    if (countOf(users) <= own + 1) throw full();
    dropNewest(users);
    if (users.size === 0) this.#clients.delete(client);
  }

  #next(): void {
    const [client, users] = firstOf(this.#clients) ?? [];
    if (client === undefined || !users) {
      this.#running--;
      return;
    }
    const [user, [waiting, ...rest]] = firstOf(users)!;
    // Whoever had a turn comes last for the next one.
    users.delete(user);
    if (rest.length > 0) users.set(user, rest);
    this.#clients.delete(client);
    if (users.size > 0) this.#clients.set(client, users);
    waiting.start();
  }
}

/** Refuses the newest of the user who waits for most. */
function dropNewest(users: Users): void {
  const [user, waiting] = largest(users, lengthOf);
  waiting.pop()!.refuse();
  if (waiting.length === 0) users.delete(user);
}

function full(): QueueFullError {
  return new QueueFullError("there is no place left to wait");
}

function lengthOf({ length }: Waiting[]): number {
  return length;
}

function countOf(users: Users): number {
  return [...users.values()].reduce((sum, { length }) => sum + length, 0);
}

function firstOf<K, V>(map: Map<K, V>): [K, V] | undefined {
  return map.entries().next().value;
}

/** The entry with most; there is one. */
function largest<K, V>(map: Map<K, V>, size: (value: V) => number): [K, V] {
  return [...map].reduce((most, each) => size(each[1]) > size(most[1]) ? each : most);
}
