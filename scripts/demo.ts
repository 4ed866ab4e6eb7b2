/**
 * Shows what satchel does: builds it, serves an empty store as a registry on a free port of this machine, and carries a
 * signed image that comes as a file over it into another store and across an air gap. Each command is printed before it
 * runs. Nothing of it is left but the binary.
 *
 *     deno task demo
 *
 * @module
 */
import { join } from "node:path";
import { BINARY, ROOT } from "../tests/harness/paths.ts";
import { type Background, startInBackground } from "../tests/harness/process.ts";
import { scratchFolder } from "../tests/harness/scratch.ts";

/** An image with its signature, as `ig image export` wrote it, and the name that it has in there. */
const ARCHIVE = join(ROOT, "tests/fixtures/ig-export-signed.tar");
const NAME = "127.0.0.1:5001/fixture/hello:v1";

const build = new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", "build"], cwd: ROOT, stdout: "inherit" });
if (!(await build.output()).success) Deno.exit(1);

await using scratch = await scratchFolder();
await Deno.copyFile(ARCHIVE, scratch.at("from-ig.tar"));
const environment: Record<string, string> = { HOME: scratch.path };

say("Two stores: one is served as a registry that can be pushed to, the other is that of this host.");
await using server = await serve("--writable", "--allow-anonymous-push", "--store", "served");
const host = server.found;
set("SATCHEL_STORE", scratch.at("this-host"));
set("SATCHEL_INSECURE_REGISTRIES", host);
const [pushed, tagged] = [`${host}/demo/hello:v1`, `${host}/demo/hello:stable`];

say("An image comes as a file, with its signature.");
await satchel("image", "import", "from-ig.tar");
await satchel("image", "list", "--all");

say("It gets a name in the registry, and goes there.");
await satchel("image", "tag", NAME, pushed);
await satchel("image", "push", pushed);
await satchel("image", "list", "--store", "served");

say("This host forgets it, and pulls it back. Every byte is checked against its digest.");
await satchel("image", "remove", NAME);
await satchel("image", "remove", pushed);
await satchel("image", "pull", pushed);
await satchel("image", "tag", pushed, tagged);
await satchel("image", "list");

say("Over an air gap: into an archive, away with it, and back from there.");
await satchel("image", "export", pushed, tagged, "images.tar");
await satchel("image", "remove", pushed);
await satchel("image", "remove", tagged);
await satchel("archive", "verify", "images.tar");
await satchel("image", "import", "images.tar");
await satchel("image", "list", "--all");
await satchel("store", "check");

say("That was it. The server ends, and the two stores are gone; the binary is dist/satchel.");

/** Starts the server on a free port, and shows what it says first. */
async function serve(...flags: string[]): Promise<Background<string>> {
  const args = ["serve", "--listen", "127.0.0.1:0", ...flags];
  console.log(`$ satchel ${args.join(" ")} &`);
  const server = await startInBackground(BINARY, args, {
    cwd: scratch.path,
    env: environment,
    ready: (line) => /^Serving .* on http:\/\/(\S+)/.exec(line)?.[1],
  });
  console.log(server.lines.filter((line) => line.startsWith("Serving")).join("\n"));
  return server;
}

function set(name: string, value: string): void {
  environment[name] = value;
  console.log(`$ export ${name}=${value}`);
}

/** Runs it to its end, which has to be a good one. */
async function satchel(...args: string[]): Promise<void> {
  console.log(`$ satchel ${args.join(" ")}`);
  const { PATH = "/usr/bin:/bin", TERM = "dumb" } = Deno.env.toObject();
  const { code } = await new Deno.Command(BINARY, {
    args,
    cwd: scratch.path,
    clearEnv: true,
    env: { PATH, TERM, ...environment },
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`satchel ${args.join(" ")} ended with status ${code}`);
}

function say(text: string): void {
  console.log(`\n# ${text}`);
}
