import { SatchelError } from "../../lib/error.ts";
import { isTerminal, openPrompt } from "../../lib/terminal/mod.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { passwordOnStdin } from "../signing/password.ts";

/**
 * The password for a new key: from stdin if so told, from `COSIGN_PASSWORD`, or asked for twice. An empty one is one.
 *
 * @throws {SatchelError} `usage` if there is none and nobody to ask, or the two are not the same; `cancelled`
 */
export async function newPassword({ flags, environment, signal }: Invocation): Promise<string> {
  if (isSet(flags, "password-stdin")) return await passwordOnStdin(signal);
  if (environment.COSIGN_PASSWORD !== undefined) return environment.COSIGN_PASSWORD;
  if (!isTerminal("stdin")) {
    throw new SatchelError("usage", "there is no password for the private key, and no terminal to ask for it", {
      hint: "Give it by COSIGN_PASSWORD or --password-stdin; an empty one is one too.",
    });
  }
  using prompt = openPrompt(signal);
  const password = await prompt.askHidden("Enter password for private key: ");
  const again = await prompt.askHidden("Enter password for private key again: ");
  if (password !== again) throw new SatchelError("usage", "the two passwords are not the same");
  return password;
}
