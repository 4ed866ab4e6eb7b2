import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { splitWords } from "./words.ts";

/** Flags whose value may be the next word. */
const WITH_VALUE = ["-D", "-U", "-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros"];

/** What the flags of a build.yaml may be: nothing that writes to other files, or loads or runs other code. */
const HARMLESS: readonly RegExp[] = [
  /^-(D|U|I|isystem|iquote|idirafter).+$/,
  /^-W[a-z][^,]*$/,
  /^-(w|pedantic|pedantic-errors|nostdinc|nostdlibinc|g[0-3]?|gdwarf-[2-5])$/,
  /^-O([0-3sz]|fast)?$/,
  /^-std=.+$/,
  /^-fno-(?!integrated-)[a-z-]+$/,
  /^-f(freestanding|builtin|inline-functions|unroll-loops|wrapv|short-enums|strict-aliasing|ms-extensions)$/,
  /^-f(signed|unsigned)-(char|bitfields)$/,
  /^-f(debug|macro|file)-prefix-map=.+$/,
  /^-m(cpu=[a-z0-9]+|little-endian|big-endian)$/,
];

/**
 * Reads flags for the compiler out of a build.yaml. Whoever builds a gadget may have it from somebody else, and a compiler does
 * many things by flags: it loads plugins and writes files. So only those are taken that say how to read and translate a source.
 *
 * @param text words as in a shell
 * @param what where they stand, for error texts
 * @throws {SatchelError} `invalid`
 */
export function readForeignFlags(text: string, what: string): string[] {
  const flags = readOwnFlags(text, what);
  for (let at = 0; at < flags.length; at++) {
    if (WITH_VALUE.includes(flags[at])) {
      at++;
      if (at === flags.length) throw refused(what, flags[at - 1], "it needs a value");
      // clang finds some flags wherever they stand, as `--driver-mode=`, after which others mean something else.
      if (flags[at].startsWith("-")) throw refused(what, flags[at], `it cannot be the value of ${flags[at - 1]}`);
    } else if (!HARMLESS.some((pattern) => pattern.test(flags[at]))) {
      throw refused(what, flags[at], "not one that a build.yaml may have", "Give it with --cflags if you want it.");
    }
  }
  return flags;
}

/**
 * Reads flags for the compiler that the user gives: all but those that satchel itself has to give.
 *
 * @throws {SatchelError} `usage`
 */
export function readOwnFlags(text: string, what: string): string[] {
  const flags = splitWords(text, what);
  for (const flag of flags) {
    if (flag.startsWith("@")) throw refused(what, flag, "files with more flags are not read");
    if (/^(-o.*|-c|-S|-E|-M.*|-emit-.*|--output.*|--target.*|-target)$/.test(flag)) {
      throw refused(what, flag, "what is made, and where, is decided by satchel");
    }
  }
  return flags;
}

function refused(what: string, flag: string, why: string, hint?: string): SatchelError {
  return new SatchelError("usage", `${what}: the flag ${printable(flag, 100)} is refused: ${why}`, { hint });
}
