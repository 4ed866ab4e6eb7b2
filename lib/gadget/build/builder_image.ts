import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { type Engine, runEngine } from "./engine.ts";
import { engineFailure } from "./engine_error.ts";
import { joinWords } from "./words.ts";

/** When a builder image is pulled: before every build, if the engine does not have it, or not at all. */
export const PULL_POLICIES = ["always", "missing", "never"] as const;

/** One of {@link PULL_POLICIES}. */
export type PullPolicy = (typeof PULL_POLICIES)[number];

/** Options of {@link ensureBuilderImage}. */
export interface BuilderImageOptions {
  /** Its name, as the engine resolves it. */
  image: string;
  pull: PullPolicy;
  /** Gets a line for people about what takes long. */
  tell: (line: string) => void;
  /** Gets the engine's command. */
  detail?: (line: string) => void;
  signal: AbortSignal;
}

/** What an image gives its containers. */
export interface BuilderImage {
  /** `NAME=VALUE`, each. */
  environment: readonly string[];
}

/**
 * Sees to it that the engine has the image.
 *
 * @throws {SatchelError} `usage` if this is no name of an image; `not-found` if it is not there and may not be pulled, or if no registry has it;
 * `denied`, `network`, `program` if it cannot be pulled; `cancelled`
 */
export async function ensureBuilderImage(
  engine: Engine,
  { image, pull, tell, detail, signal }: BuilderImageOptions,
): Promise<BuilderImage> {
  if (image === "" || image.startsWith("-") || /\s/.test(image)) {
    throw new SatchelError("usage", `this is no name of an image: "${printable(image)}"`);
  }
  const before = pull === "always" ? undefined : await inspectImage(engine, image, signal);
  if (before) return before;
  if (pull === "never") {
    throw new SatchelError(
      "not-found",
      `the builder image ${printable(image)} is not available locally and pull is disabled`,
      { hint: `Fetch it first: \`${engine.name} pull ${printable(image)}\`.`, remedy: { kind: "builder-image" } },
    );
  }
  tell(`Pulling builder image ${printable(image)}`);
  detail?.(joinWords([engine.path, "pull", image]));
  const result = await runEngine(engine, ["pull", image], signal);
  if (result.status !== 0) {
    const failure = engineFailure(engine.name, `cannot pull the builder image ${printable(image)}`, result);
    throw pull === "always" && await inspectImage(engine, image, signal) ? withOldOne(failure) : failure;
  }
  const after = await inspectImage(engine, image, signal);
  if (!after) throw new SatchelError("program", `${engine.name} has pulled ${printable(image)}, and does not know it`);
  return after;
}

/** `undefined` if the engine does not have it. */
async function inspectImage(engine: Engine, image: string, signal: AbortSignal): Promise<BuilderImage | undefined> {
  const args = ["image", "inspect", "--format", "{{json .Config.Env}}", image];
  const { status, stdout } = await runEngine(engine, args, signal);
  if (status !== 0) return undefined;
  return { environment: textsOf(new TextDecoder().decode(stdout)) };
}

function textsOf(json: string): string[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** An image that is here, but cannot be brought up to date, may be what somebody without network wants. */
function withOldOne({ code, message, hint, cause }: SatchelError): SatchelError {
  const remedy = { kind: "builder-image-at-hand" } as const;
  return new SatchelError(code, message, { remedy, cause, ...(hint !== undefined && { hint }) });
}
