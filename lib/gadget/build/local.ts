import { Buffer } from "node:buffer";
import { runProgram } from "../../runtime/mod.ts";
import type { BuildPlaces, BuildStep, StepResult, StepRunner } from "./step.ts";
import { programPath } from "./tools.ts";

/** How much of what a step says is kept, in bytes. */
const MAX_OUTPUT = 256 * 1024;

/**
 * Runs steps by the programs of this host, in the folder of the sources, each in a session of its own: whatever it has started
 * ends with it.
 *
 * @param environment of this process, with `PATH`
 */
export function openLocal(places: BuildPlaces, environment: Readonly<Record<string, string | undefined>>): StepRunner {
  return {
    places,
    run: (step, signal) => runLocally(step, places, environment, signal),
    async [Symbol.asyncDispose]() {},
  };
}

async function runLocally(
  { command: [program, ...args], environment }: BuildStep,
  places: BuildPlaces,
  variables: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<StepResult> {
  const output = new Output();
  const take = (bytes: Uint8Array) => output.add(bytes);
  const { status } = await runProgram(programPath(program, variables) ?? program, args, {
    folder: places.source,
    environment: { ...variables, ...environment },
    maxOutput: 0,
    onStdout: take,
    onStderr: take,
    signal,
  });
  return { status, output: output.bytes() };
}

/** The beginning of what somebody says: of errors the first one is the one to read. */
class Output {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #isCut = false;

  add(bytes: Uint8Array): void {
    const part = bytes.subarray(0, MAX_OUTPUT - this.#length);
    this.#isCut ||= part.length < bytes.length;
    this.#length += part.length;
    this.#chunks.push(part.slice());
  }

  bytes(): Uint8Array {
    return Buffer.concat([...this.#chunks, ...(this.#isCut ? [new TextEncoder().encode("\n[...]\n")] : [])]);
  }
}
