import { type ErrorCode, SatchelError, type SatchelErrorOptions } from "../../error.ts";
import { printable } from "../../printable.ts";
import type { ProgramResult } from "../../runtime/mod.ts";

/** How much of an engine's words an error repeats, in UTF-16 units. */
const WORDS_LIMIT = 600;

/** What engines say, and what that means. The first that fits counts. */
const KNOWN: readonly { says: RegExp; code: ErrorCode; details: SatchelErrorOptions }[] = [
  {
    says: /permission denied while trying to connect|docker\.sock: connect: permission denied/i,
    code: "denied",
    details: {
      hint:
        "Only root and members of the group docker may use it: `sudo usermod -aG docker $USER`, then log in again " +
        "(who is in there can become root). Podman needs no such right.",
      remedy: { kind: "local-build" },
    },
  },
  {
    says: /cannot connect to the docker daemon|is the docker daemon running|failed to connect to the docker api/i,
    code: "program",
    details: { hint: "Start its daemon: `sudo systemctl start docker`.", remedy: { kind: "local-build" } },
  },
  {
    says: /cannot connect to podman|unable to connect to podman/i,
    code: "program",
    details: { hint: "Start its machine or service: `podman machine start`.", remedy: { kind: "local-build" } },
  },
  {
    says: /unauthorized|authentication required|access .*denied|denied: |forbidden/i,
    code: "denied",
    details: { hint: "Log in to its registry with the engine's own `login`.", remedy: { kind: "builder-image" } },
  },
  {
    says: /manifest unknown|not found|does not exist|no such image|name unknown/i,
    code: "not-found",
    details: { remedy: { kind: "builder-image" } },
  },
  {
    says:
      /no such host|name resolution|dial tcp|timeout|timed out|connection re|no route|unreachable|pinging container/i,
    code: "network",
    details: { remedy: { kind: "builder-image" } },
  },
  {
    says: /invalid reference format/i,
    code: "usage",
    details: { remedy: { kind: "builder-image" } },
  },
];

/**
 * The error for an engine that did not do what it was asked for, in its own words.
 *
 * @param what `does not answer`: goes behind the engine's name
 */
export function engineFailure(name: string, what: string, result: ProgramResult): SatchelError {
  const words = wordsOf(result);
  const { code, details } = KNOWN.find(({ says }) => says.test(words)) ?? { code: "program" as const, details: {} };
  return new SatchelError(code, `${name} ${what}: ${words || `it ended with status ${result.status}`}`, details);
}

/** What it said to people, in one line. */
function wordsOf({ stdout, stderr }: ProgramResult): string {
  const text = new TextDecoder().decode(stderr).trim() || new TextDecoder().decode(stdout).trim();
  // The end has the reason; what comes before is progress.
  const line = text.split(/\s*\n\s*/).filter((each) => !isNoise(each)).join("; ");
  const short = line.length > WORDS_LIMIT ? `...${line.slice(-WORDS_LIMIT)}` : line;
  return printable(short.replace(/^Error: /, ""));
}

/** What comes with every call, or has nothing to do with the reason. */
function isNoise(line: string): boolean {
  return line === "" ||
    /^(Emulate Docker CLI|Trying to pull|Run 'docker .*' for more information|See 'docker)/.test(line) ||
    /^time="[^"]*" level=(debug|info|warning) /.test(line);
}
