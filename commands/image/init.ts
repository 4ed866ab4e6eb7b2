import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { GADGET_KINDS, GADGET_NAME_RULE, isGadgetName, type NewFile, newGadget } from "../../lib/gadget/init/files.ts";
import { printable } from "../../lib/printable.ts";
import { write } from "../../lib/terminal/streams.ts";
import { isSet, pathOf, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { EXIT_OK } from "../output/exit.ts";

/**
 * `satchel image init NAME`: writes a gadget that builds as it is. Nothing that is there is overwritten. It needs no setting, and so it
 * works beside a configuration file that is broken.
 */
export async function run(invocation: Invocation): Promise<number> {
  const [name] = invocation.arguments;
  if (!isGadgetName(name)) {
    throw new SatchelError("usage", `${printable(JSON.stringify(name), 100)} is no name for a gadget`, {
      hint: `It has to be made of ${GADGET_NAME_RULE}.`,
    });
  }
  const kind = GADGET_KINDS.find((each) => each === textOf(invocation.flags, "kind")) ?? "tracer";
  const folder = pathOf(invocation.flags, "directory") ?? name;
  makeEmptyFolder(folder);
  const files = newGadget(name, kind);
  for (const file of files) writeNew(folder, file);
  if (!isSet(invocation.flags, "quiet")) write("stdout", nextSteps(invocation.path[0].name, name, folder, files));
  return EXIT_OK;
}

function makeEmptyFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") throw taken(folder, "is there already, and no folder");
    throw notWritten(folder, cause);
  }
  let content: string[];
  try {
    content = readdirSync(folder);
  } catch (cause) {
    throw notWritten(folder, cause);
  }
  if (content.length > 0) throw taken(folder, "is there already, and not empty");
}

function writeNew(folder: string, { name, text }: NewFile): void {
  const path = join(folder, name);
  try {
    const fd = openSync(path, "wx", 0o644);
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") throw taken(path, "is there already");
    throw notWritten(path, cause);
  }
}

function taken(path: string, why: string): SatchelError {
  return new SatchelError("usage", `${printable(path)} ${why}`, {
    hint: "Choose another name or another --directory; nothing was overwritten.",
  });
}

function notWritten(path: string, cause: unknown): SatchelError {
  return new SatchelError("storage", `cannot write ${printable(path)}: ${printable(systemReason(cause))}`, { cause });
}

function nextSteps(program: string, name: string, folder: string, files: readonly NewFile[]): string {
  // A folder whose name begins with a hyphen would be taken for a flag.
  const shown = printable(folder.startsWith("-") ? `./${folder}` : folder);
  return `Wrote ${files.map((file) => printable(join(folder, file.name))).join(", ")}

Build it:
  ${program} image build --local -t ${name} ${shown}
Take over what its program gets in addition:
  ${program} image build --local --update-metadata -t ${name} ${shown}
`;
}
