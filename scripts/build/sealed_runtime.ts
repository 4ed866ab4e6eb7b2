import { Buffer } from "node:buffer";

/**
 * The Bun runtime that goes into the binary, made deaf to the variables through which an environment could run foreign
 * code in it, print credentials or switch off the check of certificates. `sudo -E` hands such variables on to root.
 *
 * A name is closed by overwriting its first byte with NUL wherever the runtime looks it up: no environment string can
 * contain that byte, so the look-up never finds anything. (`=` would not do: `getenv("BUN=OPTIONS")` finds the variable
 * `BUN` with the value `OPTIONS=...`.) Lengths and offsets stay as they are.
 */

/** A variable that the runtime must not see, and why. */
export interface SealedName {
  name: string;
  reason: string;
}

/** Every variable that is closed. {@link seal} fails if the runtime does not contain one of them. */
export const SEALED_NAMES: readonly SealedName[] = [
  { name: "BUN_OPTIONS", reason: "its value is read as arguments of Bun: `--preload FILE` runs a foreign script" },
  { name: "BUN_BE_BUN", reason: "turns the binary into the `bun` command, which runs whatever it is given" },
  { name: "BUN_INSPECT", reason: "opens a debugger socket, through which anybody on it runs code" },
  { name: "BUN_INSPECT_CONNECT_TO", reason: "connects the debugger to an address of somebody else's" },
  { name: "BUN_INSPECT_NOTIFY", reason: "connects to a socket of somebody else's to tell of the debugger" },
  { name: "BUN_INSPECT_PRELOAD", reason: "runs a foreign script before the debugger starts" },
  { name: "BUN_BYTECODE_ORDER_OUT", reason: "writes a file of the variable's choice with the user's rights" },
  { name: "BUN_BYTECODE_ORDER_NAMES_OUT", reason: "the same" },
  { name: "BUN_BYTECODE_DIGEST_OUT", reason: "the same" },
  { name: "BUN_WATCHER_TRACE", reason: "appends to a file of the variable's choice" },
  { name: "BUN_CONFIG_VERBOSE_FETCH", reason: "prints every request with its Authorization header" },
  { name: "NODE_TLS_REJECT_UNAUTHORIZED", reason: "`0` accepts every certificate" },
  { name: "BUN_FEATURE_FLAG_INTERNAL_FOR_TESTING", reason: "opens the runtime's internal test modules" },
  { name: "BUN_ENABLE_CRASH_REPORTING", reason: "sends a crash to Bun's makers, by the `curl` that PATH finds" },
  { name: "BUN_CRASH_REPORT_URL", reason: "sends a crash to an address of the variable's choice" },
  { name: "NODE_DEBUG", reason: "prints what HTTP and TLS do, credentials among it" },
  { name: "NODE_REPL_EXTERNAL_MODULE", reason: "loads a foreign module" },
  {
    name: "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
    reason: "runs whatever a file there says is the compiled form of a module",
  },
];

/**
 * The folder of the cache of compiled modules, below `HOME` or `XDG_CACHE_HOME`, whoever owns these, with the text that it stands behind
 * (on macOS another part of its path is between). satchel gives Bun no modules to compile but its own, which are in the
 * binary; with NUL in its place no path leads to that folder, should this change.
 */
const CACHE_FOLDER = /memory(?:bun)?@t@/g;

/**
 * `BUN_JSC_<option>=` sets options of the JavaScript engine, some of which write files. The runtime does not look these
 * up by a string but compares the eight bytes of the prefix one after the other, in machine code. With one bit of the
 * second comparison's offset cleared it looks at the first byte again, which then would have to be both `B` and `U`.
 */
const PREFIX_COMPARISON: Readonly<Record<Cpu, { pattern: string; at: number; clear: number }>> = {
  // cmp byte [r14], 'B'; jne; cmp byte [r14+1], 'U'; jne; cmp byte [r14+2], 'N'; jne; cmp byte [r14+3], '_'
  x64: { pattern: "41803e42 75.. 41807e0155 75.. 41807e024e 75.. 41807e035f", at: 9, clear: 0x01 },
  // ldrb w10, [x9, #1]; cmp w10, 'U'; b.ne; ldrb w10, [x9, #2]; cmp w10, 'N'; b.ne; ldrb w10, [x9, #3]; cmp w10, '_'
  arm64: { pattern: "054039 ..550171 ......54 ..094039 ..390171 ......54 ..0d4039 ..7d0171", at: 0, clear: 0x04 },
};

/** Processors whose machine code is known. */
export type Cpu = "x64" | "arm64";

/**
 * Closes the runtime in place.
 *
 * @param runtime the bytes of a Bun executable
 * @throws {Error} if a name is not in the runtime: then Bun has changed, and the list has to be looked at again
 */
export function seal(runtime: Uint8Array, cpu: Cpu): void {
  const bytes = new Bytes(runtime);
  // Long names first: BUN_INSPECT is the beginning of others, and each must be found for itself.
  for (const { name } of SEALED_NAMES.toSorted((a, b) => b.name.length - a.name.length)) {
    if (sealName(bytes, name) === 0) {
      throw new Error(`Cannot close the runtime: it does not contain ${name}. Compare scripts/build with this Bun`);
    }
  }
  const caches = bytes.findMatches(CACHE_FOLDER);
  if (caches.length !== 1) {
    throw new Error(`Cannot close the runtime: ${caches.length} places name its cache, 1 was expected`);
  }
  bytes.write(caches[0].index + caches[0][0].indexOf("@t@"), "\0");
  const { pattern, at, clear } = PREFIX_COMPARISON[cpu];
  const found = bytes.findPattern(pattern);
  if (found.length !== 1) {
    throw new Error(`Cannot close the runtime: ${found.length} places compare with BUN_JSC_, 1 was expected`);
  }
  runtime[found[0] + at] &= ~clear;
}

/** Closes one name wherever it is looked up, and leaves it in messages; tells at how many places. */
function sealName(bytes: Bytes, name: string): number {
  let places = 0;
  for (const at of bytes.find(name)) {
    // In the runtime's own JavaScript: `process.env.NAME` becomes `process.env[""]`, of the same length.
    if (bytes.endsWith(at, ".env.")) {
      bytes.write(at - 1, '[""]'.padEnd(name.length + 1));
    } else if (bytes.isTableEntry(at)) {
      bytes.write(at, "\0");
    } else {
      continue;
    }
    places++;
  }
  return places;
}

/** Search in bytes as if they were text: one character a byte, which the engine searches many times faster. */
class Bytes {
  readonly #buffer: Buffer;
  readonly #text: string;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#text = this.#buffer.toString("latin1");
  }

  /** Where `text` stands, without the places that were overwritten meanwhile. */
  find(text: string): number[] {
    return this.#search(text).filter((at) => this.#buffer.toString("latin1", at, at + text.length) === text);
  }

  /** Where bytes stand that are given in hexadecimal; `..` stands for any byte. */
  findPattern(pattern: string): number[] {
    const expression = pattern.replaceAll(" ", "").replace(
      /../g,
      (pair) => pair === ".." ? "[^]" : `\\x${pair}`,
    );
    return this.findMatches(new RegExp(expression, "g")).map(({ index }) => index);
  }

  findMatches(pattern: RegExp): RegExpExecArray[] {
    return Array.from(this.#text.matchAll(pattern));
  }

  endsWith(at: number, text: string): boolean {
    return this.#text.slice(at - text.length, at) === text;
  }

  /** In tables of names an entry follows a NUL or, without a separator, another entry; in messages a blank or a mark. */
  isTableEntry(at: number): boolean {
    return !` "'$(,.`.includes(this.#text[at - 1]);
  }

  write(at: number, text: string): void {
    this.#buffer.write(text, at, "latin1");
  }

  #search(text: string): number[] {
    const places: number[] = [];
    for (let at = this.#text.indexOf(text); at >= 0; at = this.#text.indexOf(text, at + 1)) places.push(at);
    return places;
  }
}
