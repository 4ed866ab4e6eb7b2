import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SatchelError, systemCode } from "../../error.ts";
import { printable } from "../../printable.ts";
import { readSmallFile } from "../../small_file.ts";
import { MAX_WASM_SIZE, readWasm } from "../inspect/wasm.ts";
import { CARGO_TARGET } from "./plan.ts";
import { unreadable } from "./inside.ts";

/** The largest WebAssembly module that is taken, in bytes; what Go makes of a gadget has about 5 MB. */
export const MAX_MODULE_SIZE = 256 * 1024 * 1024;

/** How many bytes say that something is a module of a version that is known. */
const MODULE_START = 8;

/**
 * Reads what a step has made.
 *
 * @param limit in bytes
 * @param made what makes it, for the error text
 * @throws {SatchelError} `program` if it is not there; `invalid` if it is too large; `storage`
 */
export function readOutput(path: string, limit: number, made: string): Uint8Array {
  try {
    return readSmallFile(path, limit);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw new SatchelError("program", `${made} did not write ${printable(path)}`);
    throw error instanceof SatchelError ? error : unreadable(path, error);
  }
}

/** A WebAssembly module. */
export interface ModuleFile {
  bytes: Uint8Array;
  /** Whether it says which version of the API it is for; `undefined` if that was not looked at. */
  hasVersion: boolean | undefined;
}

/**
 * Looks at what is to be a WebAssembly module.
 *
 * @param path for error texts
 * @param isValidated whether all of it is looked at, or its beginning alone
 * @throws {SatchelError} `invalid` if it is none
 */
export function checkModule(bytes: Uint8Array, path: string, isValidated: boolean): ModuleFile {
  // Of what is too large to be read, only that it is no text or the like.
  const isWhole = isValidated && bytes.length <= MAX_WASM_SIZE;
  const { apiVersion } = readWasm(isWhole ? bytes : bytes.subarray(0, MODULE_START), printable(path));
  return { bytes, hasVersion: isWhole ? apiVersion !== "missing" : undefined };
}

/**
 * Reads a WebAssembly module that was just compiled. Go does not notice when the disk is full, and leaves one that is cut off.
 *
 * @throws {SatchelError} `invalid` if it is none; `program`, `storage`
 */
export function readCompiledModule(path: string, isValidated: boolean): ModuleFile {
  const bytes = readOutput(path, MAX_MODULE_SIZE, "the compiler");
  try {
    return checkModule(bytes, path, isValidated);
  } catch (error) {
    if (!(error instanceof SatchelError) || error.code !== "invalid") throw error;
    const { message, hint, cause } = error;
    throw new SatchelError("invalid", message, {
      hint: hint ?? "What was compiled is broken. Is the disk full? TMPDIR may name a folder on another one.",
      cause,
    });
  }
}

/**
 * Finds the module that Cargo made: it has the name of the package, or that of its only target.
 *
 * @param source the Rust source, absolute
 * @param output the folder that Cargo wrote to, absolute
 * @throws {SatchelError} `program` if it is not to be found
 */
export function findCargoModule(source: string, output: string): string {
  const folder = join(output, CARGO_TARGET, "release");
  const modules = modulesIn(folder);
  const [first] = modules;
  if (modules.length === 1) return join(folder, first!);
  const name = packageName(join(dirname(source), "..", "Cargo.toml"));
  const own = modules.find((each) => each === `${name}.wasm` || each === `${name?.replaceAll("-", "_")}.wasm`);
  if (own !== undefined) return join(folder, own);
  const found = modules.length === 0 ? "none" : modules.map((each) => printable(each, 100)).join(", ");
  throw new SatchelError(
    "program",
    `cargo build left no module of the package in ${printable(folder)}: there is ${found}`,
    {
      hint: modules.length === 0 ? 'In Cargo.toml: [lib] with crate-type = ["cdylib"]' : undefined,
    },
  );
}

function modulesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".wasm")).sort().slice(0, 20);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw unreadable(folder, error);
  }
}

/** The first name in a Cargo.toml, which is the package's; as `ig` finds it. */
function packageName(manifest: string): string | undefined {
  try {
    return /^name *= *"([^"\n]+)"/m.exec(readFileSync(manifest, "utf8").slice(0, 100_000))?.[1];
  } catch {
    return undefined;
  }
}
