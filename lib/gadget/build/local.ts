import { isAbsolute } from "node:path";
import { runProgram } from "../../runtime/mod.ts";
import type { BuildPlaces, BuildStep, StepResult, StepRunner } from "./step.ts";
import { StepOutput } from "./step_output.ts";
import { programPath } from "./tools.ts";

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
  const output = new StepOutput();
  // What a compiler starts itself must not be one of the gadget's folder either.
  const path = variables.PATH?.split(":").filter(isAbsolute).join(":");
  const take = (bytes: Uint8Array) => output.add(bytes);
  const { status } = await runProgram(programPath(program, variables) ?? program, args, {
    folder: places.source,
    environment: { ...variables, ...(path !== undefined && { PATH: path }), ...environment },
    maxOutput: 0,
    onStdout: take,
    onStderr: take,
    signal,
  });
  return { status, output: output.bytes() };
}
