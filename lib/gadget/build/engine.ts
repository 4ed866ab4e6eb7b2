import { type ProgramResult, runProgram } from "../../runtime/mod.ts";
import { SatchelError } from "../../error.ts";
import { engineFailure } from "./engine_error.ts";
import { findOnPath } from "./on_path.ts";

/** The programs that run containers, in the order in which they are looked for. */
export const ENGINES = ["docker", "podman"] as const;

/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** Whose command line it has. What is called `docker` may be Podman. */
export type EngineKind = EngineName;

/** Variables of an environment. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** An engine that answers. */
export interface Engine {
  name: EngineName;
  kind: EngineKind;
  /** Its program. */
  path: string;
  /** Whether root in a container is the user here. */
  isRootless: boolean;
  /** Whether it gives the users of a container other numbers here, although it has root's rights (`userns-remap` of Docker). */
  remapsUsers: boolean;
  /** Whether SELinux keeps containers away from the files of users. */
  hasSelinux: boolean;
  /** What its program gets as its environment: all that this process has, since an engine is found by much of it (`DOCKER_HOST`, `HOME`). */
  environment: Variables;
}

/** How much an engine may say, in bytes. */
export const ENGINE_OUTPUT_LIMIT = 8 << 20;

/** How long an engine may take to say what it is, in milliseconds: Docker waits for a host that does not answer for ever. */
const INFO_TIMEOUT = 60_000;

/**
 * Finds an engine that answers: the one that is named; otherwise Docker, and Podman where there is no Docker or where Docker has no daemon that
 * answers.
 *
 * @param environment with `PATH`, and all that the engine itself looks at
 * @throws {SatchelError} `program` if there is none, or none that answers; `denied` if it may not be used; `cancelled`
 */
export async function findEngine(
  name: EngineName | undefined,
  environment: Variables,
  signal: AbortSignal,
): Promise<Engine> {
  const found = (name === undefined ? ENGINES : [name]).flatMap((each) => {
    const path = findOnPath(each, environment.PATH);
    return path === undefined ? [] : [{ name: each, path }];
  });
  if (found.length === 0) throw noEngine(name);
  const failures: SatchelError[] = [];
  for (const { name, path } of found) {
    try {
      return await askEngine(name, path, environment, signal);
    } catch (error) {
      if (!(error instanceof SatchelError) || error.code === "cancelled") throw error;
      failures.push(error);
    }
  }
  throw severalFailures(failures);
}

/** Runs an engine's program to its end. */
export function runEngine(engine: Engine, args: readonly string[], signal?: AbortSignal): Promise<ProgramResult> {
  const { path, environment } = engine;
  return runProgram(path, args, { environment, maxOutput: ENGINE_OUTPUT_LIMIT, ...(signal && { signal }) });
}

async function askEngine(
  name: EngineName,
  path: string,
  environment: Variables,
  signal: AbortSignal,
): Promise<Engine> {
  const result = await runProgram(path, ["info", "--format", "{{json .}}"], {
    environment,
    maxOutput: ENGINE_OUTPUT_LIMIT,
    timeout: INFO_TIMEOUT,
    signal,
  });
  if (result.status !== 0) throw engineFailure(name, "does not answer", result);
  const traits = engineTraits(new TextDecoder().decode(result.stdout));
  if (!traits) throw new SatchelError("program", `${name} does not say what it is: ${path} info has no known form`);
  return { name, path, environment, ...traits };
}

/** What `info` says of an engine, as Docker's and as Podman's JSON has it; `undefined` if it is neither. */
export function engineTraits(
  info: string,
): Pick<Engine, "kind" | "isRootless" | "remapsUsers" | "hasSelinux"> | undefined {
  const root = parseObject(info);
  const security = objectIn(objectIn(root, "host"), "security");
  if (security) {
    return {
      kind: "podman",
      isRootless: security.rootless === true,
      remapsUsers: false,
      hasSelinux: security.selinuxEnabled === true,
    };
  }
  if (!root || !("SecurityOptions" in root)) return undefined;
  // `name=seccomp,profile=builtin`, each.
  const options = Array.isArray(root.SecurityOptions) ? root.SecurityOptions : [];
  const has = (name: string) => options.some((each) => String(each).split(",").includes(`name=${name}`));
  return { kind: "docker", isRootless: has("rootless"), remapsUsers: has("userns"), hasSelinux: has("selinux") };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function objectIn(parent: Record<string, unknown> | undefined, key: string): Record<string, unknown> | undefined {
  return asObject(parent?.[key]);
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

function noEngine(name: EngineName | undefined): SatchelError {
  const what = name ?? "docker or podman";
  return new SatchelError("program", `no container engine: there is no ${what} on PATH`, {
    hint: `Install ${name ?? "one of them"}${name === "podman" || name === undefined ? " (apt install podman)" : ""}.`,
    remedy: { kind: "local-build" },
  });
}

/** The first failure is told, as that of the engine that was to be taken; of the others only that they did not help. */
function severalFailures(failures: readonly SatchelError[]): SatchelError {
  const [first, ...others] = failures;
  if (others.length === 0) return first;
  const { code, hint, remedy, cause } = first;
  const message = [first, ...others].map(({ message }) => message).join("; and ");
  return new SatchelError(code, message, {
    ...(hint !== undefined && { hint }),
    ...(remedy && { remedy }),
    cause,
  });
}
