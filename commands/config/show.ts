import { DEFAULT_CONCURRENCY } from "../../lib/content/mod.ts";
import type { PluginLocation } from "../../lib/plugin/mod.ts";
import { formatEndpoint, type MirrorRule } from "../../lib/registry/mod.ts";
import type { Column } from "../../lib/terminal/mod.ts";
import { type Effective, type Sourced, together } from "../settings/effective.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { tableText } from "../output/table.ts";
import { loadEffective, type Settings } from "../settings/settings.ts";
import { type RuleReport, ruleReport } from "./rule_report.ts";

/** Stands for a setting of a plugin, which may be a secret. */
const HIDDEN = "...";

/**
 * What `-o json` prints: for each key of the configuration its value, in the form that a file has it in, and where it comes
 * from. Members are never renamed or removed, but more may come.
 */
export interface ConfigReport {
  store: Sourced<string>;
  /** Empty: the usual files. */
  authfile: Sourced<string>;
  insecureRegistries: Sourced<readonly string[]>;
  mirrors: Sourced<Readonly<Record<string, readonly MirrorReport[]>>>;
  /** Values of settings are not shown. */
  plugins: Sourced<readonly ConfiguredPlugin[]>;
  concurrency: Sourced<number>;
  /** A duration; `0` is without end. */
  lockTimeout: Sourced<string>;
  /** The rules of all files, each with its own place. */
  verify: Sourced<readonly RuleReport[]>;
  /** Of all files; a name has to be on the list of each file that has one. */
  allowed: Sourced<readonly string[]>;
}

/** One mirror. */
export interface MirrorReport {
  endpoint: string;
  resolveTags: boolean;
}

/** One plugin that somebody named. */
export interface ConfiguredPlugin {
  path: string;
  settings: Readonly<Record<string, typeof HIDDEN>>;
  /** A duration; empty if it has no time limit of its own. */
  timeout: string;
}

/** `satchel config show`: the effective values, and where each comes from. */
export async function run(invocation: Invocation): Promise<number> {
  const { settings, effective } = await loadEffective(invocation);
  using reporter = openReporter(settings, invocation.signal);
  const report = reportOf(settings, effective);
  reporter.finish();
  await printResult(outputMode(invocation.flags), report, () => table(report));
  return EXIT_OK;
}

function reportOf(settings: Settings, effective: Effective): ConfigReport {
  const { store, authfile, insecureRegistries, mirrors, concurrency, lockTimeout } = effective;
  const rules = settings.policies.flatMap(({ verify }) => verify);
  const names = settings.policies.flatMap(({ allowed }) => allowed ?? []);
  return {
    store: { value: settings.store, from: store.from },
    authfile: { value: authfile.value ?? "", from: authfile.from },
    insecureRegistries,
    mirrors: { value: Object.fromEntries(mirrors.value.map(mirrorEntry)), from: mirrors.from },
    plugins: together(settings.plugins.named.map((each) => ({ value: [configured(each)], from: each.from }))),
    concurrency: { value: concurrency.value ?? DEFAULT_CONCURRENCY, from: concurrency.from },
    lockTimeout: { value: formatDuration(lockTimeout.value ?? 0), from: lockTimeout.from },
    verify: together(rules.map((rule) => ({ value: [ruleReport(rule)], from: rule.from }))),
    allowed: together(names.map(({ pattern, from }) => ({ value: [pattern.text], from }))),
  };
}

function mirrorEntry({ registry, prefix, mirrors }: MirrorRule): [string, MirrorReport[]] {
  const key = prefix === "" ? registry : `${registry}/${prefix}`;
  return [key, mirrors.map((mirror) => ({ endpoint: formatEndpoint(mirror), resolveTags: mirror.resolveTags }))];
}

function configured({ path, settings, timeout }: PluginLocation): ConfiguredPlugin {
  return {
    path,
    settings: Object.fromEntries(Object.keys(settings ?? {}).map((key) => [key, HIDDEN])),
    timeout: timeout === undefined ? "" : formatDuration(timeout),
  };
}

/** @param duration in milliseconds */
function formatDuration(duration: number): string {
  if (duration === 0) return "0";
  return duration % 1000 === 0 ? `${duration / 1000}s` : `${duration}ms`;
}

const COLUMNS: readonly Column[] = [{ header: "KEY" }, { header: "VALUE", shrinksTo: 20 }, { header: "FROM" }];

function table(report: ConfigReport): string {
  return tableText(COLUMNS, Object.entries(report).map(([key, { value, from }]) => [key, inOneLine(value), from]));
}

function inOneLine(value: ConfigReport[keyof ConfigReport]["value"]): string {
  return textOf(value) || "-";
}

function textOf(value: ConfigReport[keyof ConfigReport]["value"]): string {
  if (Array.isArray(value)) return value.map(nameOf).join(", ");
  if (typeof value !== "object") return String(value);
  return Object.entries(value as ConfigReport["mirrors"]["value"]).map(ruleText).join("; ");
}

function nameOf(entry: string | ConfiguredPlugin | RuleReport): string {
  if (typeof entry === "string") return entry;
  return "path" in entry ? entry.path : `${entry.images.join(" ")} by ${signersText(entry)}`;
}

function signersText({ required, ...rule }: RuleReport): string {
  if (!required) return "nobody";
  const kinds = ["keys", "identities", "notation", "plugins"] as const;
  return kinds.filter((kind) => rule[kind] !== undefined).join(" or ");
}

function ruleText([key, mirrors]: [string, readonly MirrorReport[]]): string {
  if (mirrors.length === 0) return `${key} without mirrors`;
  return `${key} by ${mirrors.map(({ endpoint }) => endpoint).join(", ")}`;
}
