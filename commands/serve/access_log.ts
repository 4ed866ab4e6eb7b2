import { printable, replaceUnsafe } from "../../lib/printable.ts";
import type { Answered } from "../../lib/server/mod.ts";
import type { LogFormat } from "./options.ts";

/** The most of a path or of another text of a client that is logged, in UTF-16 units. */
const MAX_TEXT = 1000;

/**
 * One answer as a line of the log. Nothing of a request's headers is in it but the user whose password was right.
 *
 * @param now when it was answered
 */
export function accessLine(answered: Answered, format: LogFormat, now: Date): string {
  return format === "json" ? jsonLine(answered, now) : textLine(answered, now);
}

/** `TIME CLIENT USER "METHOD PATH" STATUS BYTES DURATION`, with `-` for what there is not. */
function textLine({ client, user, method, path, status, bytes, duration, error }: Answered, now: Date): string {
  const what = `"${quoted(method)} ${quoted(path)}"`;
  const line = `${now.toISOString()} ${client || "-"} ${user === undefined ? "-" : quoted(user)} ${what} ${status} ` +
    `${bytes} ${duration.toFixed(1)}ms`;
  return error === undefined ? `${line}\n` : `${line} ${printable(reasonOf(error), MAX_TEXT)}\n`;
}

/** A quote cannot end the quotes, nor a blank make a user two words. */
function quoted(text: string): string {
  return printable(text, MAX_TEXT).replace(/["\\ ]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}

function jsonLine({ client, user, method, path, status, bytes, duration, error }: Answered, now: Date): string {
  const line = JSON.stringify({
    time: now.toISOString(),
    client,
    ...(user !== undefined && { user: cut(user) }),
    method: cut(method),
    path: cut(path),
    status,
    bytes,
    duration: Math.round(duration * 1000) / 1000,
    ...(error !== undefined && { error: cut(reasonOf(error)) }),
  });
  return `${
    replaceUnsafe(line, (char) => Array.from({ length: char.length }, (_, at) => escaped(char, at)).join(""))
  }\n`;
}

function escaped(char: string, at: number): string {
  return `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

/** An error with what led to it: clients are not told. */
function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (
    let each = error;
    each !== undefined && reasons.length < 5;
    each = each instanceof Error ? each.cause : undefined
  ) {
    const text = each instanceof Error ? each.message : String(each);
    if (!reasons.some((reason) => reason.includes(text))) reasons.push(text);
  }
  return reasons.join(": ");
}
