import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { BUILDER_PACKAGES, debianImageTag, makeDebianImage } from "./builder_image.ts";
import { PEERS } from "./paths.ts";
import { peer } from "./peers.ts";
import { run, startInBackground, succeed } from "./process.ts";

/** Podman with images and containers of its own, kept between runs. It needs root. */
export interface Podman {
  /** Its program, and the variables by which it has these images and settings. */
  program: string;
  env: Record<string, string>;
  /** An image to build gadgets in, with the compiler and the headers that this machine's Debian has. */
  builderImage: string;
  /** An image in which there is a shell, and no compiler. */
  bareImage: string;
  /** The names of all containers that there are, running or not. */
  containers(): Promise<string[]>;
}

/**
 * Podman, and the builder image, which takes a quarter of a minute the first time.
 *
 * Its settings are those that work in virtual machines and containers as well: cgroups as they are mounted, the host's network, limits that it may set.
 */
export async function openPodman(): Promise<Podman> {
  const folder = join(dirname(PEERS), "podman");
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(join(folder, "lock"), { create: true, write: true });
  await lock.lock(true);
  const program = peer("podman");
  const env = await writeSettings(folder);
  const ensureImage = async (name: string, packages: readonly string[]) => {
    const image = `localhost/satchel-${name}:${await debianImageTag(packages)}`;
    const { code } = await run(program, ["image", "exists", image], { env });
    if (code !== 0) await makeDebianImage(program, env, image, packages);
    return image;
  };
  const builderImage = await ensureImage("builder", BUILDER_PACKAGES);
  const bareImage = await ensureImage("bare", ["dash", "coreutils"]);
  return {
    program,
    env,
    builderImage,
    bareImage,
    containers: async () =>
      (await succeed(program, ["ps", "--all", "--format", "{{.Names}}"], { env })).split("\n").filter((each) =>
        each !== ""
      ),
  };
}

/** Podman's service, for other users than root; `await using` ends it. */
export interface PodmanService extends AsyncDisposable {
  /** `unix:///...` */
  address: string;
}

/** Starts Podman's service, which everybody may ask. */
export async function startPodmanService({ program, env }: Podman, folder: string): Promise<PodmanService> {
  const socket = join(folder, "podman.sock");
  const service = await startInBackground(program, [
    ...["--log-level", "info", "system", "service", "--time", "0"],
    `unix://${socket}`,
  ], { env, ready: (line) => line.includes("listening on") || undefined });
  await Deno.chmod(socket, 0o666);
  return { address: `unix://${socket}`, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

async function writeSettings(folder: string): Promise<Record<string, string>> {
  // What is mounted does not outlive the machine's run, and what tells of it must not either.
  const running = `/run/satchel-test-${createHash("sha256").update(folder).digest("hex").slice(0, 12)}`;
  await Deno.writeTextFile(
    join(folder, "containers.conf"),
    [
      "[engine]",
      'cgroup_manager = "cgroupfs"',
      'runtime = "runc"',
      'events_logger = "none"',
      `tmp_dir = ${JSON.stringify(join(running, "libpod"))}`,
      "[containers]",
      'netns = "host"',
      'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]',
      "",
    ].join("\n"),
  );
  const env = {
    HOME: folder,
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
  };
  const storage = (driver: string) =>
    Deno.writeTextFile(
      env.CONTAINERS_STORAGE_CONF,
      `[storage]\ndriver = "${driver}"\ngraphroot = ${JSON.stringify(join(folder, driver))}\nrunroot = ${
        JSON.stringify(join(running, driver))
      }\n`,
    );
  await storage("overlay");
  // Not every file system can be below an overlay.
  if ((await run(peer("podman"), ["info"], { env })).code !== 0) await storage("vfs");
  return env;
}
