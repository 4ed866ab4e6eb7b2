import { SatchelError } from "../lib/error.ts";
import { EXIT_OK } from "./output/exit.ts";
import { printHelp } from "./line/help.ts";
import type { Invocation } from "./line/invocation.ts";
import { findCommand, suggestedCommands, UsageContext } from "./line/parse.ts";

/** `satchel help [command]`: the same as `satchel [command] --help`. */
export async function run(invocation: Invocation): Promise<number> {
  const [root] = invocation.path;
  const topic = invocation.arguments;
  const path = findCommand(root, topic);
  if (path.length <= topic.length) {
    throw new SatchelError("usage", `unknown help topic ${JSON.stringify(topic.join(" "))}`, {
      cause: new UsageContext(path, suggestedCommands(path[path.length - 1], topic[path.length - 1])),
    });
  }
  printHelp(path);
  return EXIT_OK;
}
