import { SatchelError } from "../error.ts";
import { suggestions } from "../suggest.ts";
import type { HookName } from "./contract.ts";
import { CONTRACT, HOOKS } from "./hooks.ts";
import type { PluginCommandInfo, PluginFlagInfo } from "./host_types.ts";
import { isPluginName, NAME_RULE } from "./names.ts";
import { readJson } from "./read_json.ts";
import {
  integer,
  invalid,
  LINE,
  list,
  nameOf,
  object,
  oneOf,
  quoted,
  type Shape,
  text,
  type TextRule,
} from "./shape.ts";

/** How long a manifest may be, in bytes of JSON. */
export const MANIFEST_LIMIT = 64 << 10;

/** What a plugin says of itself, checked. Of an executable it has no commands. */
export interface PluginManifest {
  name: string;
  description?: string;
  version?: string;
  hooks: readonly HookName[];
  commands: readonly PluginCommandInfo[];
}

const nameRule: TextRule = { test: isPluginName, what: `made of ${NAME_RULE}` };
const name = text(64, nameRule);
const line = text(300, LINE);

const flagName: Shape<string> = (value, place) => {
  if (value === "help") throw invalid(`${nameOf(place)} is "help", which every command has`);
  return name(value, place);
};

const flag: Shape<PluginFlagInfo> = object({
  name: flagName,
  type: oneOf("bool", "string", "strings"),
  summary: line,
}, {
  letter: text(1, { test: (text) => /^[A-Za-gi-z]$/.test(text), what: "one letter other than h" }),
});

const count = integer(0, 1000);

const range = object({
  usage: line,
  min: count,
  max: ((value, place) => value === null ? Infinity : count(value, place)) as Shape<number>,
});

const commandArguments: typeof range = (value, place) => {
  const found = range(value, place);
  if (found.min > found.max) throw invalid(`${nameOf(place)} has a "min" above its "max"`);
  return found;
};

const members = object({ name, summary: line }, {
  description: text(10_000),
  arguments: commandArguments,
  flags: list(flag, 100),
});

const command: Shape<PluginCommandInfo> = (value, place) => {
  const { arguments: wanted = { usage: "", min: 0, max: 0 }, flags = [], ...rest } = members(value, place);
  const twice = firstTwice([
    ...flags.map(({ name }) => `--${name}`),
    ...flags.map(({ letter }) => letter && `-${letter}`),
  ]);
  if (twice) throw invalid(`${nameOf(place)} has two flags ${twice}`);
  return { ...rest, arguments: wanted, flags };
};

const commands: Shape<PluginCommandInfo[]> = (value, place) => {
  const found = list(command, 100)(value, place);
  const twice = firstTwice(found.map(({ name }) => name));
  if (twice) throw invalid(`${nameOf(place)} has two commands ${twice}`);
  return found;
};

/** @param says what an unknown hook is told with: `it has a function` */
function hooksShape(says: string): Shape<HookName[]> {
  const hook: Shape<HookName> = (value, place) => {
    const known = HOOKS.find((each) => each === value);
    if (known) return known;
    if (typeof value !== "string") throw invalid(`${nameOf(place)} is not the name of a hook`);
    const meant = nearest(value);
    throw invalid(
      `${says} ${quoted(value)}, which is no hook${meant.length > 0 ? ` (did you mean ${meant.join(" or ")}?)` : ""}`,
    );
  };
  return list(hook, 100);
}

function nearest(typed: string): readonly string[] {
  const begun = HOOKS.filter((each) => each.toLowerCase().startsWith(typed.toLowerCase()));
  return begun.length > 0 ? begun : suggestions(typed, HOOKS);
}

const described = { description: line, version: text(100, LINE) };
const contract = integer(CONTRACT, CONTRACT);

/** What each form of plugin says of itself. */
const FORMS = {
  module: {
    whole: "the default export",
    shape: object({ contract, name, hooks: hooksShape("it has a function") }, { ...described, commands }),
  },
  executable: {
    whole: "the manifest",
    shape: object({ contract, name, hooks: hooksShape("its manifest names") }, described),
  },
};

/**
 * Reads what a plugin says of itself.
 *
 * @param json the manifest, UTF-8
 * @param form who says it
 * @param onUnknown gets one line about members that were passed over
 * @throws {SatchelError} `invalid`, which says what about it is against the contract
 */
export function readManifest(
  json: Uint8Array,
  form: keyof typeof FORMS,
  onUnknown: (line: string) => void,
): PluginManifest {
  const { whole, shape } = FORMS[form];
  const checked: Shape<PluginManifest> = (value, place) => {
    checkContract(value);
    const { contract: _, hooks, ...rest } = shape(value, place);
    checkHooks(hooks);
    return { commands: [], ...rest, hooks: HOOKS.filter((hook) => hooks.includes(hook)) };
  };
  const manifest = readJson(json, checked, { whole, limit: MANIFEST_LIMIT, onUnknown });
  // What follows `satchel NAME` is an executable's own business, so it may have commands that nobody knows.
  if (form === "module" && manifest.hooks.length === 0 && manifest.commands.length === 0) {
    throw invalid("it has neither hooks nor commands");
  }
  return manifest;
}

/** First of all, since whatever else is wrong may be right in another version. */
function checkContract(value: unknown): void {
  if (typeof value !== "object" || value === null || !("contract" in value)) return;
  const { contract } = value;
  if (contract === String(CONTRACT)) {
    throw invalid(`its contract is the text "${CONTRACT}", not the number ${CONTRACT}`);
  }
  if (contract === CONTRACT || typeof contract !== "number") return;
  throw new SatchelError("invalid", `it is for contract ${contract}, this satchel knows ${CONTRACT}`, {
    hint: "Use a version of the plugin and one of satchel that are for the same contract.",
  });
}

/** Accounts that can be put in but not be found would look like lost. */
function checkHooks(hooks: readonly HookName[]): void {
  const group = "credentials.";
  const other = hooks.find((hook) => hook.startsWith(group));
  if (other && !hooks.includes("credentials.get")) throw invalid(`it has ${other}, but no credentials.get`);
}

function firstTwice(names: readonly (string | undefined)[]): string | undefined {
  return names.find((each, index) => each !== undefined && names.indexOf(each) !== index);
}
