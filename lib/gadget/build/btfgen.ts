import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SatchelError, systemReason } from "../../error.ts";
import { printable } from "../../printable.ts";
import { readSmallFile } from "../../small_file.ts";
import { type Architecture, ARCHITECTURES } from "./architectures.ts";
import { findKernels, type KernelBtf } from "./btfhub.ts";
import { objectName, type Program } from "./plan.ts";
import { tarGzip } from "./reproducible_tar.ts";
import { type RunOptions, runSteps, type StepFailure } from "./run.ts";
import type { BuildStep, StepRunner } from "./step.ts";

/** What a layer with BTFs is called in the folder of outputs, as `ig` calls it. */
const LAYER_NAMES: Readonly<Record<Architecture, string>> = {
  amd64: "btfs-x86_64.tar.gz",
  arm64: "btfs-arm64.tar.gz",
};

/** How many kernels are looked at together. What is unpacked of them is a few MB each, and removed at once. */
const BATCH = 256;

/** A minimal BTF has what one gadget needs of a kernel: some KB. In bytes. */
const MAX_BTF = 16 << 20;
const MAX_LAYER = 512 << 20;

/** Options of {@link generateBtfs}. */
export interface BtfgenOptions extends RunOptions {
  runner: StepRunner;
  /** BTFHub's archive, as this host sees it. */
  archive: string;
  /** The folder of outputs, as this host sees it, with an object for each architecture. */
  output: string;
  bpftool: Program;
  /** Gets a line for people about what is odd or takes long. */
  tell: (line: string) => void;
}

/**
 * Makes the layers with BTFs for kernels that have none: of each kernel in BTFHub's archive the types that the objects refer to. They are written to the
 * folder of outputs as well. The archive stays as it is.
 *
 * @returns a tar.gz for each architecture that the archive has kernels of; or the step that failed
 * @throws {SatchelError} `not-found` if it has none at all; `storage`; `invalid`; what the runner throws; `cancelled`
 */
export async function generateBtfs(
  options: BtfgenOptions,
): Promise<{ layers: Map<Architecture, Uint8Array> } | { failure: StepFailure }> {
  const { archive, output, tell } = options;
  const kernels = findKernels(archive);
  if (kernels.length === 0) {
    throw new SatchelError("not-found", `there are no BTFs of kernels in ${printable(archive)}`, {
      hint: "A copy of github.com/aquasecurity/btfhub-archive is wanted, or a part of it such as ubuntu/22.04: " +
        "*.btf.tar.xz in folders x86_64 and arm64.",
    });
  }
  tell(`btfgen is enabled, building will take a while (${kernels.length} kernels)...`);
  const work = onDisk(output, () => mkdtempSync(join(output, ".btfgen-")));
  try {
    const layers = new Map<Architecture, Uint8Array>();
    for (const architecture of ARCHITECTURES) {
      const its = kernels.filter((each) => each.architecture === architecture);
      if (its.length === 0) {
        tell(`no BTFs for ${architecture}: ${printable(archive)} has none of its kernels`);
        continue;
      }
      const failure = await minimize(its, architecture, work, options);
      if (failure) return { failure };
      const layer = packLayer(its, join(work, architecture));
      onDisk(output, () => writeFileSync(join(output, LAYER_NAMES[architecture]), layer));
      layers.set(architecture, layer);
    }
    return { layers };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs the steps for kernels of one architecture; what they make lies in a folder of its name. */
async function minimize(
  kernels: readonly KernelBtf[],
  architecture: Architecture,
  work: string,
  { runner, bpftool, archive, ...options }: BtfgenOptions,
): Promise<StepFailure | undefined> {
  const place = join(runner.places.output, basename(work));
  onDisk(work, () => mkdirSync(join(work, architecture)));
  for (let start = 0; start < kernels.length; start += BATCH) {
    const unpacked = new Map<BuildStep, string>();
    const steps = kernels.slice(start, start + BATCH).flatMap((kernel, at) => {
      const folder = `${architecture}-${start + at}`;
      onDisk(work, () => mkdirSync(join(work, folder)));
      const [unpack, minimal] = stepsFor(kernel, { folder, place, archive, runner, bpftool });
      unpacked.set(minimal, join(work, folder));
      return [unpack, minimal];
    });
    const failure = await runSteps(steps, runner, {
      ...options,
      onDone: (step, output) => {
        const folder = unpacked.get(step);
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
        options.onDone?.(step, output);
      },
    });
    if (failure) return failure;
  }
}

interface StepPlaces extends Pick<BtfgenOptions, "archive" | "runner" | "bpftool"> {
  /** Where this kernel's BTF is unpacked, below `place`. */
  folder: string;
  /** Where all that is in between lies, as steps see it. */
  place: string;
}

/** The programs that `ig` runs, but for moving files about, and not in the archive's folder. */
function stepsFor(
  { architecture, release, path }: KernelBtf,
  { folder, place, archive, runner: { places }, bpftool }: StepPlaces,
): [BuildStep, BuildStep] {
  const packed = join(places.btfhubArchive ?? archive, path);
  const name = `${release} for ${architecture}`;
  const unpack: BuildStep = {
    name: `unpack the BTF of ${printable(name)}`,
    command: ["tar", "-x", "-J", "-f", packed, "-C", join(place, folder), "--touch", "--no-same-owner"],
    environment: {},
    after: [],
  };
  const command = [
    ...bpftool,
    ...["gen", "min_core_btf", join(place, folder, `${release}.btf`), join(place, architecture, `${release}.btf`)],
    join(places.output, objectName(architecture)),
  ];
  const minimal: BuildStep = {
    name: `bpftool gen min_core_btf of ${printable(name)}`,
    command: command as [string, ...string[]],
    environment: {},
    after: [unpack.name],
  };
  return [unpack, minimal];
}

function packLayer(kernels: readonly KernelBtf[], folder: string): Uint8Array {
  let room = MAX_LAYER;
  return tarGzip(kernels.map(({ release }) => {
    const name = `${release}.btf`;
    const bytes = onDisk(folder, () => readSmallFile(join(folder, name), MAX_BTF));
    room -= bytes.length;
    if (room < 0) throw new SatchelError("invalid", `BTFs for one architecture are more than ${MAX_LAYER} bytes`);
    return { name, bytes };
  }));
}

function onDisk<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SatchelError) throw cause;
    throw new SatchelError("storage", `cannot write BTFs to ${printable(folder)}: ${systemReason(cause)}`, { cause });
  }
}
