import { join } from "node:path";
import { PEERS } from "./paths.ts";

/** The real programs that satchel is tested with, and how to get each. */
export const PEER_SOURCES = {
  registry: "go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2",
  oras: "go install oras.land/oras/cmd/oras@v1.3.6",
  crane: "go install github.com/google/go-containerregistry/cmd/crane@v0.22.1",
  "referrers-registry": "go install in tests/tools/referrers-registry",
  "docker-registry": "apt-get install docker-registry",
  skopeo: "apt-get install skopeo",
  openssl: "apt-get install openssl",
  bash: "apt-get install bash",
  zsh: "apt-get install zsh",
  fish: "apt-get install fish",
  tmux: "apt-get install tmux",
} as const;

/** A program that satchel is tested with. */
export type Peer = keyof typeof PEER_SOURCES;

/** Whether missing peers are failures (in CI) or reasons to skip (on somebody's machine). */
const required = Deno.env.get("SATCHEL_REQUIRE_PEERS") === "1";

/**
 * The path of a peer: from the peers' folder, else from `PATH`.
 *
 * @throws {Error} if it is not installed
 */
export function peer(name: Peer): string {
  const path = findPeer(name);
  if (path === undefined) throw new Error(`${name} is not installed. Run: ${PEER_SOURCES[name]}`);
  return path;
}

/** The path of a peer, or `undefined` if it is not installed. */
export function findPeer(name: Peer): string | undefined {
  const folders = [PEERS, ...(Deno.env.get("PATH") ?? "").split(":")];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/**
 * Registers a test that needs real programs. Where one is missing the test is skipped and its name says why; with
 * `SATCHEL_REQUIRE_PEERS=1` it fails.
 */
export function peerTest(
  peers: Peer | readonly Peer[],
  name: string,
  fn: (context: Deno.TestContext) => Promise<void> | void,
): void {
  const missing = [peers].flat().filter((peer) => findPeer(peer) === undefined);
  if (missing.length === 0) {
    Deno.test(name, fn);
  } else if (required) {
    Deno.test(name, () => {
      for (const name of missing) peer(name);
    });
  } else {
    Deno.test({ name: `${name} (skipped: ${missing.join(", ")} not installed)`, ignore: true, fn });
  }
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
