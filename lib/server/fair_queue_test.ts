import { strict as assert } from "node:assert";
import { FairQueue, QueueFullError } from "./fair_queue.ts";

/** A queue whose work waits until the test lets it go; what was begun is in `begun`. */
function held(options: Partial<ConstructorParameters<typeof FairQueue>[0]> = {}) {
  const queue = new FairQueue({ atOnce: 1, maxWaiting: 6, maxWaitingOfOne: 4, ...options });
  const begun: string[] = [];
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  const ask = (client: string, user = "jane") =>
    queue.run(client, user, async () => {
      begun.push(`${client} ${user}`);
      await promise;
      return "done";
    });
  return { queue, begun, ask, letGo };
}

/** What came of tries: `done` or `refused`. */
async function outcomes(tries: readonly Promise<string>[]): Promise<string[]> {
  return (await Promise.allSettled(tries)).map((outcome) => {
    if (outcome.status === "fulfilled") return outcome.value;
    assert.ok(outcome.reason instanceof QueueFullError);
    return "refused";
  });
}

Deno.test("clients have turns, and of a client its users have", async () => {
  const { begun, ask, letGo } = held();
  const tries = [ask("a"), ask("a"), ask("a", "joe"), ask("b"), ask("a"), ask("b")];
  letGo();
  assert.deepEqual(await outcomes(tries), Array(6).fill("done"));
  assert.deepEqual(begun, ["a jane", "a jane", "b jane", "a joe", "b jane", "a jane"]);
});

Deno.test("whoever waits for most makes room for another client", async () => {
  const { ask, letGo } = held();
  const flood = ["a", "b", "c"].flatMap((client) => [ask(client), ask(client), ask(client)]);
  const quiet = ask("quiet");
  letGo();
  assert.equal(await quiet, "done");
  const came = await outcomes(flood);
  assert.equal(came.filter((each) => each === "done").length, 6);
});

Deno.test("whichever user waits for most makes room for another one of the same client", async () => {
  const { ask, letGo } = held();
  const flood = Array.from({ length: 8 }, () => ask("a", "guessed"));
  const other = ask("a", "other");
  letGo();
  assert.equal(await other, "done");
  assert.deepEqual(await outcomes(flood), [...Array(4).fill("done"), ...Array(4).fill("refused")]);
});

Deno.test("nobody has to go for somebody who waits for as much", async () => {
  const { ask, letGo } = held({ maxWaiting: 2 });
  const tries = [ask("a"), ask("b"), ask("c"), ask("d")];
  letGo();
  assert.deepEqual(await outcomes(tries), ["done", "done", "done", "refused"]);
});

Deno.test("work that fails makes way for the next", async () => {
  const { queue } = held();
  await assert.rejects(queue.run("a", "jane", () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await queue.run("a", "jane", async () => "done"), "done");
});
