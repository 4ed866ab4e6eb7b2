import { MAX_HEADER_LENGTH } from "./header.ts";

const LINK = /<([^<>]*)>((?:[ \t]*;[ \t]*[^\s=;,]+(?:[ \t]*=[ \t]*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
const PARAMETER = /;[ \t]*([^\s=;,]+)(?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s",;]*))?/g;

/**
 * The target of `rel="next"` in a `Link` header (RFC 8288), as it stands there: mostly relative to the request's URL.
 */
export function parseNextLink(header: string | null): string | undefined {
  if (header === null || header.length > MAX_HEADER_LENGTH) return undefined;
  for (const [, target, parameters] of header.matchAll(LINK)) {
    if (relations(parameters).includes("next")) return target.trim();
  }
  return undefined;
}

function relations(parameters: string): string[] {
  for (const [, name, value = ""] of parameters.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== "rel") continue;
    const text = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
    return text.toLowerCase().split(/\s+/);
  }
  return [];
}
