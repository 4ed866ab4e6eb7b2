/** The tokens of JSON (RFC 8259), each to be tried where the last one ended. */
const SPACE = /[ \t\n\r]*/y;
// deno-lint-ignore no-control-regex -- strings must not have them
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Where a text stops being JSON, in UTF-16 units; `undefined` if it is JSON. A parser's own message would do, but it repeats what
 * it found, which may be a secret, and one runtime's says no place.
 *
 * @param text of bounded depth
 */
export function jsonErrorAt(text: string): number | undefined {
  let at = 0;

  function take(token: RegExp): boolean {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  }

  function skip(char: string): boolean {
    take(SPACE);
    if (text[at] !== char) return false;
    at++;
    return true;
  }

  function list(end: string, item: () => boolean): boolean {
    if (skip(end)) return true;
    while (item()) {
      if (skip(end)) return true;
      if (!skip(",")) return false;
    }
    return false;
  }

  function member(): boolean {
    take(SPACE);
    return take(STRING) && skip(":") && value();
  }

  function value(): boolean {
    if (skip("{")) return list("}", member);
    if (skip("[")) return list("]", value);
    return take(STRING) || take(SCALAR);
  }

  const isValue = value();
  take(SPACE);
  return isValue && at === text.length ? undefined : at;
}

/** A place in a text as editors count it, from 1; columns are UTF-16 units. */
export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  const lines = text.slice(0, at).split("\n");
  return { line: lines.length, column: lines[lines.length - 1].length + 1 };
}
