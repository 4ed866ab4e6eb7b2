import { realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SatchelError } from "../../lib/error.ts";
import { onPath } from "../../lib/files/mod.ts";
import { type Architecture, ARCHITECTURES } from "../../lib/gadget/build/architectures.ts";
import { generateBtfs } from "../../lib/gadget/build/btfgen.ts";
import { openContainer } from "../../lib/gadget/build/container.ts";
import { stepError } from "../../lib/gadget/build/explain.ts";
import { readInside } from "../../lib/gadget/build/inside.ts";
import { openLocal } from "../../lib/gadget/build/local.ts";
import {
  checkModule,
  findCargoModule,
  MAX_MODULE_SIZE,
  type ModuleFile,
  readCompiledModule,
  readOutput,
} from "../../lib/gadget/build/outputs.ts";
import {
  CONTAINER_SOURCE,
  MODULE_NAME,
  objectName,
  type PlanOptions,
  planSteps,
  type Program,
} from "../../lib/gadget/build/plan.ts";
import { type RunOptions, runSteps, type StepFailure } from "../../lib/gadget/build/run.ts";
import type { GadgetSource } from "../../lib/gadget/build/source.ts";
import type { BuildPlaces, StepRunner } from "../../lib/gadget/build/step.ts";
import { checkPrograms, toolOf } from "../../lib/gadget/build/tools.ts";
import { joinWords } from "../../lib/gadget/build/words.ts";
import { WITHOUT_VERSION } from "../../lib/gadget/inspect/wasm.ts";
import { MAX_OBJECT_SIZE } from "../../lib/gadget/object/object.ts";
import { printable } from "../../lib/printable.ts";
import { hostPlatform } from "../../lib/runtime/process.ts";
import { isTerminal, write } from "../../lib/terminal/mod.ts";
import type { Environment } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";
import type { BuildOptions } from "./options.ts";
import { oddity, reportProblems } from "./problems.ts";
import { compilerText } from "./terminal_text.ts";

/** What compilers have made. */
export interface Compiled {
  objects: ReadonlyMap<Architecture, Uint8Array>;
  module: Uint8Array | undefined;
  btfs: ReadonlyMap<Architecture, Uint8Array>;
}

/** All that a compilation is about. */
export interface Compilation {
  source: GadgetSource;
  /** Absolute. */
  output: string;
  /** Those of the build.yaml. */
  cflags: readonly string[];
  options: BuildOptions;
  settings: Settings;
  environment: Environment;
  reporter: Reporter;
  signal: AbortSignal;
}

/** Where steps run, and the steps that there are; `undefined` if all parts of the gadget are ready. */
export interface Compiler extends AsyncDisposable {
  /** @throws {SatchelError} `program` if a step fails, whose output is on stderr then; `invalid`, `storage`, `cancelled` */
  run(): Promise<Compiled>;
}

/**
 * Makes ready to compile: afterwards all that can be known to be missing is there.
 *
 * @throws {SatchelError} `program` if programs are missing; what {@link openContainer} throws
 */
export async function openCompiler(compilation: Compilation): Promise<Compiler> {
  const { source, options, environment } = compilation;
  if (options.btfhubArchive !== undefined && source.ebpf === undefined) {
    throw new SatchelError("invalid", "--btfgen needs an eBPF program to look at, and the gadget has none");
  }
  const module = source.wasm?.kind === "ready" ? readyModule(source.wasm.name, compilation) : undefined;
  const isNeeded = source.ebpf !== undefined || (source.wasm && source.wasm.kind !== "ready");
  if (!isNeeded) {
    return {
      run: () => Promise.resolve({ objects: new Map(), module, btfs: new Map() }),
      async [Symbol.asyncDispose]() {},
    };
  }
  const bpftool = toolOf(environment, "BPFTOOL", "bpftool");
  const planOptions = planOptionsOf(compilation);
  const runner = await openRunner(compilation, planOptions, bpftool);
  return {
    run: () => compile(compilation, { runner, planOptions, bpftool, module }),
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

function planOptionsOf({ cflags, options, settings, environment }: Compilation): PlanOptions {
  return {
    tools: {
      clang: toolOf(environment, "CLANG", "clang"),
      llvmStrip: toolOf(environment, "LLVM_STRIP", "llvm-strip"),
    },
    hostArchitecture: hostPlatform().split("/")[1],
    cflags: [...cflags, ...options.cflags],
    areNamesAbsolute: options.builder !== undefined,
    headersOf: options.builder?.sourceRoot === undefined ? undefined : CONTAINER_SOURCE,
    isReproducible: options.isReproducible,
    hasColor: hasColor(settings),
  };
}

async function openRunner(
  { source, output, options, environment, reporter, signal }: Compilation,
  planOptions: PlanOptions,
  bpftool: Program,
): Promise<StepRunner> {
  const { builder, btfhubArchive } = options;
  if (builder) {
    const { engine, image, pull, sourceRoot } = builder;
    return await openContainer({
      image,
      pull,
      source: source.folder,
      output,
      environment,
      tell: reporter.status,
      detail: reporter.detail,
      signal,
      ...(engine !== undefined && { engine }),
      ...(sourceRoot !== undefined && { sourceRoot }),
      ...(btfhubArchive !== undefined && { btfhubArchive }),
    });
  }
  const folder = options.isReproducible ? mappableFolder(source) : source.folder;
  const places: BuildPlaces = { source: folder, output, btfhubArchive };
  const steps = planSteps(source, places, planOptions).map(({ command: [program] }) => program);
  const ofBtfgen = btfhubArchive === undefined ? [] : ["tar", "xz", bpftool[0]];
  checkPrograms([...steps, ...ofBtfgen], environment);
  return openLocal(places, environment);
}

/** The one name of a folder that compilers may find out, so that it can be told them as the one to map. */
function mappableFolder({ folder, ebpf }: GadgetSource): string {
  const real = realpathSync(folder);
  if (ebpf === undefined || !real.includes("=")) return real;
  throw new SatchelError("usage", `--reproducible cannot map the folder ${printable(real)}: it has a = in its name`, {
    hint:
      "clang takes what stands behind the first = for another folder. Build from one without it, or in a container.",
  });
}

/** What is known when steps run. */
interface Running {
  runner: StepRunner;
  planOptions: PlanOptions;
  bpftool: Program;
  /** A ready one. */
  module: Uint8Array | undefined;
}

async function compile(compilation: Compilation, { runner, planOptions, bpftool, module }: Running): Promise<Compiled> {
  const { source, output, options, settings, reporter, signal } = compilation;
  const said = new Set<string>();
  const run: RunOptions = {
    signal,
    onStart: ({ command, environment }) => {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      reporter.detail(joinWords([...variables, ...command]));
    },
    onDone: (_, bytes) => {
      const text = compilerText(bytes, hasColor(settings));
      // Of both architectures mostly the same.
      if (!said.has(text)) write("stderr", text);
      said.add(text);
    },
  };
  const check = (failure: StepFailure | undefined) => {
    if (!failure) return;
    write("stderr", compilerText(failure.output, hasColor(settings)));
    throw stepError(failure, options.builder === undefined);
  };
  check(await runSteps(planSteps(source, runner.places, planOptions), runner, run));
  const btfs = options.btfhubArchive === undefined ? undefined : await generateBtfs({
    ...run,
    runner,
    archive: options.btfhubArchive,
    output,
    bpftool,
    tell: reporter.status,
  });
  if (btfs && "failure" in btfs) check(btfs.failure);
  return {
    objects: source.ebpf === undefined ? new Map() : readObjects(output),
    module: module ?? compiledModule(compilation),
    btfs: btfs && "layers" in btfs ? btfs.layers : new Map(),
  };
}

function readObjects(output: string): Map<Architecture, Uint8Array> {
  const read = (architecture: Architecture) =>
    readOutput(join(output, objectName(architecture)), MAX_OBJECT_SIZE, `clang compile for ${architecture}`);
  return new Map(ARCHITECTURES.map((architecture) => [architecture, read(architecture)]));
}

function compiledModule(compilation: Compilation): Uint8Array | undefined {
  const { source: { folder, wasm }, output, options: { validatesMetadata } } = compilation;
  if (!wasm || wasm.kind === "ready") return undefined;
  const path = join(output, MODULE_NAME);
  const made = wasm.kind === "go" ? path : findCargoModule(join(folder, wasm.name), output);
  const module = checkedModule(readCompiledModule(made, validatesMetadata), compilation);
  if (made !== path) onPath("write", path, () => writeFileSync(path, module));
  return module;
}

function readyModule(name: string, compilation: Compilation): Uint8Array {
  const { source: { folder }, options: { validatesMetadata } } = compilation;
  const bytes = readInside(folder, name, "wasm", MAX_MODULE_SIZE);
  return checkedModule(checkModule(bytes, join(folder, name), validatesMetadata), compilation);
}

function checkedModule(
  { bytes, hasVersion }: ModuleFile,
  { source: { folder, wasm }, options: { isStrict }, reporter }: Compilation,
): Uint8Array {
  if (hasVersion === false) reportProblems(join(folder, wasm!.name), [oddity(WITHOUT_VERSION)], isStrict, reporter);
  return bytes;
}

function hasColor({ escapes }: Settings): boolean {
  return escapes && isTerminal("stderr");
}
