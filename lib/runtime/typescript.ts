import process from "node:process";

/** What is used of `Bun.Transpiler`. */
interface BunTranspiler {
  new (options: { loader: "ts"; target: "node" }): { transformSync(source: string): string };
}

/** What is used of `node:module`, which Bun's has not. */
interface NodeModule {
  stripTypeScriptTypes(source: string, options: { mode: "transform" }): string;
}

const { Bun: bun } = globalThis as { Bun?: { Transpiler: BunTranspiler } };

/**
 * Makes JavaScript of a module in TypeScript: types go, enums become objects. Types are not checked.
 *
 * Whatever Bun loads by itself it may take from a cache of compiled files below `HOME`, whoever owns that; what is translated here
 * is not cached.
 *
 * For Node: for itself Bun would make `require` load files in a way of its own.
 *
 * @throws {Error} with places and reasons, in the words of the runtime
 */
export function toJavaScript(source: string): string {
  if (bun) return new bun.Transpiler({ loader: "ts", target: "node" }).transformSync(source);
  const module = process.getBuiltinModule("node:module") as unknown as NodeModule;
  return module.stripTypeScriptTypes(source, { mode: "transform" });
}

/** What is wrong with a module that {@link toJavaScript} or the engine refused, in one line; with `line:column` where it is told. */
export function syntaxErrorText(error: unknown): string {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return errors.slice(0, 3).map(oneSyntaxError).join("; ");
}

function oneSyntaxError(error: unknown): string {
  const { message, position } = error as { message?: unknown; position?: { line?: unknown; column?: unknown } | null };
  const text = String(message ?? error);
  if (typeof position?.line === "number") return `${position.line}:${position.column ?? 1}: ${text.trim()}`;
  // Deno draws the line with a mark below it, and tells the place behind that.
  const [first] = text.replace(/^SyntaxError: /, "").split("\n");
  const place = / at file:\/\/\/stripTypeScriptTypes\.ts:(\d+:\d+)$/.exec(text)?.[1];
  return place === undefined ? first.trim() : `${place}: ${first.trim()}`;
}
