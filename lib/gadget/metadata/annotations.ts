import { suggestions } from "../../suggest.ts";

/** Which texts an annotation may have; anything that is no text of these is told. */
type ValueKind =
  | { what: string; matches: RegExp }
  | { what: string; oneOf: readonly string[] };

const COUNT: ValueKind = { what: "a number", matches: /^\d{1,9}$/ };
// Columns may be as wide as the largest value of their type.
const WIDTH: ValueKind = { what: "a number", matches: /^(\d{1,9}|type)$/ };
// Anything but `true` counts as false there.
const TRUTH: ValueKind = { what: "true or false", oneOf: ["true", "false"] };
const DURATION = {
  what: "a duration (500ms, 2s)",
  matches: /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/,
};

/** Whether a text is a duration as Go writes it. */
export function isDuration(text: string): boolean {
  return DURATION.matches.test(text);
}

/** What Inspektor Gadget knows how to show, by the value of the annotation `template`. */
export const TEMPLATES = [
  "bytes",
  "comm",
  "container",
  "containerImageDigest",
  "containerImageName",
  "containerPid",
  "containerStartedAt",
  "duration",
  "errorString",
  "gid",
  "l4endpoint",
  "mntns_id",
  "namespace",
  "netns_id",
  "node",
  "ns",
  "pcomm",
  "pid",
  "pod",
  "ppid",
  "ptid",
  "syscall",
  "tid",
  "timestamp",
  "uid",
  "user_stack",
] as const;

const FIELD_ANNOTATIONS: Readonly<Record<string, ValueKind>> = {
  "template": { what: "a template that is known", oneOf: TEMPLATES },
  "json.skip": TRUTH,
  "columns.width": WIDTH,
  "columns.maxwidth": WIDTH,
  "columns.minwidth": WIDTH,
  "columns.precision": COUNT,
  "columns.alignment": { what: "left or right", oneOf: ["left", "right"] },
  "columns.ellipsis": { what: "start, middle, end or empty", oneOf: ["start", "middle", "end", ""] },
  "columns.hidden": TRUTH,
  "columns.fixed": TRUTH,
  "columns.hex": TRUTH,
};

const DATA_SOURCE_ANNOTATIONS: Readonly<Record<string, ValueKind>> = {
  "cli.clear-screen-before": TRUTH,
  "fetch-interval": DURATION,
  "fetch-count": COUNT,
  "ebpf.map.flush-on-stop": TRUTH,
  "ebpf.iter.fetch-on-stop": TRUTH,
};

/**
 * Says what is wrong with an annotation of a field or a data source whose meaning is known. Others may have any value: operators
 * and other programs have annotations of their own.
 */
export function whyOddAnnotation(of: "field" | "data source", key: string, value: string): string | undefined {
  const known = of === "field" ? FIELD_ANNOTATIONS : DATA_SOURCE_ANNOTATIONS;
  if (!Object.hasOwn(known, key)) return undefined;
  const kind = known[key]!;
  if ("matches" in kind) return kind.matches.test(value) ? undefined : `has to be ${kind.what}`;
  if (kind.oneOf.includes(value)) return undefined;
  const [meant] = suggestions(value, kind.oneOf);
  return meant === undefined ? `has to be ${kind.what}` : `has to be ${kind.what} (${meant}?)`;
}
