import { join } from "node:path";
import { PEERS } from "./paths.ts";

/** The real programs that satchel is tested with, and how to get each. */
export const PEER_SOURCES = {
  registry: "go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2",
  oras: "go install oras.land/oras/cmd/oras@v1.3.6",
  crane: "go install github.com/google/go-containerregistry/cmd/crane@v0.22.1",
  cosign: "go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3",
  conformance: "go install github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111",
  "referrers-registry": "go install in tests/tools/referrers-registry",
  "notation-go": "go build in tests/tools/notation, as .ci/run does",
  "docker-registry": "apt-get install docker-registry",
  skopeo: "apt-get install skopeo",
  openssl: "apt-get install openssl",
  bash: "apt-get install bash",
  zsh: "apt-get install zsh",
  fish: "apt-get install fish",
  tmux: "apt-get install tmux",
  strace: "apt-get install strace",
  flock: "apt-get install util-linux",
  setpriv: "apt-get install util-linux",
  script: "apt-get install bsdutils",
  "docker-credential-pass": "apt-get install golang-docker-credential-helpers",
  pass: "apt-get install pass",
  gpg: "apt-get install gnupg",
  chromium: "apt-get install chromium",
  containerd: "apt-get install containerd",
  ctr: "apt-get install containerd",
  "systemd-analyze": "apt-get install systemd",
  clang: "apt-get install clang",
  "llvm-strip": "apt-get install llvm",
  "llvm-objcopy": "apt-get install llvm",
  "llvm-readelf": "apt-get install llvm",
  "llvm-objdump": "apt-get install llvm",
  bpftool: "apt-get install bpftool",
  go: "apt-get install golang (1.24 or newer)",
  xz: "apt-get install xz-utils",
  podman: "apt-get install podman",
  runc: "apt-get install runc",
} as const;

/** A program that satchel is tested with. */
export type Peer = keyof typeof PEER_SOURCES;

/**
 * What a test may need beside programs: that its process is root, may mount file systems as well, or load eBPF programs into the kernel; or
 * that the headers of libbpf and of the kernel are there.
 */
export type Capability = "root" | "mount" | "bpf" | "bpf-headers";

const CAPABILITIES: Record<Capability, { isThere: () => boolean; lack: string }> = {
  root: { isThere: () => Deno.uid() === 0, lack: "not root" },
  mount: { isThere: mayMount, lack: "no right to mount a file system" },
  bpf: { isThere: mayLoad, lack: "no right to load eBPF programs" },
  "bpf-headers": {
    isThere: () => ["bpf/bpf_helpers.h", "linux/bpf.h"].every((name) => isFile(`/usr/include/${name}`)),
    lack: "no headers of libbpf (apt-get install libbpf-dev linux-libc-dev)",
  },
};

/** Whether missing peers and capabilities are failures (in CI) or reasons to skip (on somebody's machine). */
const required = Deno.env.get("SATCHEL_REQUIRE_PEERS") === "1";

/**
 * The path of a peer: from the peers' folder, else from `PATH`.
 *
 * @throws {Error} if it is not installed
 */
export function peer(name: Peer): string {
  const path = findPeer(name);
  if (path === undefined) throw new Error(notInstalled(name));
  return path;
}

/** The path of a peer, or `undefined` if it is not installed. */
export function findPeer(name: Peer): string | undefined {
  return firstProgram(name, [PEERS, ...pathFolders()]);
}

/** The path of a program that a shell here would start, else of the peer of that name; `undefined` if there is neither. */
export function findProgram(name: string): string | undefined {
  return firstProgram(name, [...pathFolders(), PEERS]);
}

/** What a test does. */
type TestBody = (context: Deno.TestContext) => Promise<void> | void;

/**
 * Registers a test that needs real programs. Where one is missing the test is skipped and its name says why; with
 * `SATCHEL_REQUIRE_PEERS=1` it fails.
 */
export function peerTest(peers: Peer | readonly Peer[], name: string, fn: TestBody): void {
  register(lacking([peers].flat()), name, fn);
}

/** Registers a test that needs a right, and perhaps real programs beside it; without them as for {@link peerTest}. */
export function capabilityTest(
  needs: Capability | readonly (Capability | Peer)[],
  name: string,
  fn: TestBody,
): void {
  register(lacking([needs].flat()), name, fn);
}

/** What of that is not there, and why or what to do about it. */
function lacking(needs: readonly (Capability | Peer)[]): { reason: string; remedy: string }[] {
  return needs.flatMap((need) => {
    if (isCapability(need)) {
      const { isThere, lack } = CAPABILITIES[need];
      return isThere() ? [] : [{ reason: lack, remedy: `This test cannot run here: ${lack}` }];
    }
    if (findPeer(need) !== undefined) return [];
    return [{ reason: `${need} not installed`, remedy: notInstalled(need) }];
  });
}

function isCapability(need: Capability | Peer): need is Capability {
  return Object.hasOwn(CAPABILITIES, need);
}

function register(missing: readonly { reason: string; remedy: string }[], name: string, fn: TestBody): void {
  if (missing.length === 0) return Deno.test(name, fn);
  if (required) {
    return Deno.test(name, () => {
      throw new Error(missing.map(({ remedy }) => remedy).join("\n"));
    });
  }
  const reasons = missing.map(({ reason }) => reason).join(", ");
  Deno.test({ name: `${name} (skipped: ${reasons})`, ignore: true, fn });
}

function notInstalled(name: Peer): string {
  return `${name} is not installed. Run: ${PEER_SOURCES[name]}`;
}

/** Tries it: root in a container often may not. */
function mayMount(): boolean {
  return withMounted(["-t", "tmpfs", "-o", "size=1m", "tmpfs"], () => true);
}

/** Makes a map, which takes the same right as a program. */
function mayLoad(): boolean {
  const map = ["type", "array", "key", "4", "value", "4", "entries", "1", "name", "probe"];
  return withMounted(["-t", "bpf", "bpf"], (folder) => call("bpftool", "map", "create", join(folder, "probe"), ...map));
}

function withMounted(args: readonly string[], fn: (folder: string) => boolean): boolean {
  if (Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync({ prefix: "satchel-test-" });
  try {
    if (!call("mount", ...args, folder)) return false;
    const result = fn(folder);
    call("umount", "--lazy", folder);
    return result;
  } finally {
    Deno.removeSync(folder);
  }
}

function call(program: string, ...args: string[]): boolean {
  return findProgram(program) !== undefined &&
    new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
}

function pathFolders(): string[] {
  return (Deno.env.get("PATH") ?? "").split(":");
}

function firstProgram(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function isProgram(path: string): boolean {
  try {
    const status = Deno.statSync(path);
    return status.isFile && ((status.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
