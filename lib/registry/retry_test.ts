import { deepEqual, equal, rejects } from "node:assert/strict";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { pause } from "../runtime/mod.ts";
import { asTransient, backoff, parseRetryAfter, retrying } from "./retry.ts";

const policy = { retries: 2, firstDelay: 0 };

Deno.test("what is transient is tried again until it works", async () => {
  let tries = 0;
  const messages: string[] = [];
  const result = await retrying({ ...policy, onRetry: (message) => messages.push(message) }, undefined, () => {
    if (++tries < 3) throw asTransient(new SatchelError("network", `try ${tries} failed`));
    return Promise.resolve("done");
  });
  equal(result, "done");
  deepEqual(messages, [
    "try 1 failed; trying again in 0.0 s (1 of 2)",
    "try 2 failed; trying again in 0.0 s (2 of 2)",
  ]);
});

Deno.test("when the retries are used up, the last error is thrown", async () => {
  let tries = 0;
  const attempt = retrying(policy, undefined, () => {
    throw asTransient(new SatchelError("network", `try ${++tries}`));
  });
  await rejects(attempt, /^SatchelError: try 3$/);
});

Deno.test("what is not transient is thrown at once", async () => {
  let tries = 0;
  const attempt = retrying(policy, undefined, () => {
    tries++;
    throw new SatchelError("not-found", "no");
  });
  await rejects(attempt, { code: "not-found" });
  equal(tries, 1);
});

Deno.test("a registry that asks for more than a minute is not waited for", async () => {
  let tries = 0;
  const attempt = retrying(policy, undefined, () => {
    tries++;
    throw asTransient(new SatchelError("registry", "busy"), 61_000);
  });
  await rejects(attempt, { message: "busy" });
  equal(tries, 1);
});

Deno.test("a pause ends when it is cancelled", async () => {
  const controller = new AbortController();
  const pausing = pause(1_000_000, controller.signal);
  controller.abort();
  await rejects(pausing, { code: "cancelled" });
});

Deno.test("Retry-After is seconds or a date, and nothing else", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  equal(parseRetryAfter("120", now), 120_000);
  equal(parseRetryAfter(" 0 ", now), 0);
  equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
  equal(parseRetryAfter("Wed, 31 Dec 2025 00:00:30 GMT", now), 0);
  for (const text of [null, "", "-1", "1.5", "soon", "2026-01-01", "99999999999999"]) {
    equal(parseRetryAfter(text, now), undefined);
  }
});

Deno.test("pauses grow, and stay between half of their length and the whole", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (first, failures, random) => {
        const full = Math.min(first * 2 ** (failures - 1), 10_000);
        const delay = backoff(first, failures, () => random);
        equal(delay >= full / 2 && delay <= full, true);
      },
    ),
  );
});
