import library from "json-p3/dist/json-p3.iife.min.js" with { type: "text" };
import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { startWorker } from "../../lib/runtime/worker.ts";

/** The longest expression, in UTF-16 units. */
const MAX_EXPRESSION = 1000;

/** The most values that an expression may find: with `[*,*]` after `[*,*]` each step doubles them. */
const MAX_FOUND = 100_000;

/** How long an expression may be evaluated, in milliseconds: filters within filters, and regular expressions, may take for ever. */
const PATIENCE = 10_000;

/** How deep a value is searched by `..`. */
const MAX_DEPTH = 200;

/** How much of an expression stands in an error, in UTF-16 units. */
const MAX_SHOWN = 200;

/** Evaluates one expression. */
const WORKER = `
addEventListener("message", ({ data }) => {
  const { library, expression, value, maxFound, maxDepth } = data;
  const { jsonpath } = new Function(library + ";return json_p3;")();
  let query;
  try {
    query = new jsonpath.JSONPathEnvironment({ maxRecursionDepth: maxDepth }).compile(expression);
  } catch (error) {
    postMessage({ invalid: error.message });
    return;
  }
  try {
    const found = [];
    for (const node of query.lazyQuery(value)) {
      if (found.push(node.value) > maxFound) {
        postMessage({ failed: "it finds more than " + maxFound + " values" });
        return;
      }
    }
    const steps = query.segments.map(({ selectors: [first] }) => first.name ?? first.index);
    postMessage({ found, steps: query.singularQuery() ? steps : undefined });
  } catch (error) {
    postMessage({ failed: error.message });
  }
});
postMessage({});
`;

/** What the worker sends; nothing as soon as it is there. */
interface Answer {
  invalid?: string;
  failed?: string;
  found?: unknown[];
  /** The names and indexes of an expression that can find but one value. */
  steps?: (string | number)[];
}

/**
 * Applies a JSONPath expression (RFC 9535) to a value: what it finds, as a list unless it can find but one, by its form.
 *
 * It runs in a worker: the engine cannot interrupt it, and whoever waits should be able to.
 *
 * @param typed with its `$`, or without it, as `ig` has it: `.name`, `[0].fields[*].fullName`
 * @param value as JSON has it
 * @throws {SatchelError} `usage` for no expression, or one that takes too long; `not-found` if one that can find but one finds nothing;
 *   `cancelled`
 */
export async function queryJson(typed: string, value: unknown, signal: AbortSignal): Promise<unknown> {
  if (typed === "") throw new SatchelError("usage", "--jsonpath needs an expression");
  const expression = typed.startsWith("$") ? typed : `$${typed}`;
  if (expression.length > MAX_EXPRESSION) {
    throw cannot(typed, `it is longer than ${MAX_EXPRESSION} characters`);
  }
  const { invalid, failed, found = [], steps } = await evaluate(expression, typed, value, signal);
  if (invalid !== undefined) {
    throw new SatchelError("usage", `parsing path ${shown(typed)}: ${printable(invalid, MAX_SHOWN)}`, {
      hint: "It is a JSONPath of RFC 9535, with or without its $: .name, [0].fields[*].fullName, $..name",
    });
  }
  if (failed !== undefined) throw cannot(typed, printable(failed, MAX_SHOWN));
  if (steps === undefined) return found;
  if (found.length === 0) {
    throw new SatchelError("not-found", `resolving path ${shown(typed)}: ${whyNothing(value, steps)}`);
  }
  return found[0];
}

async function evaluate(expression: string, typed: string, value: unknown, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = { library, expression, value, maxFound: MAX_FOUND, maxDepth: MAX_DEPTH };
  const worker = startWorker(WORKER, {
    onMessage(message) {
      const answer = message as Answer;
      if (Object.keys(answer).length === 0) worker.post(request);
      else resolve(answer);
    },
    onError: (text) => reject(cannot(typed, text)),
    onEnd: () => reject(cannot(typed, "the worker has ended")),
  });
  const timer = setTimeout(() => reject(cannot(typed, `it takes longer than ${PATIENCE / 1000} s`)), PATIENCE);
  const cancel = () => reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    worker.terminate();
  }
}

/** Where the way to a single value ends. */
function whyNothing(value: unknown, steps: readonly (string | number)[]): string {
  let at = value;
  for (const step of steps) {
    if (typeof step === "number") {
      if (!Array.isArray(at)) return `index ${step} of what is no list`;
      const next = at.at(step);
      if (next === undefined) return `index ${step} out of bounds`;
      at = next;
    } else {
      const isObject = typeof at === "object" && at !== null && !Array.isArray(at);
      if (!isObject || !Object.hasOwn(at as object, step)) return `unknown key ${printable(step, MAX_SHOWN)}`;
      at = (at as Record<string, unknown>)[step];
    }
  }
  return "there is nothing";
}

function cannot(typed: string, why: string): SatchelError {
  return new SatchelError("usage", `resolving path ${shown(typed)}: ${why}`);
}

function shown(typed: string): string {
  return printable(JSON.stringify(typed), MAX_SHOWN);
}
