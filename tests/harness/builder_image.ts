import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { succeed } from "./process.ts";

/** Debian's packages in an image that is to build gadgets. */
export const BUILDER_PACKAGES = [
  "clang",
  "llvm",
  "libbpf-dev",
  "linux-libc-dev",
  "bpftool",
  "xz-utils",
  "tar",
  "coreutils",
  "dash",
];

/** What they say that they need, and compilers for eBPF do not. */
const SUPERFLUOUS = /^(python|perl|gcc|cpp|binutils|debconf)|^(?!libclang-common-).*-dev$/;

/** What is not worth its room. */
const SUPERFLUOUS_FILES = /^\/usr\/share\/(doc|man|locale|info|lintian|bug)\/|\.a$/;

/** What no package has: links that make `/bin` and `/usr/bin` one, users, and a folder for temporary files. */
const OTHERS = ["/bin", "/sbin", "/lib", "/lib64", "/etc/passwd", "/etc/group", "/tmp", "/root"];

/** A package as dpkg knows it. */
interface Package {
  name: string;
  version: string;
  needs: string[];
  provides: string[];
}

/** Names all that decides over an image that {@link makeDebianImage} makes. */
export async function debianImageTag(names: readonly string[]): Promise<string> {
  const packages = await closure(names);
  const text = JSON.stringify([
    packages.map(({ name, version }) => [name, version]),
    String(SUPERFLUOUS_FILES),
    OTHERS,
  ]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/**
 * Makes an image of Debian's packages as this machine has them, with all that they need, copied file by file. (By debootstrap a compiler takes a
 * minute, or three where there is much else to do.)
 */
export async function makeDebianImage(
  podman: string,
  env: Record<string, string>,
  image: string,
  names: readonly string[],
): Promise<void> {
  const packages = (await closure(names)).map(({ name }) => name);
  const listed = (await succeed("dpkg-query", ["--listfiles", ...packages])).split("\n");
  const files = new Set<string>();
  for (const path of [...listed, ...OTHERS]) {
    if (!path.startsWith("/") || SUPERFLUOUS_FILES.test(path)) continue;
    const place = await realPlace(path);
    if (place !== undefined) files.add(`.${place}`);
  }
  const script = 'tar -C / --no-recursion --files-from - -c | "$0" import --quiet - "$1"';
  await succeed("sh", ["-c", script, podman, image], { env, stdin: [...files].sort().join("\n"), timeout: 300_000 });
}

/** Where a file lies when the links among its folders are followed; `undefined` for folders that come with what is in them. */
async function realPlace(path: string): Promise<string | undefined> {
  try {
    const { isDirectory } = await Deno.lstat(path);
    if (isDirectory && !OTHERS.includes(path)) return undefined;
    return join(await Deno.realPath(dirname(path)), basename(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // whoever installed it did without
    throw error;
  }
}

/** Packages and those that they need, sorted by name. */
async function closure(names: readonly string[]): Promise<Package[]> {
  const installed = await readPackages();
  const found = new Map<string, Package>();
  const add = (name: string) => {
    const its = installed.get(name);
    if (!its || found.has(its.name)) return;
    found.set(its.name, its);
    for (const need of its.needs) if (!SUPERFLUOUS.test(need)) add(need);
  };
  names.forEach(add);
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What is installed, by names and by what stands for them. */
async function readPackages(): Promise<Map<string, Package>> {
  const format = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Pre-Depends}, ${Depends}\t${Provides}\n";
  const lines = (await succeed("dpkg-query", ["--show", "--showformat", format])).split("\n");
  const packages = lines.filter((line) => line.startsWith("ii")).map((line): Package => {
    const [, name, version, needs, provides] = line.split("\t");
    return { name, version, needs: namesIn(needs), provides: namesIn(provides) };
  });
  const byName = new Map(packages.flatMap((each) => each.provides.map((name) => [name, each] as const)));
  for (const each of packages) byName.set(each.name, each);
  return byName;
}

/** `a (>= 1) | b:any, c`. */
function namesIn(list: string): string[] {
  return list.split(/[,|]/).flatMap((each) => /^[a-z0-9][a-z0-9.+-]*/.exec(each.trim())?.[0] ?? []);
}
