import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { installedBun, type Target } from "./targets.ts";
import { seal } from "./sealed_runtime.ts";

/**
 * Makes the closed runtime of a target, or takes the one that an earlier build made.
 *
 * It is kept below `node_modules/.satchel/`, under a name made of Bun's version and of the code that closes it.
 *
 * @returns the path of an executable for `--compile-executable-path`
 */
export async function sealedRuntime(root: string, target: Target): Promise<string> {
  const version = await bunVersion(root);
  const sealer = createHash("sha256").update(await Deno.readFile(join(root, "scripts/build/sealed_runtime.ts")));
  const name = `${target.package}-${version}-sealed-${sealer.digest("hex").slice(0, 12)}`;
  const path = join(root, "node_modules/.satchel", name);
  if (await exists(path)) return path;

  await Deno.mkdir(dirname(path), { recursive: true });
  const bytes = await Deno.readFile(await originalRuntime(root, target, version));
  seal(bytes, target.cpu);
  // Written beside and renamed, so that builds at the same time do not see half a file.
  const scratch = `${path}.${crypto.randomUUID()}.tmp`;
  await Deno.writeFile(scratch, bytes, { mode: 0o755 });
  await Deno.rename(scratch, path);
  return path;
}

/** The version of Bun that deno.json asks for. */
async function bunVersion(root: string): Promise<string> {
  const { imports } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const version = /^npm:bun@(\d+\.\d+\.\d+)$/.exec(imports?.bun ?? "")?.[1];
  if (version === undefined) throw new Error("deno.json does not name one version of npm:bun");
  return version;
}

/** Bun as npm has it: from node_modules for this machine, else fetched by npm and checked against deno.lock. */
async function originalRuntime(root: string, target: Target, version: string): Promise<string> {
  const installed = installedBun(root, target);
  if (await exists(installed)) return installed;

  const unpacked = join(root, "node_modules/.satchel", `${target.package}-${version}`);
  const bun = join(unpacked, "package/bin/bun");
  if (await exists(bun)) return bun;

  const id = `@oven/${target.package}@${version}`;
  const lock = JSON.parse(await Deno.readTextFile(join(root, "deno.lock")));
  const wanted: unknown = lock.npm?.[id]?.integrity;
  const scratch = await Deno.makeTempDir({ dir: dirname(unpacked), prefix: "fetch-" });
  try {
    const [packed] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", scratch, id]));
    const archive = join(scratch, `oven-${target.package}-${version}.tgz`);
    const found = `sha512-${createHash("sha512").update(await Deno.readFile(archive)).digest("base64")}`;
    if (found !== wanted) throw new Error(`${packed.id} has the digest ${found}, deno.lock says ${wanted}`);
    await run("tar", ["-xzf", archive, "-C", scratch]);
    await Deno.remove(archive);
    await Deno.rename(scratch, unpacked);
  } catch (error) {
    await Deno.remove(scratch, { recursive: true });
    throw error;
  }
  return bun;
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`${program} ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
