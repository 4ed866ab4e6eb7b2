import { resolve } from "node:path";
import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { findOnPath, isProgram } from "./on_path.ts";
import type { Program } from "./plan.ts";
import { splitWords } from "./words.ts";

/** Variables of an environment. */
type Variables = Readonly<Record<string, string | undefined>>;

/** What is to be known of programs that Debian 12 has too old. */
const NEWER: Readonly<Record<string, string>> = {
  go: "Go 1.24 or newer is needed: Debian 13 has it, Debian 12 in bookworm-backports; else https://go.dev/dl",
  cargo: "The target wasm32-wasip1 comes with rustup: https://rustup.rs, then rustup target add wasm32-wasip1",
};

/** The Debian packages that programs are in. */
const PACKAGES: Readonly<Record<string, string>> = {
  clang: "clang",
  "llvm-strip": "llvm",
  bpftool: "bpftool",
  tar: "tar",
  xz: "xz-utils",
};

/**
 * The program that a variable names, with the arguments that stand behind it (`ccache clang`); a path with blanks is one word if
 * there is such a program.
 *
 * @param usual what it is without that variable
 * @throws {SatchelError} `usage` if the variable has a quote that does not end
 */
export function toolOf(environment: Variables, variable: string, usual: string): Program {
  const text = environment[variable]?.trim();
  if (!text) return [usual];
  if (programPath(text, environment) !== undefined) return [text];
  const [program = usual, ...args] = splitWords(text, variable);
  return [program, ...args];
}

/** Where a program is that a shell would start, never by a `PATH` that depends on the current folder; `undefined` if it is nowhere. */
export function programPath(program: string, environment: Variables): string | undefined {
  if (!program.includes("/")) return findOnPath(program, environment.PATH);
  const path = resolve(program);
  return isProgram(path) ? path : undefined;
}

/**
 * Makes sure that programs are there.
 *
 * @throws {SatchelError} `program`, which names all that are missing
 */
export function checkPrograms(programs: readonly string[], environment: Variables): void {
  const missing = [...new Set(programs)].filter((program) => programPath(program, environment) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((program) => PACKAGES[program] ?? []))];
  const names = missing.map((program) => printable(program, 200)).join(", ");
  const message = missing.length === 1 ? `the program ${names} is not there` : `these programs are not there: ${names}`;
  const newer = [...new Set(missing.flatMap((program) => NEWER[program] ?? []))];
  const unknown = missing.filter((program) => !Object.hasOwn(PACKAGES, program) && !Object.hasOwn(NEWER, program));
  const hints = [
    ...(packages.length > 0 ? [`On Debian: apt install ${packages.join(" ")}`] : []),
    ...newer,
    ...(unknown.length > 0 ? ["CLANG, LLVM_STRIP and BPFTOOL may name others than the usual ones."] : []),
  ];
  throw new SatchelError("program", message, { hint: hints.join("\n") });
}
