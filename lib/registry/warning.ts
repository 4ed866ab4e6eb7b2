import { printable } from "../printable.ts";
import { MAX_HEADER_LENGTH } from "./header.ts";

/** No registry has this much to say in one run. */
const MAX_WARNINGS = 100;

/** `Warning: 299 - "text"`; other codes are not for people (distribution-spec 1.1, "Warnings"). */
const WARNING = /(?:^|,)\s*299 - "((?:[^"\\]|\\.)*)"/g;

/** Passes on each message once. */
export function onceEach(onWarning: ((message: string) => void) | undefined): (message: string) => void {
  const seen = new Set<string>();
  return (message) => {
    if (seen.has(message) || seen.size >= MAX_WARNINGS) return;
    seen.add(message);
    onWarning?.(message);
  };
}

/** The texts of a `Warning` header that are meant for people, fit for a terminal. */
export function parseWarnings(header: string | null): string[] {
  if (header === null || header.length > MAX_HEADER_LENGTH) return [];
  return [...header.matchAll(WARNING)].map(([, text]) => printable(text.replace(/\\(.)/g, "$1"), 1000));
}
