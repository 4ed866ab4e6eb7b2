import { type Stats } from "node:fs";
import { hasCode, SatchelError, systemCode, systemReason } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { readSmallFile } from "../../lib/small_file.ts";
import type { Environment } from "../line/invocation.ts";

/** What stands before the name of a variable. */
const VARIABLE = "env://";

/** A longer file is no key, no certificate and no policy, in bytes. */
const MAX_TEXT = 1024 * 1024;

/** A text that somebody gave: itself, by the name of a file, or by that of a variable. */
export interface GivenText {
  text: string;
  /** Where it comes from, for messages: `sig/cosign.pub`, `env://KEY`. Never the text itself. */
  from: string;
  /** Set for a file. */
  stat?: Stats;
}

/** How a value is read. */
export interface TextOptions {
  /** The flag that has the value, with its dashes, for messages. */
  flag: string;
  /** What a value starts with that is the text itself. */
  start: "-----BEGIN" | "{";
  environment: Environment;
  /** Whether it is a private key that is named: what could be the key itself is not shown. */
  isSecret?: boolean;
}

/** Base64 of a key, or PEM that does not start as it has to. Names are shorter, begin as paths do, or have dots. */
const LIKE_A_KEY = /^(?![/.~])[A-Za-z0-9+/=_\s-]{40,}$|-----/;

/**
 * Reads a value that is a text, `env://NAME` or the name of a file.
 *
 * @throws {SatchelError} `usage` if it is empty, or if there is no such variable or file
 */
export function readGivenText(value: string, options: TextOptions): GivenText {
  try {
    return readNamed(value.trim(), options);
  } catch (error) {
    const isHidden = options.isSecret && hasCode(error, "usage") && LIKE_A_KEY.test(value.replace(VARIABLE, ""));
    if (!isHidden) throw error;
    throw new SatchelError("usage", `${options.flag}: what it names is not there, or cannot be read`, {
      hint: "It is not shown here, as it looks like a key itself. Name a file, or env://NAME for a variable.",
    });
  }
}

function readNamed(trimmed: string, options: TextOptions): GivenText {
  const { flag, start, environment } = options;
  if (trimmed === "") throw new SatchelError("usage", `${flag} is empty`);
  if (trimmed.startsWith(start)) return { text: trimmed, from: flag };
  if (trimmed.startsWith(VARIABLE)) return readVariable(trimmed, flag, environment);
  return readFile(trimmed, options);
}

function readVariable(value: string, flag: string, environment: Environment): GivenText {
  const text = environment[value.slice(VARIABLE.length)];
  if (text) return { text, from: value };
  const shown = printable(value, 200);
  throw new SatchelError(
    "usage",
    `${flag}: ${shown} stands for a variable that is ${text === "" ? "empty" : "not set"}`,
  );
}

function readFile(path: string, { flag, isSecret }: TextOptions): GivenText {
  let stat: Stats | undefined;
  try {
    const bytes = readSmallFile(path, MAX_TEXT, (found) => void (stat = found));
    return { text: new TextDecoder().decode(bytes), from: path, stat };
  } catch (error) {
    if (!(error instanceof SatchelError) && systemCode(error) === undefined) throw error;
    const reason = error instanceof SatchelError ? error.message : `${printable(path, 200)}: ${systemReason(error)}`;
    throw new SatchelError("usage", `${flag}: ${reason}`, {
      hint: isSecret
        ? "A value is the name of a file, or env://NAME for a variable."
        : "A value is the text itself, the name of a file, or env://NAME for a variable.",
      cause: error,
    });
  }
}
