import { strict as assert } from "node:assert";
import { ApiError } from "./api_error.ts";
import { htpasswdAccounts } from "./htpasswd_accounts.ts";

const HOUR = 60 * 60_000;

/** Accounts whose hash is the password, with what was hashed, and a clock and hashing that the test moves on. */
function setUp(users: Record<string, string>, options: { isHeld?: boolean } = {}) {
  const held = Promise.withResolvers<void>();
  if (!options.isHeld) held.resolve();
  const state = {
    hashes: new Map(Object.entries(users)),
    now: 0,
    hashed: [] as string[],
    held: held.promise,
    letGo: held.resolve,
  };
  const accounts = htpasswdAccounts({
    hashes: () => state.hashes,
    now: () => state.now,
    verify: async (password, hash) => {
      state.hashed.push(`${password} ${hash}`);
      await state.held;
      return password === hash;
    },
  });
  return { state, accounts };
}

Deno.test("the password of an account is right, any other is wrong", async () => {
  const { accounts } = setUp({ jane: "one", joe: "two" });
  assert.equal(await accounts.check("jane", "one", "client"), true);
  assert.equal(await accounts.check("jane", "two", "client"), false);
  assert.equal(await accounts.check("joe", "two", "client"), true);
});

Deno.test("for a user that there is not a hash is worked through as well, and its password lets nobody in", async () => {
  const { state, accounts } = setUp({ jane: "one" });
  assert.equal(await accounts.check("nobody", "one", "client"), false);
  assert.equal(await accounts.check("nobody", "one", "client"), false);
  assert.deepEqual(state.hashed, ["one one", "one one"]);
});

Deno.test("a password that was right is remembered until it was not used for an hour, a wrong one is not", async () => {
  const { state, accounts } = setUp({ jane: "one" });
  for (let i = 0; i < 3; i++) assert.equal(await accounts.check("jane", "one", "client"), true);
  assert.equal(state.hashed.length, 1);
  for (const now of [HOUR - 1, 2 * HOUR - 2]) {
    state.now = now;
    assert.equal(await accounts.check("jane", "one", "client"), true);
    assert.equal(state.hashed.length, 1);
  }
  state.now = 3 * HOUR;
  await accounts.check("jane", "one", "client");
  assert.equal(state.hashed.length, 2);
  for (let i = 0; i < 3; i++) assert.equal(await accounts.check("jane", "wrong", "client"), false);
  assert.equal(state.hashed.length, 5);
});

Deno.test("an account that is gone, or has a new password, is not remembered", async () => {
  const { state, accounts } = setUp({ jane: "one", joe: "two" });
  await accounts.check("jane", "one", "client");
  state.hashes = new Map([["jane", "new"]]);
  assert.equal(await accounts.check("jane", "one", "client"), false);
  assert.equal(await accounts.check("jane", "new", "client"), true);
  state.hashes = new Map([["joe", "two"]]);
  assert.equal(await accounts.check("jane", "new", "client"), false);
});

Deno.test("an account that was renamed is not remembered under its old name", async () => {
  const { state, accounts } = setUp({ jane: "one" });
  assert.equal(await accounts.check("jane", "one", "client"), true);
  state.hashes = new Map([["joe", "one"]]);
  assert.equal(await accounts.check("jane", "one", "client"), false);
});

Deno.test("many clients with the same credentials at the same moment cost one look", async () => {
  const { state, accounts } = setUp({ jane: "one" }, { isHeld: true });
  const checks = Array.from({ length: 64 }, () => accounts.check("jane", "one", "client"));
  state.letGo();
  assert.ok((await Promise.all(checks)).every((isRight) => isRight));
  assert.equal(state.hashed.length, 1);
});

Deno.test("one client cannot have more than a few passwords looked at, and others still can", async () => {
  const { state, accounts } = setUp({ jane: "one" }, { isHeld: true });
  const guesses = Array.from({ length: 20 }, (_, i) => accounts.check("jane", `guess ${i}`, "guesser"));
  const other = accounts.check("jane", "one", "other");
  state.letGo();
  const outcomes = await Promise.allSettled(guesses);
  const refused = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  assert.equal(refused.length, 10);
  assert.ok(refused.every(({ reason }) => reason instanceof ApiError && reason.status === 429));
  assert.equal(await other, true);
  // The place is free again.
  assert.equal(await accounts.check("jane", "guess", "guesser"), false);
});

Deno.test("all clients together cannot have more waiting than there is time for", async () => {
  const { state, accounts } = setUp({ jane: "one" }, { isHeld: true });
  const checks = Array.from({ length: 200 }, (_, i) => accounts.check("jane", `guess ${i}`, `client ${i}`));
  state.letGo();
  const outcomes = await Promise.allSettled(checks);
  const served = outcomes.filter(({ status }) => status === "fulfilled").length;
  assert.ok(served >= 64 && served <= 70, `${served} were looked at`);
});

Deno.test("nobody has a password with the character that ends a string in C", async () => {
  const { state, accounts } = setUp({ jane: "one" });
  assert.equal(await accounts.check("jane", "one\0", "client"), false);
  assert.equal(state.hashed.length, 0);
});

Deno.test("who tries many passwords keeps no other user of the same address out", async () => {
  const { state, accounts } = setUp({ jane: "one", joe: "two" }, { isHeld: true });
  const guesses = Array.from({ length: 30 }, (_, i) => accounts.check("jane", `guess ${i}`, "client"));
  const other = accounts.check("joe", "two", "client");
  state.letGo();
  assert.equal(await other, true);
  await Promise.allSettled(guesses);
});

Deno.test("one address of an IPv6 network has no more tries than all of it", async () => {
  const { state, accounts } = setUp({ jane: "one" }, { isHeld: true });
  const guesses = Array.from({ length: 20 }, (_, i) => accounts.check("jane", `guess ${i}`, `2001:db8:1:2::${i + 1}`));
  state.letGo();
  const outcomes = await Promise.allSettled(guesses);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 10);
});

Deno.test("who had a right password before has a place, whatever is tried from how many addresses", async () => {
  const { state, accounts } = setUp({ jane: "one", joe: "two" });
  assert.equal(await accounts.check("jane", "one", "client"), true);
  // So long ago that the password itself has to be looked at.
  state.now = 2 * HOUR;
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  state.held = held;
  const guesses = Array.from({ length: 200 }, (_, i) => accounts.check(`user ${i}`, "guess", `client ${i % 100}`));
  const known = accounts.check("jane", "one", "client");
  const unknown = accounts.check("joe", "two", "another");
  unknown.catch(() => {});
  letGo();
  assert.equal(await known, true);
  await Promise.allSettled([...guesses, unknown]);
  await assert.rejects(unknown, (error) => error instanceof ApiError && error.status === 429);
});
