import { closeSync, fchmodSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemCode } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { write } from "../../lib/terminal/streams.ts";
import { EXIT_OK } from "../output/exit.ts";
import { pathOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { subcommand } from "../line/parse.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import type { CommandSpec } from "../line/spec.ts";
import { FORMS, type StartingFile, startingFiles } from "./starting_points.ts";

/** `satchel plugin init NAME`: writes a plugin that runs as it is. What is there is never overwritten. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, invocation.signal);
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
  reporter.finish();
  const main = join(folder, files.at(-1)!.name);
  const path = main.startsWith("/") || main.startsWith(".") ? main : `./${main}`;
  if (!settings.quiet) write("stdout", nextSteps(root.name, name, path, written));
  return EXIT_OK;
}

function checkName(root: CommandSpec, name: string): void {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw new SatchelError("usage", `${printable(JSON.stringify(name))} is no name for a plugin`, {
      hint: "Use small letters, digits and dashes, at most 64, beginning with a letter.",
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
