import type { CredentialSubject } from "../../lib/credential.ts";
import { type Credentials, subjectName } from "../../lib/credentials/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import type { Invocation } from "../line/invocation.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { userOf } from "./explain.ts";

/**
 * `satchel login --get-login REGISTRY`: the user of the account that is known.
 *
 * @throws {SatchelError} `no-account` if there is none
 */
export async function printLogin(
  subject: CredentialSubject,
  accounts: Credentials,
  { flags, signal }: Invocation,
): Promise<number> {
  const registry = subjectName(subject);
  const found = await accounts.find(subject, { signal });
  if (!found) throw new SatchelError("no-account", `not logged into ${registry}`);
  const username = userOf(found.credential.username);
  await printResult(outputMode(flags), { registry, username }, () => `${username}\n`);
  return EXIT_OK;
}
