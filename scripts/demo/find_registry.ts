import { join } from "node:path";
import { findPeer, PEER_SOURCES } from "../../tests/harness/peers.ts";

/** How a machine can get a registry program without being root. */
interface Way {
  says: string;
  /** The path of the program, or `undefined` if this way is not open here. */
  get(folder: string): Promise<string | undefined>;
}

const WAYS: readonly Way[] = [
  { says: "Debian's package docker-registry, unpacked into a temporary folder", get: unpackDebianPackage },
  { says: PEER_SOURCES.registry, get: installByGo },
];

/**
 * Finds a real registry program of the distribution project: an installed one, else one that it gets into `folder`.
 *
 * @returns its path, or `undefined` if there is no way to one on this machine
 */
export async function findRegistry(folder: string): Promise<string | undefined> {
  const installed = findPeer("registry") ?? findPeer("docker-registry");
  if (installed !== undefined) return installed;
  for (const { says, get } of WAYS) {
    console.log(`No registry program is installed. Trying: ${says}`);
    const program = await get(folder);
    if (program !== undefined) return program;
  }
  return undefined;
}

/** What to tell somebody on whose machine no way led to a registry. */
export const NO_REGISTRY =
  `The demonstration needs a registry program, and found none. Do one of these, then run it again:
- on Debian or Ubuntu, as root:   apt-get update && ${PEER_SOURCES["docker-registry"]}
- with Go:                        ${PEER_SOURCES.registry}
  (and have $(go env GOPATH)/bin on PATH)`;

/** Debian's package, by the lists of packages that this machine has, else by lists of its own below `folder`. */
async function unpackDebianPackage(folder: string): Promise<string | undefined> {
  for (const part of ["lists/partial", "archives/partial", "root"]) {
    await Deno.mkdir(join(folder, part), { recursive: true });
  }
  const cache = ["-qq", "-o", `Dir::Cache=${folder}`, "-o", "APT::Sandbox::User=", "-o", "Debug::NoLocking=true"];
  const ownLists = [...cache, "-o", `Dir::State::Lists=${join(folder, "lists")}`];
  const downloaded = await run("apt-get", [...cache, "download", "docker-registry"], folder) ||
    await run("apt-get", [...ownLists, "update"], folder) &&
      await run("apt-get", [...ownLists, "download", "docker-registry"], folder);
  if (!downloaded) return undefined;
  const archive = Array.from(Deno.readDirSync(folder), ({ name }) => name).find((name) => name.endsWith(".deb"));
  if (archive === undefined || !await run("dpkg", ["-x", archive, "root"], folder)) return undefined;
  return join(folder, "root/usr/bin/docker-registry");
}

async function installByGo(folder: string): Promise<string | undefined> {
  const [program, ...args] = PEER_SOURCES.registry.split(" ");
  return await run(program, args, folder, { GOBIN: folder, CGO_ENABLED: "0" }) ? join(folder, "registry") : undefined;
}

async function run(program: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args, cwd, env, stdout: "null", stderr: "null" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
