import { join } from "node:path";
import { peer } from "./peers.ts";
import { run, startInBackground, succeed } from "./process.ts";
import { scratchFolder } from "./scratch.ts";

/** containerd with a content store of its own; `await using` ends it. It needs root, and starts no containers. */
export interface Containerd extends AsyncDisposable {
  /** Fetches an image for all platforms, as the hosts in this folder (`certs.d`) have it; what failed is in the error. */
  fetch(image: string, hosts: string, env?: Record<string, string>): Promise<void>;
  /** What it holds under a digest. */
  holds(digest: string): Promise<boolean>;
}

/** What would look at the machine. */
const PLUGINS = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
];

/** Starts it. */
export async function startContainerd(): Promise<Containerd> {
  const scratch = await scratchFolder();
  try {
    const socket = scratch.at("socket");
    await Deno.writeTextFile(
      scratch.at("config.toml"),
      [
        "version = 2",
        `root = ${JSON.stringify(scratch.at("root"))}`,
        `state = ${JSON.stringify(scratch.at("state"))}`,
        `disabled_plugins = ${JSON.stringify(PLUGINS)}`,
        `[grpc]\naddress = ${JSON.stringify(socket)}`,
        `[ttrpc]\naddress = ${JSON.stringify(scratch.at("ttrpc"))}`,
      ].join("\n"),
    );
    const server = await startInBackground(peer("containerd"), ["--config", scratch.at("config.toml")], {
      env: { HOME: scratch.path },
      ready: (line) => line.includes("successfully booted") || undefined,
    });
    const ctr = ["--address", socket];
    return {
      fetch: async (image, hosts, env = {}) => {
        const args = [...ctr, "content", "fetch", "--all-platforms", "--hosts-dir", hosts, image];
        await succeed(peer("ctr"), args, { env: { HOME: scratch.path, ...env } });
      },
      holds: async (digest) =>
        (await run(peer("ctr"), [...ctr, "content", "get", digest], { env: { HOME: scratch.path } })).code === 0,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writes the file that tells containerd where a registry's images are. */
export async function writeHosts(folder: string, registry: string, hosts: string): Promise<void> {
  await Deno.mkdir(join(folder, registry), { recursive: true });
  await Deno.writeTextFile(join(folder, registry, "hosts.toml"), hosts);
}
