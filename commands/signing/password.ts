import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";
import { isTerminal, openPrompt, readStdin } from "../../lib/terminal/mod.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";

/** Longer passwords are none, in bytes. */
const MAX_PASSWORD = 64 * 1024;

/**
 * The password of a key that is encrypted: from stdin if so told, from `COSIGN_PASSWORD`, or asked for. An empty one is one.
 *
 * @param key what the key is called
 * @throws {SatchelError} `usage` if there is none and nobody to ask; `cancelled`
 */
export async function passwordFor(key: string, { flags, environment, signal }: Invocation): Promise<string> {
  if (isSet(flags, "password-stdin")) return await passwordOnStdin(signal);
  if (environment.COSIGN_PASSWORD !== undefined) return environment.COSIGN_PASSWORD;
  if (!isTerminal("stdin")) {
    throw new SatchelError(
      "usage",
      `${printable(key)} is encrypted, and there is no password and no terminal to ask for it`,
      {
        hint: "Give it by COSIGN_PASSWORD or --password-stdin; an empty one is one too.",
      },
    );
  }
  using prompt = openPrompt(signal);
  return await prompt.askHidden(`Password of ${printable(key)}: `);
}

/**
 * All of stdin, without line feeds and carriage returns at its end.
 *
 * @throws {SatchelError} `usage` if it is too long or not UTF-8; `cancelled`
 */
export async function passwordOnStdin(signal: AbortSignal): Promise<string> {
  const bytes = await readStdin({ limit: MAX_PASSWORD, what: "the password", signal });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/[\r\n]+$/, "");
  } catch {
    throw new SatchelError("usage", "the password on stdin is not UTF-8");
  }
}
