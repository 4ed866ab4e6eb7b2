import type { CredentialSubject } from "../../lib/credential.ts";
import { type Credentials, type SourceReport, subjectName } from "../../lib/credentials/mod.ts";
import { printable } from "../../lib/printable.ts";
import { formatColumns } from "../../lib/terminal/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import type { Invocation } from "../line/invocation.ts";
import { outputMode, printResult } from "../output/output.ts";
import type { Reporter } from "../output/reporter.ts";

/** One source, as programs get it. */
interface Row {
  source: string;
  /** `answered`, `none`, `missing`, `failed`, `not asked`. */
  state: SourceReport["state"];
  /** The user name of an answer. */
  user?: string;
  /** Why it failed, is missing, or was not asked. */
  reason?: string;
}

const COLUMNS = [{ header: "SOURCE" }, { header: "ANSWER" }];

/** `satchel login --explain REGISTRY`: which sources are asked, which one answers; never what it answers. */
export async function explainLogin(
  subject: CredentialSubject,
  accounts: Credentials,
  { flags, signal }: Invocation,
  reporter: Reporter,
): Promise<number> {
  const rows = (await accounts.explain(subject, { signal })).map(rowOf);
  reporter.finish();
  await printResult(
    outputMode(flags),
    { registry: subjectName(subject), sources: rows },
    () => formatColumns(COLUMNS, rows.map((row) => [row.source, describe(row)])).map((line) => `${line}\n`).join(""),
  );
  return EXIT_OK;
}

function rowOf({ source, state, username, reason }: SourceReport): Row {
  return {
    source: printable(source),
    state,
    ...(state === "answered" && { user: userOf(username) }),
    ...(reason !== undefined && { reason: printable(withoutName(reason, source)) }),
  };
}

/** Plugins name themselves in what they say, which stands in the row already. */
function withoutName(reason: string, source: string): string {
  return reason.startsWith(source) ? reason.slice(source.length).replace(/^[: ]+/, "") : reason;
}

/** Docker's word for an account that is a token alone. */
export function userOf(username: string | undefined): string {
  return username === undefined || username === "" ? "<token>" : printable(username, 300);
}

function describe({ state, user, reason }: Row): string {
  if (state === "answered") return `answered: user ${user}`;
  if (state === "missing") return reason ?? state;
  return reason === undefined ? state : `${state}: ${reason}`;
}
