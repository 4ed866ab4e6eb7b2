import { basename, dirname, join } from "node:path";
import { type Architecture, ARCHITECTURES } from "./architectures.ts";
import type { GadgetSource } from "./source.ts";
import type { BuildPlaces, BuildStep } from "./step.ts";

/** A program, and arguments that it always gets. */
export type Program = readonly [program: string, ...args: string[]];

/** The programs that translate. */
export interface Tools {
  clang: Program;
  llvmStrip: Program;
}

/** How a gadget is to be built. */
export interface PlanOptions {
  tools: Tools;
  /** The architecture of the host whose headers are there, as Go names it. */
  hostArchitecture: string;
  /** More flags for clang. */
  cflags: readonly string[];
  /** Whether sources are named by their whole path, as `ig` does in a container. */
  areNamesAbsolute: boolean;
  /** A tree of sources of Inspektor Gadget where the steps run, whose headers are to be found (`IG_SOURCE_PATH`). */
  headersOf: string | undefined;
  /** Whether what is made shall not depend on where the source lies. */
  isReproducible: boolean;
  /** Whether compilers are to write in colour. */
  hasColor: boolean;
}

/** How kernels, and with them libbpf's headers, call an architecture. */
const KERNEL_NAMES: Readonly<Record<Architecture, string>> = { amd64: "x86", arm64: "arm64" };

/** Where Debian has headers that depend on the host's architecture. */
const MULTIARCH: Readonly<Record<string, string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
  riscv64: "riscv64-linux-gnu",
  ppc64le: "powerpc64le-linux-gnu",
  s390x: "s390x-linux-gnu",
};

/** The folder that sources have in a container. */
export const CONTAINER_SOURCE = "/work";

/**
 * Where sources lie, as a reproducible build has it. Nothing is to be there, neither on a host nor in a container: clang looks for the lines of
 * the source there, and writes those that it finds into BTF.
 */
const MAPPED_SOURCE = "/gadget";

/** The name of an object in the folder of outputs. */
export function objectName(architecture: Architecture): string {
  return `${architecture}.bpf.o`;
}

/** The name of a WebAssembly module in the folder of outputs. */
export const MODULE_NAME = "program.wasm";

/** The steps that a gadget needs; none for one whose parts are ready. */
export function planSteps(source: GadgetSource, places: BuildPlaces, options: PlanOptions): BuildStep[] {
  const { ebpf, wasm } = source;
  return [
    ...(ebpf === undefined
      ? []
      : ARCHITECTURES.flatMap((architecture) => ebpfSteps(ebpf, architecture, places, options))),
    ...(wasm?.kind === "go" ? [goStep(wasm.name, places, options)] : []),
    ...(wasm?.kind === "rust" ? [cargoStep(wasm.name, places, options)] : []),
  ];
}

/** What `ig` runs, argument by argument: they decide over the bytes. */
function ebpfSteps(name: string, architecture: Architecture, places: BuildPlaces, options: PlanOptions): BuildStep[] {
  const { tools, cflags, hostArchitecture, hasColor, isReproducible, areNamesAbsolute, headersOf } = options;
  const object = join(places.output, objectName(architecture));
  const compile = `clang compile for ${architecture}`;
  const headers = MULTIARCH[hostArchitecture];
  const path = areNamesAbsolute || isReproducible ? join(places.source, name) : name;
  // clang takes its folder's name from there, if it is one of it: there may be several, by links.
  const environment: BuildStep["environment"] = isReproducible ? { PWD: places.source } : {};
  return [
    step(compile, [], [
      ...tools.clang,
      "-target",
      "bpf",
      "-Wall",
      "-g",
      "-O2",
      ...(hasColor ? ["-fcolor-diagnostics"] : []),
      ...(headers === undefined ? [] : [`-I/usr/include/${headers}`]),
      "-D",
      `__TARGET_ARCH_${KERNEL_NAMES[architecture]}`,
      ...(isReproducible ? [`-ffile-prefix-map=${places.source}=${MAPPED_SOURCE}`] : []),
      ...cflags,
      "-c",
      path,
      "-I",
      `/usr/include/gadget/${architecture}/`,
      "-o",
      object,
      ...(headersOf === undefined
        ? []
        : ["-I", `${headersOf}/include/`, "-I", `${headersOf}/include/gadget/${architecture}/`]),
    ], environment),
    step(`llvm-strip for ${architecture}`, [compile], [...tools.llvmStrip, "-g", object]),
  ];
}

/** As `ig` runs it, with the variables that make Go write WebAssembly. */
function goStep(name: string, places: BuildPlaces, { isReproducible }: PlanOptions): BuildStep {
  return step("go build", [], [
    "go",
    "build",
    "-C",
    dirname(name),
    "-o",
    join(places.output, MODULE_NAME),
    "-buildmode=c-shared",
    "-ldflags",
    "-w -s",
    ...(isReproducible ? ["-trimpath", "-buildvcs=false"] : []),
    basename(name),
  ], { CGO_ENABLED: "0", GOOS: "wasip1", GOARCH: "wasm" });
}

/** As `ig` runs it. Where the module is then, depends on the name that the package has; see `findCargoModule`. */
function cargoStep(name: string, places: BuildPlaces, { isReproducible, hasColor }: PlanOptions): BuildStep {
  const manifest = join(dirname(name), "..", "Cargo.toml");
  return step("cargo build", [], [
    "cargo",
    ...(hasColor ? ["--color", "always"] : []),
    "build",
    "--target",
    CARGO_TARGET,
    "--release",
    "--manifest-path",
    manifest,
    ...(isReproducible ? ["--config", remapping(places)] : []),
  ], { CARGO_TARGET_DIR: places.output });
}

/** A line of Cargo's configuration, which joins what a gadget's own says of this. */
function remapping({ source }: BuildPlaces): string {
  const flag = JSON.stringify(`--remap-path-prefix=${source}=${MAPPED_SOURCE}`);
  return `target.${CARGO_TARGET}.rustflags=[${flag}]`;
}

/** What Rust calls WebAssembly with WASI. */
export const CARGO_TARGET = "wasm32-wasip1";

function step(
  name: string,
  after: readonly string[],
  command: readonly string[],
  environment: BuildStep["environment"] = {},
): BuildStep {
  return { name, command: command as BuildStep["command"], environment, after };
}
