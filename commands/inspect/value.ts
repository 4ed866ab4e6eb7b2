import { SatchelError } from "../../lib/error.ts";
import { MAX_METADATA_SIZE, nestsTooDeepAt } from "../../lib/gadget/metadata/bounds.ts";
import { compareBytes, isJsonObject, type JsonObject } from "../../lib/oci/mod.ts";
import { parseJson } from "../../lib/oci/json.ts";
import { printableLines, replaceUnsafe } from "../../lib/printable.ts";
import { isTerminal, write } from "../../lib/terminal/streams.ts";
import type { InspectRequest } from "./request.ts";

/** How often an alias of YAML may stand for what it names: more is an attack. */
const MAX_ALIASES = 100;

/**
 * Prints a value as Go's encoders do, which is what `ig` has: JSON with `<`, `>` and `&` escaped, YAML folded near 80 columns. A
 * text is printed as it is, whatever the form.
 */
export async function printValue(value: unknown, mode: InspectRequest["mode"]): Promise<void> {
  if (typeof value === "string") printText(value);
  else write("stdout", mode === "yaml" ? await yamlText(value) : jsonText(value, mode));
}

/** Prints a text as it is; a terminal acts on nothing in it. */
export function printText(text: string): void {
  write("stdout", `${isTerminal("stdout") ? printableLines(text) : text}\n`);
}

/**
 * Reads content that is JSON or YAML, with the keys of all maps sorted, as Go has them.
 *
 * @param key what the content is called, for error texts
 * @throws {SatchelError} `invalid`
 */
export async function parseContent(text: string, key: string): Promise<unknown> {
  if (/^\s*[{[]/.test(text)) {
    try {
      return sorted(parseJson(new TextEncoder().encode(text), key));
    } catch (error) {
      if (!(error instanceof SatchelError)) throw error;
      // YAML may begin so as well.
    }
  }
  if (text.length > MAX_METADATA_SIZE) {
    throw new SatchelError(
      "invalid",
      `${key} is too large to be read as YAML: the limit is ${MAX_METADATA_SIZE} bytes`,
    );
  }
  if (nestsTooDeepAt(text) !== undefined) throw new SatchelError("invalid", `${key} nests too deep to be read as YAML`);
  const { parse } = await import("yaml");
  const options = {
    intAsBigInt: true,
    maxAliasCount: MAX_ALIASES,
    uniqueKeys: false,
    resolveKnownTags: false,
  } as const;
  try {
    return sorted(parse(text, { ...options, logLevel: "error" }));
  } catch (error) {
    throw new SatchelError("invalid", `${key} is not YAML: ${whyNoYaml(error as Error)}`, { cause: error });
  }
}

function whyNoYaml(error: Error & { code?: string }): string {
  // What names itself has no end.
  if (error instanceof RangeError) return "it contains itself";
  // The package's own text is advice on how to call it.
  return error.code === "MULTIPLE_DOCS" ? "it is more than one document" : error.message.split("\n")[0];
}

/** The same value with sorted keys; whole numbers as numbers, where they are the same then. */
export function sorted(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const result: JsonObject = Object.create(null);
  for (const key of Object.keys(value).sort(compareBytes)) result[key] = sorted(value[key]);
  return result;
}

/** JSON as Go writes it; numbers that JavaScript would round stay whole. */
function jsonText(value: unknown, mode: "json" | "jsonpretty"): string {
  // JSON.stringify knows no such numbers: what stands for them is a text that no other one can be.
  const mark = crypto.randomUUID();
  const replacer = (_: string, each: unknown) => typeof each === "bigint" ? `${mark}${each}` : each;
  const text = JSON.stringify(value, replacer, mode === "jsonpretty" ? 2 : undefined)
    .replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const escaped = replaceUnsafe(text.replace(/[<>&]/g, escape), (char) => char.split("").map(escape).join(""));
  return `${escaped}\n`;
}

async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  const style = {
    lineWidth: 80,
    singleQuote: true,
    indentSeq: false,
    blockQuote: "literal",
    aliasDuplicateObjects: false,
  } as const;
  const text = stringify(value, style);
  if (replaceUnsafe(text, () => "") === text) return text;
  // Escapes count in double quotes alone.
  const quoted = stringify(value, { ...style, singleQuote: null, defaultStringType: "QUOTE_DOUBLE" });
  return replaceUnsafe(quoted, (char) => `\\U${char.codePointAt(0)!.toString(16).padStart(8, "0")}`);
}
