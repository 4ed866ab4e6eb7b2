import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { cancelled, SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { type Companion, effectiveGroup, effectiveUser, runProgram, startCompanion } from "../../runtime/mod.ts";
import { type BindMount, bindMountArguments } from "./bind_mount.ts";
import { type BuilderImage, ensureBuilderImage, type PullPolicy } from "./builder_image.ts";
import { type Engine, ENGINE_OUTPUT_LIMIT, type EngineName, findEngine, runEngine, type Variables } from "./engine.ts";
import { engineFailure } from "./engine_error.ts";
import type { BuildPlaces, BuildStep, StepResult, StepRunner } from "./step.ts";
import { StepOutput } from "./step_output.ts";
import { joinWords } from "./words.ts";

/** Where the folders are in a builder container. */
const WORK = "/work";
const OUT = "/out";
const BTFHUB_ARCHIVE = "/btfhub-archive";

/** What steps run if no variable names other programs. */
const USUAL_PROGRAMS: ReadonlySet<string> = new Set(["clang", "llvm-strip", "bpftool", "go", "cargo", "tar", "xz"]);

/** The label of every builder container; its value is the container's name. */
const LABEL = "satchel.build";

/** How long a container that is to be removed is waited for, in milliseconds. */
const REMOVAL_TIMEOUT = 10_000;

/** Options of {@link openContainer}. */
export interface ContainerOptions {
  /** Default: see {@link findEngine}. */
  engine?: EngineName;
  /** The builder image, as the engine resolves it. */
  image: string;
  pull: PullPolicy;
  /** The gadget's folder on this host, absolute. */
  source: string;
  /**
   * The folder that the container gets in place of `source`, which has to be in it (`IG_SOURCE_PATH`): for gadgets that include what lies
   * beside them.
   */
  sourceRoot?: string;
  /** Where steps write to, on this host; absolute. */
  output: string;
  /** BTFHub's archive on this host, absolute; the container cannot write to it. */
  btfhubArchive?: string;
  /** For the engine's own program alone: `PATH`, and what it looks at. The container gets nothing of it. */
  environment: Variables;
  /** Gets a line for people about what takes long. */
  tell: (line: string) => void;
  /** Gets the engine's commands, as they could be typed, but those that ask alone. */
  detail?: (line: string) => void;
  /** Ends the start. What was started by then is removed. */
  signal: AbortSignal;
}

/**
 * Starts a builder container, by the command line of Docker or Podman. Steps run in it at the same time, with the folders at fixed places, as the user of this process, and
 * with nothing of this process's environment. It is gone after disposal, and also if this process dies in any way: it
 * lives as long as its input, which is a pipe of this process.
 *
 * @throws {SatchelError} `program`, `denied`, `not-found`, `network` if there is no engine that answers, no image, or the container does not start;
 * `usage` for a folder that it cannot have; `cancelled`
 */
export async function openContainer(options: ContainerOptions): Promise<StepRunner> {
  const places: BuildPlaces = {
    source: placeOfSource(options.source, options.sourceRoot),
    output: OUT,
    btfhubArchive: options.btfhubArchive === undefined ? undefined : BTFHUB_ARCHIVE,
  };
  const engine = await findEngine(options.engine, options.environment, options.signal);
  const user = userArguments(engine);
  const mounts = mountsOf(options).flatMap((mount) => bindMountArguments(engine.kind, mount));
  const image = await ensureBuilderImage(engine, options);
  const name = `satchel-build-${randomBytes(8).toString("hex")}`;
  const container = new Container(engine, name, options.image, places, [
    ...["run", "--rm", "--interactive", "--pull", "never", "--name", name, "--label", `${LABEL}=${name}`],
    ...["--log-driver", "none", "--workdir", places.source, ...securityArguments(engine)],
    ...[...user.flags, ...homeArguments(user.isRoot, image), ...mounts],
    // Not the image's own entry point, which may want anything: a program that ends with its input, and says what it reads.
    ...["--entrypoint", "cat", options.image, "-"],
  ]);
  try {
    await container.started(options.signal, options.detail);
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Where the gadget's folder is in the container.
 *
 * @throws {SatchelError} `usage` if it is not in the folder that the container gets
 */
export function placeOfSource(source: string, root: string | undefined): string {
  if (root === undefined) return WORK;
  const rest = relative(realPath(root), realPath(source));
  if (rest === ".." || rest.startsWith(`..${sep}`)) {
    throw new SatchelError(
      "usage",
      `the folder ${printable(source)} is not in the source folder ${printable(root)} (IG_SOURCE_PATH)`,
    );
  }
  return rest === "" ? WORK : join(WORK, rest);
}

/** Both paths may go through links; one that is not there is told by whoever reads the folder. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function mountsOf({ source, sourceRoot, output, btfhubArchive }: ContainerOptions): BindMount[] {
  return [
    { source: realPath(sourceRoot ?? source), target: WORK },
    { source: realPath(output), target: OUT },
    ...(btfhubArchive === undefined
      ? []
      : [{ source: realPath(btfhubArchive), target: BTFHUB_ARCHIVE, readOnly: true }]),
  ];
}

/**
 * With whose rights steps run, so that what they write belongs to the user here: root of a rootless engine is that user, and an engine of
 * root's knows users by their numbers.
 */
function userArguments(engine: Engine): { flags: string[]; isRoot: boolean } {
  const [user, group] = [effectiveUser(), effectiveGroup()];
  if (engine.isRootless && user === 0 && engine.kind === "docker") {
    throw new SatchelError(
      "denied",
      "root cannot build with an engine that somebody runs without root's rights: what it writes would be theirs",
      { hint: "Build as that user, or unset DOCKER_HOST.", remedy: { kind: "local-build" } },
    );
  }
  if (engine.isRootless || user === undefined) return { flags: ["--user", "0:0"], isRoot: true };
  const flags = ["--user", `${user}:${group ?? 0}`];
  if (engine.remapsUsers) flags.push("--userns", "host");
  return { flags, isRoot: user === 0 };
}

/** Folders are not labelled anew for SELinux: that would change what other programs may do with the author's files. */
function securityArguments({ kind, hasSelinux }: Engine): string[] {
  const flags = ["--security-opt", "no-new-privileges"];
  if (hasSelinux) flags.push("--security-opt", "label=disable");
  // Podman would hand the proxies of this process's environment on.
  if (kind === "podman") flags.push("--http-proxy=false");
  return flags;
}

/** Whom the image does not know has `/` or even the gadget's folder as home, and compilers keep much in there. */
function homeArguments(isRoot: boolean, { environment }: BuilderImage): string[] {
  return environment.some((each) => each.startsWith("HOME=")) ? [] : ["--env", `HOME=${isRoot ? "/root" : "/tmp"}`];
}

class Container implements StepRunner {
  readonly places: BuildPlaces;
  readonly #engine: Engine;
  readonly #name: string;
  readonly #image: string;
  readonly #companion: Companion;
  readonly #command: readonly string[];
  #removal: Promise<void> | undefined;
  #hasEnded = false;

  constructor(engine: Engine, name: string, image: string, places: BuildPlaces, args: readonly string[]) {
    this.places = places;
    this.#engine = engine;
    this.#name = name;
    this.#image = image;
    this.#command = [engine.path, ...args];
    this.#companion = startCompanion(engine.path, args, {
      environment: engine.environment,
      greeting: name,
      maxOutput: ENGINE_OUTPUT_LIMIT,
    });
    const ended = () => void (this.#hasEnded = true);
    this.#companion.ended.then(ended, ended);
  }

  /** Waits until programs can be run in it. */
  async started(signal: AbortSignal, detail?: (line: string) => void): Promise<void> {
    detail?.(joinWords(this.#command));
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(cancelled(signal, "starting the builder container"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    try {
      if (await Promise.race([this.#companion.ready, aborted.promise])) return;
    } finally {
      signal.removeEventListener("abort", abort);
    }
    const what = `cannot start a container of the builder image ${printable(this.#image)}`;
    throw engineFailure(this.#engine.name, what, await this.#companion.ended);
  }

  async run(step: BuildStep, signal: AbortSignal): Promise<StepResult> {
    const variables = Object.entries(step.environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
    const args = ["exec", "--workdir", this.places.source, ...variables, this.#name, ...step.command];
    const { path, environment } = this.#engine;
    const output = new StepOutput();
    const take = (bytes: Uint8Array) => output.add(bytes);
    const { status } = await runProgram(path, args, {
      environment,
      maxOutput: 0,
      onStdout: take,
      onStderr: take,
      signal,
    });
    const result = { status, output: output.bytes() };
    if (status !== 0) this.#throwIfNotRun(step, result);
    return result;
  }

  /** Such a status may be the program's own, so what counts is what the engine says. */
  #throwIfNotRun({ command: [program] }: BuildStep, { status, output: bytes }: StepResult): void {
    const image = printable(this.#image);
    const output = new TextDecoder().decode(bytes);
    // Docker says this with status 1, Podman with 125 or 255.
    if (this.#hasEnded || /^Error.*(no such container|is not running|container state improper)/im.test(output)) {
      throw new SatchelError("program", `the builder container of ${image} has ended while steps ran in it`, {
        hint: "Was it stopped, or is there too little memory?",
      });
    }
    if (status < 126 || !/OCI runtime|exec failed|attempted to invoke/i.test(output)) return;
    const why = /permission denied/i.test(output) ? "may not be executed" : "is not there";
    throw new SatchelError("program", `cannot start ${printable(program)}: it ${why} in the builder image ${image}`, {
      hint: USUAL_PROGRAMS.has(program)
        ? undefined
        : "CLANG, LLVM_STRIP and BPFTOOL name programs of the container, not of this host.",
      remedy: { kind: "builder-image" },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#removal ??= this.#remove();
  }

  /**
   * Without its input it ends by itself; the engine is asked to remove it as well, since what a step has started may keep it. Only when the
   * engine's program has ended it is certain that no container comes any more, so one that was not there yet is removed then.
   */
  async #remove(): Promise<void> {
    this.#companion.dismiss();
    const wasThere = await this.#askToRemove();
    const timer = setTimeout(() => this.#companion.kill(), REMOVAL_TIMEOUT);
    await this.#companion.ended.catch(() => {});
    clearTimeout(timer);
    if (!wasThere) await this.#askToRemove();
  }

  async #askToRemove(): Promise<boolean> {
    // Podman asks a container to end, and waits ten seconds; Docker kills it at once and knows no such flag.
    const force = this.#engine.kind === "podman" ? ["--force", "--time", "0"] : ["--force"];
    try {
      const args = ["rm", ...force, this.#name];
      const { status, stdout } = await runEngine(this.#engine, args, AbortSignal.timeout(REMOVAL_TIMEOUT));
      // To force it is also to be content if there is none; what was removed is named.
      return status === 0 && stdout.length > 0;
    } catch (error) {
      if (error instanceof SatchelError) return false;
      throw error;
    }
  }
}
