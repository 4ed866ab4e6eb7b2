import { join } from "node:path";

/** A temporary folder; `await using` removes it. */
export interface Scratch extends AsyncDisposable {
  path: string;
  /** A path below it. */
  at(...names: string[]): string;
}

/** Makes a temporary folder that is gone after the test, whatever the modes of what it holds. */
export async function scratchFolder(): Promise<Scratch> {
  const path = await Deno.makeTempDir({ prefix: "satchel-test-" });
  return {
    path,
    at: (...names) => join(path, ...names),
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true });
    },
  };
}
