import { join } from "node:path";
import type { Cpu } from "./sealed_runtime.ts";

/** A kind of machine that the binary can be built for. */
export interface Target {
  /** As given to `--target`: `linux-arm64-musl`. */
  name: string;
  /** The npm package of Bun for it, without `@oven/`. */
  package: string;
  cpu: Cpu;
}

/** All of them; {@link hostTarget} takes the first whose Bun starts here. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", package: "bun-linux-x64", cpu: "x64" },
  { name: "linux-arm64", package: "bun-linux-aarch64", cpu: "arm64" },
  { name: "linux-x64-musl", package: "bun-linux-x64-musl", cpu: "x64" },
  { name: "linux-arm64-musl", package: "bun-linux-aarch64-musl", cpu: "arm64" },
  { name: "macos-x64", package: "bun-darwin-x64", cpu: "x64" },
  { name: "macos-arm64", package: "bun-darwin-aarch64", cpu: "arm64" },
];

/** Finds a target by the name given to `--target`. */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((target) => target.name === name);
  if (target === undefined) {
    throw new Error(`Unknown target "${name}". Known: ${TARGETS.map((target) => target.name).join(", ")}`);
  }
  return target;
}

/**
 * The machine that this runs on: the first target whose Bun is installed and starts. npm's packages for glibc and for
 * musl are both installed on Linux, and only one of them runs.
 */
export async function hostTarget(root: string): Promise<Target> {
  for (const target of TARGETS) {
    try {
      const { success } = await new Deno.Command(installedBun(root, target), { args: ["--version"], stdout: "null" })
        .output();
      if (success) return target;
    } catch {
      continue;
    }
  }
  throw new Error(`No Bun in node_modules starts on ${Deno.build.target}. Run "deno install" first`);
}

/** Where Deno puts a target's Bun: below `node_modules`, for the machine that it was installed on alone. */
export function installedBun(root: string, target: Target): string {
  return join(root, "node_modules/.deno/node_modules/@oven", target.package, "bin/bun");
}
