import { SatchelError } from "../../error.ts";
import { printable } from "../../printable.ts";
import { CARGO_TARGET } from "./plan.ts";
import type { StepFailure } from "./run.ts";
import { joinWords } from "./words.ts";

/** Where headers come from, by how their names begin. */
const HEADERS: readonly [pattern: RegExp, local: string][] = [
  [/^bpf\//, "On Debian: apt install libbpf-dev"],
  [/^(linux|asm|asm-generic|rdma|scsi|mtd|sound|video)\//, "On Debian: apt install linux-libc-dev"],
  [
    /^gadget\//,
    "It comes with the sources of Inspektor Gadget, below include/: --cflags -I/PATH/TO/include, or build in a container, " +
    "whose image has it.",
  ],
  [
    /^vmlinux\.h$/,
    "It can be made of the types of this kernel: bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h; " +
    "or build in a container, whose image has one.",
  ],
  [/^(std\w+|string|errno|ctype|unistd|features|sys\/.*|bits\/.*|gnu\/.*)(\.h)?$/, "On Debian: apt install libc6-dev"],
];

// deno-lint-ignore no-control-regex -- what compilers write to a terminal
const COLOR = /\x1b\[[0-9;]*[mK]/g;

/** What tells why a compiler failed, and what helps. */
const CAUSES: readonly [pattern: RegExp, hint: string][] = [
  [
    /No available targets are compatible with triple "bpf"|unknown target triple 'bpf/,
    "This clang was made without eBPF; CLANG may name another one.",
  ],
  [
    new RegExp(`can't find crate for \`(core|std)\`|the \`${CARGO_TARGET}\` target may not be installed`),
    `rustup target add ${CARGO_TARGET}`,
  ],
  [/-buildmode=c-shared not supported on wasip1\/wasm/, "That needs Go 1.24 or newer."],
  [/flag provided but not defined: -C/, "That needs Go 1.24 or newer."],
  [/unsupported GOOS\/GOARCH pair wasip1\/wasm/, "That needs Go 1.24 or newer."],
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
 */
export function stepError({ step, status, output }: StepFailure, isLocal: boolean): SatchelError {
  const how = status > 128 && status < 193 ? `was ended by signal ${status - 128}` : `failed with status ${status}`;
  const message = `${step.name} ${how}: ${printable(joinWords(step.command), 2000)}`;
  return new SatchelError("program", message, { hint: hintFor(new TextDecoder().decode(output), isLocal) });
}

function hintFor(output: string, isLocal: boolean): string | undefined {
  const plain = output.replaceAll(COLOR, "");
  const header = /fatal error: '([^'\n]{1,200})' file not found/.exec(plain)?.[1];
  if (header !== undefined) return headerHint(header, isLocal);
  return CAUSES.find(([pattern]) => pattern.test(plain))?.[1];
}

function headerHint(header: string, isLocal: boolean): string {
  const name = printable(header);
  const known = HEADERS.find(([pattern]) => pattern.test(header))?.[1];
  if (isLocal && known !== undefined) return `Where ${name} comes from: ${known}`;
  const own = `If ${name} is the gadget's own: \`cflags: -IFOLDER\` in build.yaml says in which folder it is.`;
  return isLocal ? own : `${own} Otherwise the builder image lacks it: --builder-image names another one.`;
}
