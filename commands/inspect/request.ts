import { SatchelError } from "../../lib/error.ts";
import { type Platform, readPlatform } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { type FlagValues, isSet, listOf, textOf } from "../line/flags.ts";
import { INSPECT_MODES, PULL_POLICIES, type PullPolicy } from "./words.ts";

/** A form in which what an image holds can be had. */
export type InspectMode = (typeof INSPECT_MODES)[number];

/** What is to be shown. */
export type Wanted =
  | { kind: "summary" }
  | { kind: "contents" }
  | { kind: "content"; key: string; path: string | undefined }
  | { kind: "data-sources"; path: string | undefined };

/** What the command line asks for. */
export interface InspectRequest {
  wanted: Wanted;
  /** How it is written, the summary aside. */
  mode: Exclude<InspectMode, "summary">;
  /** When the registry is asked. */
  pull: PullPolicy;
  /** The platform whose manifest is looked into; `undefined` for the host's. */
  platform: Platform | undefined;
}

/** Flags of `ig` by which signatures are verified. */
const VERIFY_FLAGS = ["public-keys", "notation-certificates", "notation-policy-document"];

/**
 * Reads what the command line asks for.
 *
 * @param isWatched whether the result goes to a terminal
 * @throws {SatchelError} `usage`
 */
export function readRequest(flags: FlagValues, isWatched: boolean): InspectRequest {
  checkVerification(flags);
  const asked = INSPECT_MODES.find((mode) => mode === textOf(flags, "output"));
  const wanted = readWanted(flags, asked === "summary" || (asked === undefined && isWatched));
  if (asked === "summary" && wanted.kind !== "summary") {
    throw new SatchelError("usage", "-o summary shows all, and cannot be used with extra-info or show-datasources");
  }
  const platform = textOf(flags, "platform");
  return {
    wanted,
    mode: asked === undefined || asked === "summary" ? "jsonpretty" : asked,
    pull: readPolicy(flags),
    platform: platform === undefined ? undefined : readPlatform(platform),
  };
}

function readWanted(flags: FlagValues, isSummary: boolean): Wanted {
  const key = textOf(flags, "extra-info");
  const path = textOf(flags, "jsonpath");
  const showsDataSources = isSet(flags, "show-datasources");
  if (key !== undefined && showsDataSources) {
    throw new SatchelError("usage", `extra-info ${quoted(key)} and show-datasources cannot be used together`);
  }
  if (key !== undefined) return { kind: "content", key, path };
  if (showsDataSources) return { kind: "data-sources", path };
  if (path === undefined) return { kind: isSummary ? "summary" : "contents" };
  throw new SatchelError("usage", `jsonpath ${quoted(path)} can only be used with extra info or show-datasources`);
}

function readPolicy(flags: FlagValues): PullPolicy {
  const asked = PULL_POLICIES.find((policy) => policy === textOf(flags, "pull"));
  if (!isSet(flags, "disallow-pulling")) return asked ?? "missing";
  if (asked === "always") throw new SatchelError("usage", "--pull always and --disallow-pulling contradict each other");
  return "never";
}

/** Nobody should believe that a signature was verified. */
function checkVerification(flags: FlagValues): void {
  const given = VERIFY_FLAGS.find((name) => textOf(flags, name) !== undefined || listOf(flags, name).length > 0) ??
    (isSet(flags, "verify-image") ? "verify-image" : undefined);
  if (given === undefined) return;
  throw new SatchelError("usage", `--${given}: inspect verifies no signatures`, {
    hint:
      "`satchel image verify` does. Without the flag, or with --verify-image=false, the image is shown unverified; nothing of it is run.",
  });
}

/** A value of the command line, in an error. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text), 200);
}
