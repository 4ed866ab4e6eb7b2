import { cancelled } from "../../error.ts";
import type { BuildStep, StepRunner } from "./step.ts";

/** A step that did not do what it should. */
export interface StepFailure {
  step: BuildStep;
  /** Its exit status; 128 and the number of the signal that ended it. */
  status: number;
  /** What it said. */
  output: Uint8Array;
}

/** Options of {@link runSteps}. */
export interface RunOptions {
  signal: AbortSignal;
  /** How many steps may run at the same time. Default: 4. */
  concurrency?: number;
  /** Told of each step that begins. */
  onStart?: (step: BuildStep) => void;
  /** Told of each step that has done its work, and of what it said. */
  onDone?: (step: BuildStep, output: Uint8Array) => void;
}

/**
 * Runs steps, each as soon as those are done that it needs. When one fails, those that run beside it are ended.
 *
 * @returns the first one that failed
 * @throws {SatchelError} what the runner throws; `cancelled`
 */
export async function runSteps(
  steps: readonly BuildStep[],
  runner: StepRunner,
  { signal, concurrency = 4, onStart, onDone }: RunOptions,
): Promise<StepFailure | undefined> {
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const waiting = new Set(steps);
  const done = new Set<string>();
  const running = new Set<Promise<void>>();
  let end: { failure: StepFailure } | { error: unknown } | undefined;
  const stopWith = (reason: NonNullable<typeof end>) => {
    end ??= reason;
    stop.abort();
  };
  const run = async (step: BuildStep) => {
    try {
      onStart?.(step);
      const { status, output } = await runner.run(step, stopped);
      if (status !== 0) return stopWith({ failure: { step, status, output } });
      done.add(step.name);
      onDone?.(step, output);
    } catch (error) {
      stopWith({ error });
    }
  };
  while (!stopped.aborted) {
    for (const step of waiting) {
      if (running.size >= concurrency) break;
      if (!step.after.every((name) => done.has(name))) continue;
      waiting.delete(step);
      const work: Promise<void> = run(step).finally(() => running.delete(work));
      running.add(work);
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  await Promise.all(running);
  if (signal.aborted) throw cancelled(signal, "building");
  if (end && "error" in end) throw end.error;
  if (!end && waiting.size > 0) throw new Error(`steps wait for each other: ${[...waiting].map(({ name }) => name)}`);
  return end?.failure;
}
