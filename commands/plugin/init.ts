import { closeSync, fchmodSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemCode } from "../../lib/error.ts";
import { isPluginName, NAME_RULE } from "../../lib/plugin/mod.ts";
import { printable } from "../../lib/printable.ts";
import { readSmallFile } from "../../lib/small_file.ts";
import { write } from "../../lib/terminal/streams.ts";
import { EXIT_OK } from "../output/exit.ts";
import { isSet, pathOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { subcommand } from "../line/parse.ts";
import type { CommandSpec } from "../line/spec.ts";
import { FORMS, type StartingFile, startingFiles } from "./starting_points.ts";

/** More than any version of the types has, in bytes. */
const MAX_SHARED = 1 << 20;

/**
 * `satchel plugin init NAME`: writes a plugin that runs as it is. What is there is never overwritten. It needs no setting,
 * and so it works beside a configuration file that is broken.
 */
export async function run(invocation: Invocation): Promise<number> {
  const [name] = invocation.arguments;
  const [root] = invocation.path;
  checkName(root, name);
  const form = FORMS.find((each) => each === textOf(invocation.flags, "form")) ?? "module";
  const folder = pathOf(invocation.flags, "directory") ?? ".";
  const files = startingFiles(form, name);
  for (const file of files) {
    const path = join(folder, file.name);
    if (!file.isShared && exists(path)) throw taken(path);
  }
  makeFolder(folder);
  const written = files.flatMap((file) => writeNew(folder, file) ? [join(folder, file.name)] : []);
  const main = join(folder, files.at(-1)!.name);
  const path = main.startsWith("/") || main.startsWith(".") ? main : `./${main}`;
  for (const file of files) {
    if (isOther(folder, file)) write("stderr", otherText(root.name, join(folder, file.name)));
  }
  if (!isSet(invocation.flags, "quiet")) write("stdout", nextSteps(root.name, name, path, written));
  return EXIT_OK;
}

function checkName(root: CommandSpec, name: string): void {
  if (!isPluginName(name)) {
    throw new SatchelError("usage", `${printable(JSON.stringify(name))} is no name for a plugin`, {
      hint: `It has to be made of ${NAME_RULE}.`,
    });
  }
  if (subcommand(root, name) || name === "satchel") {
    throw new SatchelError("usage", `a plugin cannot be called ${name}: that name is satchel's own`);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw notWritten(folder, cause);
  }
}

/** @returns whether it was written; a shared one that is there stays */
function writeNew(folder: string, { name, text, mode, isShared }: StartingFile): boolean {
  const path = join(folder, name);
  try {
    const fd = openSync(path, "wx", mode);
    try {
      writeFileSync(fd, text);
      // The umask may have taken away what others need to read and run it.
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
    return true;
  } catch (cause) {
    if (systemCode(cause) !== "EEXIST") throw notWritten(path, cause);
    if (isShared) return false;
    throw taken(path);
  }
}

/** Whether a shared file that has stayed has another text than the one that would have been written. */
function isOther(folder: string, { name, text, isShared }: StartingFile): boolean {
  if (!isShared) return false;
  try {
    return new TextDecoder().decode(readSmallFile(join(folder, name), MAX_SHARED)) !== text;
  } catch {
    // Whatever it is, it is not what would have been written.
    return true;
  }
}

function otherText(program: string, path: string): string {
  const shown = printable(path);
  return `Warning: ${shown} is not that of this version, and was left as it is; ` +
    `\`${program} plugin types > ${shown}\` replaces it\n`;
}

function taken(path: string): SatchelError {
  return new SatchelError("usage", `${printable(path)} is there already`, {
    hint: "Choose another name or another --directory; nothing was written.",
  });
}

function notWritten(path: string, cause: unknown): SatchelError {
  const why = systemCode(cause) ?? String(cause);
  return new SatchelError("storage", `cannot write ${printable(path)}: ${printable(why)}`, { cause });
}

function nextSteps(program: string, name: string, path: string, written: readonly string[]): string {
  const shown = printable(path);
  return `Wrote ${written.map((each) => printable(each)).join(" and ")}

Try it:
  ${program} --plugin ${shown} ${name} hello
  ${program} --plugin ${shown} image pull trace_open
  ${program} plugin inspect ${shown}
Install it:
  install -D -m ${path.endsWith(".ts") ? "0644" : "0755"} ${shown} ~/.config/satchel/plugins/${path.split("/").at(-1)}
`;
}
