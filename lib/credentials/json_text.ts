/**
 * JSON as it was written: members keep their order, numbers and strings their bytes, and a name that comes twice comes twice.
 * What JSON.parse makes of an object has lost all of that.
 */
export type JsonText =
  | { kind: "object"; members: JsonMember[] }
  | { kind: "array"; elements: JsonText[] }
  | { kind: "scalar"; text: string };

/** One member of an object. */
export interface JsonMember {
  name: string;
  value: JsonText;
}

/**
 * Reads JSON that was found to be valid and of bounded depth.
 *
 * @param text what `JSON.parse` has taken
 */
export function readJsonText(text: string): JsonText {
  let at = 0;

  function skipSpace(): void {
    while (at < text.length && " \t\r\n".includes(text[at])) at++;
  }

  function string(): string {
    const start = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    return text.slice(start, ++at);
  }

  function list<T>(end: string, item: () => T): T[] {
    const items: T[] = [];
    at++;
    for (;;) {
      skipSpace();
      if (text[at] === end) {
        at++;
        return items;
      }
      if (text[at] === ",") at++;
      else items.push(item());
    }
  }

  function member(): JsonMember {
    const name = JSON.parse(string()) as string;
    skipSpace();
    at++;
    return { name, value: value() };
  }

  function value(): JsonText {
    skipSpace();
    if (text[at] === "{") return { kind: "object", members: list("}", member) };
    if (text[at] === "[") return { kind: "array", elements: list("]", value) };
    if (text[at] === '"') return { kind: "scalar", text: string() };
    const start = at;
    while (at < text.length && !" \t\r\n,]}".includes(text[at])) at++;
    return { kind: "scalar", text: text.slice(start, at) };
  }

  return value();
}

/** Writes JSON with a tab for each level and without a line feed at the end, as Docker does. */
export function writeJsonText(value: JsonText, indent = "\n"): string {
  if (value.kind === "scalar") return value.text;
  const deeper = `${indent}\t`;
  const [open, close, items] = value.kind === "array"
    ? ["[", "]", value.elements.map((each) => writeJsonText(each, deeper))]
    : ["{", "}", value.members.map(({ name, value }) => `${JSON.stringify(name)}: ${writeJsonText(value, deeper)}`)];
  if (items.length === 0) return `${open}${close}`;
  return `${open}${items.map((item) => `${deeper}${item}`).join(",")}${indent}${close}`;
}

/** The member of an object that counts: the last of its name, as for every parser. */
export function memberOf(value: JsonText | undefined, name: string): JsonMember | undefined {
  return value?.kind === "object" ? value.members.findLast((member) => member.name === name) : undefined;
}

/** A string as JSON. */
export function stringText(value: string): JsonText {
  return { kind: "scalar", text: JSON.stringify(value) };
}
