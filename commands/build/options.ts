import { resolve } from "node:path";
import { SatchelError, withContext } from "../../lib/error.ts";
import { readOwnFlags } from "../../lib/gadget/build/compiler_flags.ts";
import { readSourceDateEpoch } from "../../lib/gadget/build/created.ts";
import { checkFolder } from "../../lib/gadget/build/source.ts";
import { type EngineName, ENGINES } from "../../lib/gadget/build/engine.ts";
import { PULL_POLICIES, type PullPolicy } from "../../lib/gadget/build/builder_image.ts";
import type { Reference } from "../../lib/oci/mod.ts";
import { VERSION } from "../build_info.ts";
import { type FlagValues, isSet, listOf, pathOf, textOf } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";

/** The builder image, unless another one is named. */
export const DEFAULT_BUILDER_IMAGE = "ghcr.io/inspektor-gadget/gadget-builder:main";

/** All that a build is told by flags and by the environment. */
export interface BuildOptions {
  /** The gadget's folder, absolute. */
  folder: string;
  /** The build.yaml, if one is named; absolute. */
  buildFile: string | undefined;
  /** What the image will be called. */
  tag: Reference | undefined;
  /** Where generated files are to stay; absolute. */
  output: string | undefined;
  /** The container to build in; `undefined` to build by programs of this host. */
  builder: Builder | undefined;
  /** BTFHub's archive, if smaller ones are to be made of its BTFs; absolute. */
  btfhubArchive: string | undefined;
  cflags: readonly string[];
  /** What was asked for without effect. */
  oddities: string[];
  isReproducible: boolean;
  updatesMetadata: boolean;
  validatesMetadata: boolean;
  /** Whether warnings of what is built are errors. */
  isStrict: boolean;
  /** Seconds since 1970 that the image is to say it was made at; `undefined` for the time of its making. */
  epoch: bigint | undefined;
  builderVersion: string;
}

/** The container to build in. */
export interface Builder {
  engine: EngineName | undefined;
  image: string;
  pull: PullPolicy;
  /** A tree of sources of Inspektor Gadget that the gadget is in. */
  sourceRoot: string | undefined;
}

/**
 * Reads what a build is told.
 *
 * @throws {SatchelError} `usage`
 */
export function readBuildOptions({ arguments: [folder], flags, environment }: Invocation): BuildOptions {
  const buildFile = pathOf(flags, "file");
  const output = pathOf(flags, "output");
  const tag = textOf(flags, "tag");
  const isReproducible = isSet(flags, "reproducible");
  return {
    folder: resolve(folder),
    buildFile: buildFile === undefined ? undefined : resolve(buildFile),
    tag: tag === undefined ? undefined : readTag(tag),
    output: output === undefined ? undefined : resolve(output),
    builder: readBuilder(flags, environment.IG_SOURCE_PATH),
    btfhubArchive: readArchive(flags),
    cflags: listOf(flags, "cflags").flatMap((text) => readOwnFlags(text, "--cflags")),
    oddities: isSet(flags, "btfgen") || pathOf(flags, "btfhub-archive") === undefined
      ? []
      : ["--btfhub-archive has no effect without --btfgen"],
    isReproducible,
    updatesMetadata: isSet(flags, "update-metadata"),
    validatesMetadata: isSet(flags, "validate-metadata", true),
    isStrict: isSet(flags, "strict"),
    epoch: readEpoch(environment.SOURCE_DATE_EPOCH, isReproducible),
    builderVersion: textOf(flags, "builder-version") ?? `satchel v${VERSION}`,
  };
}

function readTag(text: string): Reference {
  try {
    const reference = readImageName(text);
    if (reference.digest === undefined) return reference;
  } catch (error) {
    throw withContext("--tag", error);
  }
  throw new SatchelError(
    "usage",
    "--tag: the digest of an image follows from what it is made of: leave @sha256:... out",
  );
}

function readBuilder(flags: FlagValues, sourceRoot: string | undefined): Builder | undefined {
  const image = textOf(flags, "builder-image");
  const engine = textOf(flags, "engine");
  if (!isSet(flags, "local")) {
    return {
      engine: ENGINES.find((each) => each === engine),
      image: image ?? DEFAULT_BUILDER_IMAGE,
      pull: PULL_POLICIES.find((each) => each === textOf(flags, "builder-image-pull")) ?? "always",
      sourceRoot: sourceRoot ? resolve(sourceRoot) : undefined,
    };
  }
  const [other] = ["builder-image", "engine"].filter((name) => textOf(flags, name) !== undefined);
  if (other === undefined) return undefined;
  throw new SatchelError("usage", `--local and --${other} cannot be used at the same time`, {
    hint: "--local builds by programs of this host, without a container.",
  });
}

const ARCHIVE_HINT = "git clone --depth 1 https://github.com/aquasecurity/btfhub-archive";

function readArchive(flags: FlagValues): string | undefined {
  const archive = pathOf(flags, "btfhub-archive");
  if (!isSet(flags, "btfgen")) return undefined;
  if (archive !== undefined) return checkedArchive(resolve(archive));
  throw new SatchelError("usage", "--btfgen requires --btfhub-archive", {
    hint: ARCHIVE_HINT,
  });
}

function checkedArchive(path: string): string {
  try {
    checkFolder(path);
    return path;
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    throw new SatchelError(error.code, `--btfhub-archive: ${error.message}`, { hint: ARCHIVE_HINT, cause: error });
  }
}

/** Two people who build the same have different clocks, so what is to be reproducible has a time that none of them has. */
function readEpoch(text: string | undefined, isReproducible: boolean): bigint | undefined {
  if (text !== undefined) return readSourceDateEpoch(text);
  return isReproducible ? 0n : undefined;
}
