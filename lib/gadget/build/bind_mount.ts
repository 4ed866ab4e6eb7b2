import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import type { EngineKind } from "./engine.ts";

/** A folder of this host that a container sees. */
export interface BindMount {
  /** Absolute. */
  source: string;
  target: string;
  readOnly?: boolean;
}

/**
 * The arguments that give a container a folder. Of `--volume` a colon separates the parts, of `--mount` a comma: Docker reads the latter as
 * a line of CSV, where quotes help; Podman 4.3 cuts it at every comma.
 *
 * @throws {SatchelError} `usage` if the engine has no way to write this path
 */
export function bindMountArguments(kind: EngineKind, mount: BindMount): string[] {
  const { source, target, readOnly = false } = mount;
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  if (/[\x00-\x1f\x7f]/.test(source)) throw unmountable(source, "has a control character in its name");
  const fields = ["type=bind", `source=${source}`, `target=${target}`, ...(readOnly ? ["readonly"] : [])];
  if (kind === "docker") return ["--mount", fields.map(csvField).join(",")];
  if (!/[,"]/.test(source)) return ["--mount", fields.join(",")];
  if (!source.includes(":")) return ["--volume", `${source}:${target}${readOnly ? ":ro" : ""}`];
  throw unmountable(
    source,
    "has a colon as well as a comma or a quote in its name, which Podman's command line cannot tell apart",
  );
}

function csvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unmountable(source: string, why: string): SatchelError {
  return new SatchelError("usage", `the folder ${printable(source)} cannot be given to a container: it ${why}`, {
    hint: "Give the folder another name, or build with this host's own programs.",
  });
}
