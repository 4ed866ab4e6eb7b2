import { existsSync } from "node:fs";
import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { CARGO_TARGET, CONTAINER_SOURCE } from "./plan.ts";
import type { StepFailure } from "./run.ts";
import { joinWords } from "./words.ts";

/** Where headers come from, by how their names begin. */
const HEADERS: readonly HeaderSource[] = [
  { pattern: /^bpf\//, package: "libbpf-dev", installed: "/usr/include/bpf/bpf_helpers.h" },
  {
    pattern: /^(linux|asm|asm-generic|rdma|scsi|mtd|sound|video)\//,
    package: "linux-libc-dev",
    installed: "/usr/include/linux/types.h",
  },
  {
    pattern: /^gadget\//,
    local:
      "comes with the sources of Inspektor Gadget, below include/: --cflags -I/PATH/TO/include, or build in a container, " +
      "whose image has it.",
  },
  {
    pattern: /^vmlinux\.h$/,
    local:
      "can be made of the types of this kernel: bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h; " +
      "or build in a container, whose image has one.",
  },
  {
    pattern: /^(std\w+|string|errno|ctype|unistd|features|sys\/.*|bits\/.*|gnu\/.*)(\.h)?$/,
    package: "libc6-dev",
    installed: "/usr/include/features.h",
  },
];

/** Where headers come from: a package, of which a file tells whether it is there, or something else. */
type HeaderSource =
  & { pattern: RegExp }
  & ({ package: string; installed: string; local?: never } | { local: string; package?: never });

/** Whether a file is there. */
type Exists = (path: string) => boolean;

// deno-lint-ignore no-control-regex -- what compilers write to a terminal
const COLOR = /\x1b\[[0-9;]*[mK]/g;

/** What tells why a compiler failed, and what helps. */
const CAUSES: readonly [pattern: RegExp, hint: string][] = [
  [
    /No available targets are compatible with triple "bpf"|unknown target triple 'bpf/,
    "This clang was made without eBPF; CLANG may name another one, in a container one that its image has.",
  ],
  [
    new RegExp(`can't find crate for \`(core|std)\`|the \`${CARGO_TARGET}\` target may not be installed`),
    `rustup target add ${CARGO_TARGET}; rustup, with a Cargo that has this target: https://rustup.rs`,
  ],
  [
    /-buildmode=c-shared not supported on wasip1\/wasm|flag provided but not defined: -C|unsupported GOOS\/GOARCH pair wasip1\/wasm/,
    "That needs Go 1.24 or newer: Debian 12 has it in bookworm-backports; else https://go.dev/dl",
  ],
  [
    /no required module provides package|cannot find module providing package|missing go\.sum entry/,
    "In the folder of the Go source: go mod tidy",
  ],
  [/go\.mod file not found/, "In the folder of the Go source: go mod init NAME"],
  [
    /No space left on device|no space left on device/,
    "The disk is full; -o or TMPDIR may name a folder on another one.",
  ],
];

/**
 * The error for a step that failed. What it said is not in it: that is shown as it is.
 *
 * @param isLocal whether it ran on this host
 * @param exists whether a file is on this host
 */
export function stepError(
  { step, status, output }: StepFailure,
  isLocal: boolean,
  exists: Exists = existsSync,
): SatchelError {
  const how = status > 128 && status < 193 ? `was ended by signal ${status - 128}` : `failed with status ${status}`;
  const message = `${step.name} ${how}: ${printable(joinWords(step.command), 2000)}`;
  return new SatchelError("program", message, { hint: hintFor(new TextDecoder().decode(output), isLocal, exists) });
}

function hintFor(output: string, isLocal: boolean, exists: Exists): string | undefined {
  const plain = output.replaceAll(COLOR, "");
  const header = /fatal error: '([^'\n]{1,200})' file not found/.exec(plain)?.[1];
  if (header !== undefined) return isLocal ? localHeaderHint(header, exists) : containerHeaderHint(header);
  return CAUSES.find(([pattern]) => pattern.test(plain))?.[1];
}

function localHeaderHint(header: string, exists: Exists): string {
  const name = printable(header);
  const known = HEADERS.find(({ pattern }) => pattern.test(header));
  if (known?.local !== undefined) return `${name} ${known.local}`;
  if (known && !exists(known.installed)) {
    return `${name} comes with ${known.package}. On Debian: apt install ${known.package}`;
  }
  const own = `If ${name} is the gadget's own: \`cflags: -IFOLDER\` in build.yaml says in which folder it is.`;
  return known ? `${known.package} is there, and ${name} not in it: is the name right, or is it too old? ${own}` : own;
}

/** A container has nothing of this host but the gadget's folder. */
function containerHeaderHint(header: string): string {
  const name = printable(header);
  return `If ${name} is in the gadget's folder: \`cflags: -IFOLDER\` in build.yaml says where. Other folders of this host are not in the ` +
    `container: if it is in one that the gadget's folder is in, IG_SOURCE_PATH=FOLDER gives it that, as ${CONTAINER_SOURCE}, ` +
    `with --cflags -I${CONTAINER_SOURCE}/... for headers but those of its include/. Else the builder image lacks it: --builder-image names another one.`;
}
