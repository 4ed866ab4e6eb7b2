import { join } from "node:path";

/** What the binary says about itself. */
export interface BuildInfo {
  /** The version in deno.json. */
  version: string;
  /** The commit: `SATCHEL_COMMIT`, else what git says, else `unknown`. */
  commit: string;
}

/** Finds out what a build of this tree is to be called. */
export async function buildInfo(root: string): Promise<BuildInfo> {
  const { version } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  if (typeof version !== "string") throw new Error(`deno.json has no "version"`);
  return { version, commit: Deno.env.get("SATCHEL_COMMIT") || await gitCommit(root) };
}

async function gitCommit(root: string): Promise<string> {
  try {
    const command = new Deno.Command("git", { args: ["rev-parse", "HEAD"], cwd: root, stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : "unknown";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "unknown"; // no git on this machine
    throw error;
  }
}
