/** An account that registries and token services of the tests know. */
export interface Account {
  username: string;
  password: string;
}

/** The account that they know unless a test says otherwise. */
export const ACCOUNT: Account = { username: "joe", password: "s3cret" };

/** {@link ACCOUNT} as a line of an htpasswd file (bcrypt, cost 4, so that it costs the tests no time). */
export const ACCOUNT_LINE = "joe:$2a$04$9qw2LywMxdfgONZx4cO8XOIBPk48vhWItt9B.rVNpQRooXVhxGtmi";

/** The `Authorization` header of an account by HTTP Basic. */
export function basic({ username, password }: Account = ACCOUNT): { authorization: string } {
  return { authorization: `Basic ${btoa(`${username}:${password}`)}` };
}

/** Writes an auth file in Docker's format, with one account for each host; returns its path. */
export async function writeAuthFile(
  path: string,
  accounts: Record<string, Account | { identitytoken: string }>,
): Promise<string> {
  const auths = Object.fromEntries(
    Object.entries(accounts).map(([host, account]) => [
      host,
      "identitytoken" in account ? account : { auth: btoa(`${account.username}:${account.password}`) },
    ]),
  );
  await Deno.writeTextFile(path, JSON.stringify({ auths }), { mode: 0o600 });
  return path;
}
