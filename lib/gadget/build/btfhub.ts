import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { SatchelError, systemReason } from "../../error.ts";
import { printable } from "../../printable.ts";
import { type Architecture, ARCHITECTURES } from "./architectures.ts";

/** What folders of BTFHub's archive are called: `ubuntu/20.04/x86_64/5.4.0-42-generic.btf.tar.xz`. */
const FOLDERS: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ["x86_64"],
  arm64: ["arm64", "aarch64"],
};

const SUFFIX = ".btf.tar.xz";

/** The archive has about ten thousand. */
const MAX_KERNELS = 100_000;
const MAX_DEPTH = 16;

/** Types of one kernel, packed. */
export interface KernelBtf {
  architecture: Architecture;
  /** The kernel's release: `5.4.0-42-generic`. */
  release: string;
  /** Below the archive's folder. */
  path: string;
}

/**
 * What BTFHub's archive, or a part of it, has for an architecture, by path. The folder that is named for an architecture decides, the innermost one, be it that
 * of the archive itself; links are not followed. Of several kernels of one release the last one counts: the image has room for
 * one.
 *
 * @throws {SatchelError} `storage` if it cannot be read; `invalid` if there is too much in it
 */
export function findKernels(archive: string): KernelBtf[] {
  const found = new Map<string, KernelBtf>();
  const visit = (path: string, architecture: Architecture | undefined, depth: number) => {
    if (depth > MAX_DEPTH) throw tooMuch(archive, `folders below ${printable(path)} are nested too deep`);
    const folder = join(archive, path);
    for (const entry of entriesOf(folder)) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) visit(below, architectureOf(entry.name) ?? architecture, depth + 1);
      if (!entry.isFile() || !entry.name.endsWith(SUFFIX) || architecture === undefined) continue;
      const release = entry.name.slice(0, -SUFFIX.length);
      found.set(`${architecture} ${release}`, { architecture, release, path: below });
      if (found.size > MAX_KERNELS) throw tooMuch(archive, `it has more than ${MAX_KERNELS} kernels`);
    }
  };
  visit("", architectureOf(basename(archive)), 0);
  return [...found.values()];
}

function architectureOf(folder: string): Architecture | undefined {
  return ARCHITECTURES.find((each) => FOLDERS[each].includes(folder));
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (cause) {
    throw new SatchelError("storage", `cannot read the folder ${printable(folder)}: ${systemReason(cause)}`, { cause });
  }
}

function tooMuch(archive: string, why: string): SatchelError {
  return new SatchelError("invalid", `${printable(archive)} is no archive of BTFHub: ${why}`);
}
