import { SatchelError } from "../../lib/error.ts";
import { isTerminal, openPrompt, readStdin } from "../../lib/terminal/mod.ts";
import { type FlagValues, isSet, textOf } from "../line/flags.ts";

/** What the command line says of the account. */
export interface GivenAccount {
  username?: string;
  password?: string;
  /** Whether the password stands on stdin. */
  passwordStdin: boolean;
}

/** A name and a password that may be tried. */
export interface Answers {
  username: string;
  password: string;
}

/** Longer passwords are none, in bytes. */
const MAX_PASSWORD = 64 * 1024;

/**
 * Reads the flags of the account.
 *
 * @throws {SatchelError} `usage` for what does not go together or can be no account
 */
export function givenAccount(flags: FlagValues): GivenAccount {
  const username = textOf(flags, "username");
  const password = textOf(flags, "password");
  const passwordStdin = isSet(flags, "password-stdin");
  const asking = ["explain", "get-login"].filter((name) => isSet(flags, name));
  const giving = [
    ...username === undefined ? [] : ["username"],
    ...password === undefined ? [] : ["password"],
    ...passwordStdin ? ["password-stdin"] : [],
  ];
  if (asking.length > 0 && asking.length + giving.length > 1) {
    throw usage(`${[...asking, ...giving].slice(0, 2).map((name) => `--${name}`).join(" and ")} do not go together`);
  }
  if (passwordStdin && password !== undefined) throw usage("--password and --password-stdin do not go together");
  if (passwordStdin && username === undefined) throw usage("--password-stdin needs a user name: --username");
  if (username !== undefined) checkUsername(username);
  if (password !== undefined) checkPassword(password);
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }), passwordStdin };
}

/**
 * Asks for what is missing: stdin for the password if so told, else a person on the terminal.
 *
 * @param known the user name that is offered
 * @throws {SatchelError} `usage` without a terminal, and for answers that can be no account; `cancelled`
 */
export async function completeAccount(
  given: GivenAccount,
  known: string | undefined,
  signal: AbortSignal,
): Promise<Answers> {
  const { username, password } = given;
  if (given.passwordStdin) return { username: username!, password: await readPassword(signal) };
  if (username !== undefined && password !== undefined) return { username, password };
  if (!isTerminal("stdin")) {
    throw usage(
      password === undefined
        ? "there is no password, and no terminal to ask for it"
        : "there is no user name, and no terminal to ask for it",
      password === undefined ? "Give it by --username USER --password-stdin." : "Give it by --username USER.",
    );
  }
  using prompt = openPrompt(signal);
  const offer = known === undefined ? "Username: " : `Username (${known}): `;
  const user = username ?? checkUsername((await prompt.ask(offer)).trim() || known || "");
  return { username: user, password: password ?? checkPassword(await prompt.askHidden("Password: ")) };
}

function checkUsername(username: string): string {
  if (username === "") throw usage("the user name is empty");
  if (username.includes(":")) {
    throw usage("a user name with a colon cannot be sent: what follows would be the password");
  }
  // deno-lint-ignore no-control-regex -- this is about control characters
  if (/[\x00-\x1f\x7f]/.test(username)) throw usage("the user name has control characters");
  return username;
}

function checkPassword(password: string): string {
  if (password === "") throw usage("the password is empty");
  return password;
}

/** All of stdin, without line feeds and carriage returns at its end. */
async function readPassword(signal: AbortSignal): Promise<string> {
  const bytes = await readStdin({ limit: MAX_PASSWORD, what: "the password", signal });
  const text = new TextDecoder().decode(bytes);
  return checkPassword(text.replace(/[\r\n]+$/, ""));
}

function usage(message: string, hint?: string): SatchelError {
  return new SatchelError("usage", message, { hint });
}
