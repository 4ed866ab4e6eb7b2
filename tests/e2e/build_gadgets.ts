import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, ROOT, satchel, type Scratch } from "../harness/mod.ts";

/** Gadgets that the real `ig` has built; see the README there. */
export const GADGETS = join(ROOT, "tests/fixtures/gadgets");

/** The names of all of them. */
export const GADGET_NAMES = readdirSync(GADGETS, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((
  { name },
) => name);

/** What the recorded images were built with. */
export const RECORDED = { env: { SOURCE_DATE_EPOCH: "1700000000" }, flags: ["--builder-version", "v0.0.0"] };

/** The digest that `ig` printed. */
export function recordedDigest(name: string): string {
  return readFileSync(join(GADGETS, name, "image/digest"), "utf8").trim();
}

/** Copies the sources of a recorded gadget into a scratch folder; returns where they are. */
export function copyGadget(scratch: Scratch, name: string, to = name): string {
  cpSync(join(GADGETS, name, "source"), scratch.at(to), { recursive: true });
  return scratch.at(to);
}

/** Makes a folder with files. */
export function writeFolder(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Every file below a folder with its bytes, its mode and when it was written. */
export function filesOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder, { recursive: true }) as string[];
  return Object.fromEntries(
    names.sort().map((name) => {
      const { mode, mtimeMs } = lstatSync(join(folder, name));
      const path = join(folder, name);
      const bytes = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path).toString("base64") : "";
      return [name, `${mode} ${mtimeMs} ${bytes}`];
    }),
  );
}

/** Writes a program for a shell; returns its path. */
export function writeScript(path: string, lines: readonly string[]): string {
  writeFileSync(path, `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
}

/** Lines of a shell that find out what clang is asked for: `$arch` (x86 or arm64) and `$out`. */
export const READ_CLANG_ARGUMENTS = [
  "arch= out= before=",
  'for each in "$@"; do',
  '  case "$each" in __TARGET_ARCH_*) arch=${each#__TARGET_ARCH_} ;; esac',
  '  [ "$before" = -o ] && out=$each',
  "  before=$each",
  "done",
];

/** The environment by which recorded objects stand in for compilers. */
export function recordedTools(scratch: Scratch, name: string): Record<string, string> {
  const objects = join(GADGETS, name, "objects");
  const CLANG = writeScript(scratch.at("fake-clang"), [
    ...READ_CLANG_ARGUMENTS,
    '[ "$arch" = x86 ] && arch=amd64',
    `cp ${objects}/$arch.bpf.o "$out"`,
  ]);
  return { CLANG, LLVM_STRIP: writeScript(scratch.at("fake-strip"), ["exit 0"]) };
}

/** What a store has, with what has no name. */
export async function listAll(store: string): Promise<{ Repository: string; Digest: string; Kind: string }[]> {
  const outcome = await satchel(["image", "list", "--all", "-o", "json"], { store });
  assert.equal(outcome.code, 0, describe(outcome));
  return JSON.parse(outcome.stdout);
}

const FIXTURE_FOLDER = "/tmp/satchel-fixture";

/** What tells a folder that tests have made from one of somebody else. */
const MARK = ".made-by-the-tests-of-satchel";

/**
 * Puts the sources of a recorded gadget where the recorded one was built, as clang writes that into the object. Only one test at a time can
 * have that place.
 *
 * @throws {Error} if somebody else has something there
 */
export function placeGadget(name: string): Disposable & { folder: string } {
  mkdirSync(FIXTURE_FOLDER, { recursive: true });
  const stat = lstatSync(FIXTURE_FOLDER);
  const folder = join(FIXTURE_FOLDER, name);
  if (!stat.isDirectory() || stat.uid !== Deno.uid()) {
    throw new Error(`${FIXTURE_FOLDER} is not ours, and gadgets have to be built there. Remove it.`);
  }
  const lock = Deno.openSync(join(FIXTURE_FOLDER, `.${name}.lock`), { create: true, write: true });
  lock.lockSync(true);
  if (existsSync(folder) && !existsSync(join(folder, MARK))) {
    lock.close();
    throw new Error(`${folder} is there, and not made by these tests. Remove it.`);
  }
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(GADGETS, name, "source"), folder, { recursive: true });
  writeFileSync(join(folder, MARK), "");
  return {
    folder,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
      lock.close();
    },
  };
}
