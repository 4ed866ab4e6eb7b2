import { versionLine } from "./commands/build_info.ts";
import { EXIT_CANCELLED, EXIT_OK, exitStatus } from "./commands/output/exit.ts";
import { isSet } from "./commands/line/flags.ts";
import { printHelp } from "./commands/line/help.ts";
import { firstWordAt, flagsOfLine, lenientFlags, parseLine, subcommand } from "./commands/line/parse.ts";
import { errorText, stackText } from "./commands/output/error_text.ts";
import { commandTree } from "./commands/tree.ts";
import { hasCode, SatchelError } from "./lib/error.ts";
import { commandLine, environment, exit, invocationName, onTermination, onUncaught } from "./lib/runtime/process.ts";
import { write } from "./lib/terminal/streams.ts";

/** How long a command may take to come to rest after Ctrl-C, in milliseconds, if it says nothing else. Nothing breaks if it is cut short. */
const GRACE = 2000;
let grace = GRACE;

const controller = new AbortController();
const line = commandLine();
const root = commandTree(invocationName());

const foreignAt = foreignWordAt();
/** What of the line is satchel's own: a plugin may have flags of the same names. */
const ownLine = foreignAt < 0 ? line : line.slice(0, foreignAt);

onTermination((signal) => {
  if (controller.signal.aborted) exit(EXIT_CANCELLED);
  controller.abort(new SatchelError("cancelled", `interrupted by ${signal}`));
  setTimeout(() => fail(controller.signal.reason), grace);
});

onUncaught(fail);

try {
  exit(await run());
} catch (error) {
  fail(controller.signal.aborted && !hasCode(error, "cancelled") ? controller.signal.reason : error);
}

function fail(error: unknown): never {
  try {
    write("stderr", errorText(error, flagsOfLine(root, line), root.name));
    if (isSet(lenientFlags(root, ownLine), "debug")) write("stderr", stackText(error));
  } finally {
    // Where nothing can be told, the status still tells it.
    exit(exitStatus(error));
  }
}

/** Where the word stands that may name a plugin, since satchel has no such command; -1 if there is none. */
function foreignWordAt(): number {
  const at = firstWordAt(root, line);
  return at < 0 || subcommand(root, line[at]) ? -1 : at;
}

/** Runs `satchel NAME ...` for a plugin; `undefined` if that is what satchel itself is asked for, or nobody is. */
async function runForeign(): Promise<number | undefined> {
  if (foreignAt < 0) return undefined;
  const { runPluginCommand } = await import("./commands/plugin/run.ts");
  return await runPluginCommand({
    root,
    line,
    at: foreignAt,
    environment: environment(),
    signal: controller.signal,
  });
}

async function run(): Promise<number> {
  const status = await runForeign();
  if (status !== undefined) return status;
  const { path, arguments: words, flags } = parseLine(root, line);
  const { load } = path[path.length - 1];
  if (isSet(flags, "version")) {
    write("stdout", versionLine());
    return EXIT_OK;
  }
  if (!load || isSet(flags, "help")) {
    printHelp(path);
    return EXIT_OK;
  }
  const command = await load();
  grace = command.grace ?? GRACE;
  return await command.run({
    path,
    arguments: words,
    flags,
    environment: environment(),
    signal: controller.signal,
  });
}
