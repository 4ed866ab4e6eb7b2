import assert from "node:assert/strict";
import { type RunOptions, runSteps } from "./run.ts";
import type { BuildStep, StepResult, StepRunner } from "./step.ts";

function step(name: string, ...after: string[]): BuildStep {
  return { name, command: [name], environment: {}, after };
}

/** A runner whose steps end when the test says so. */
class Controlled implements StepRunner {
  readonly places = { source: "/s", output: "/o", btfhubArchive: undefined };
  readonly running = new Map<string, PromiseWithResolvers<StepResult>>();
  readonly begun: string[] = [];
  most = 0;

  run({ name }: BuildStep, signal: AbortSignal): Promise<StepResult> {
    const result = Promise.withResolvers<StepResult>();
    this.begun.push(name);
    this.running.set(name, result);
    this.most = Math.max(this.most, this.running.size);
    signal.addEventListener("abort", () => this.running.delete(name) && result.reject(new Error("ended")));
    return result.promise;
  }

  async end(name: string, status = 0): Promise<void> {
    this.running.get(name)!.resolve({ status, output: new TextEncoder().encode(`${name} says`) });
    this.running.delete(name);
    // Whatever follows from that has begun when its promises have come to rest.
    await new Promise((resolve) => setTimeout(resolve));
  }

  async [Symbol.asyncDispose]() {}
}

function start(steps: BuildStep[], options: Partial<RunOptions> = {}) {
  const runner = new Controlled();
  return { runner, result: runSteps(steps, runner, { signal: new AbortController().signal, ...options }) };
}

Deno.test("a step begins as soon as those are done that it needs, and beside all others", async () => {
  const { runner, result } = start([step("a"), step("a2", "a"), step("b"), step("b2", "b", "a")]);
  assert.deepEqual(runner.begun, ["a", "b"]);
  await runner.end("b");
  assert.deepEqual(runner.begun, ["a", "b"]);
  await runner.end("a");
  assert.deepEqual(runner.begun, ["a", "b", "a2", "b2"]);
  await runner.end("b2");
  await runner.end("a2");
  assert.equal(await result, undefined);
});

Deno.test("no more run at the same time than may", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const { runner, result } = start(names.map((name) => step(name)), { concurrency: 2 });
  for (const name of names) await runner.end(name);
  assert.equal(await result, undefined);
  assert.equal(runner.most, 2);
});

Deno.test("a step that fails ends those that run beside it, and none begins any more", async () => {
  const said: string[] = [];
  const { runner, result } = start([step("a"), step("b"), step("c", "a"), step("d")], {
    concurrency: 3,
    onDone: ({ name }, output) => said.push(`${name}: ${new TextDecoder().decode(output)}`),
  });
  await runner.end("d");
  await runner.end("a", 3);
  const failure = await result;
  assert.deepEqual([failure?.step.name, failure?.status], ["a", 3]);
  assert.equal(new TextDecoder().decode(failure?.output), "a says");
  assert.deepEqual(runner.begun, ["a", "b", "d"]);
  assert.deepEqual(said, ["d: d says"]);
  assert.equal(runner.running.size, 0);
});

Deno.test("what ends the call ends the steps, and is told as that", async () => {
  const controller = new AbortController();
  const { runner, result } = start([step("a"), step("b", "a")], { signal: controller.signal });
  controller.abort();
  await assert.rejects(result, { code: "cancelled" });
  assert.deepEqual([runner.begun, runner.running.size], [["a"], 0]);
  const before = start([step("a")], { signal: AbortSignal.abort() });
  await assert.rejects(before.result, { code: "cancelled" });
  assert.deepEqual(before.runner.begun, []);
});

Deno.test("no steps are done at once", async () => assert.equal(await start([]).result, undefined));

Deno.test("steps that wait for each other are a mistake of ours, and no endless wait", async () => {
  await assert.rejects(start([step("a", "b"), step("b", "a")]).result, /steps wait for each other: a,b/);
});
