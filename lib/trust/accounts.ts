import { readFileSync } from "node:fs";
import { realUser } from "../runtime/process.ts";

/** What the tables of users and groups say. */
export interface Accounts {
  /** By number. Several users may have one number: the first one is what the system calls it. */
  users: ReadonlyMap<number, User>;
  /** Who is in a group, by its number: the numbers of users. `undefined` stands for a member that is not in the table. */
  members: ReadonlyMap<number, ReadonlySet<number | undefined>>;
}

/** A line of the table of users. */
export interface User {
  name: string;
  /** The home folder. */
  home: string;
}

/** What `/etc/passwd` and `/etc/group` say; nothing where they cannot be read. */
export function systemAccounts(): Accounts {
  return readAccounts(tableText("/etc/passwd"), tableText("/etc/group"));
}

/**
 * The home folder that the table of users gives a user, without a number the user of this process, whatever `HOME` says;
 * `undefined` if the user is not in it. (`os.userInfo()` would do, but Bun's answers with `HOME`.)
 */
export function passwdHome(user = realUser()): string | undefined {
  if (user === undefined) return undefined;
  return readAccounts(tableText("/etc/passwd"), "").users.get(user)?.home || undefined;
}

/**
 * Reads the tables of users and groups (passwd(5), group(5)).
 *
 * @param passwd text of `/etc/passwd`
 * @param group text of `/etc/group`
 */
export function readAccounts(passwd: string, group: string): Accounts {
  const users = new Map<number, User>();
  const numbers = new Map<string, number>();
  const members = new Map<number, Set<number | undefined>>();
  const membersOf = (gid: number) => {
    const found = members.get(gid) ?? new Set();
    members.set(gid, found);
    return found;
  };
  for (const [name, , uid, gid, , home = ""] of rows(passwd)) {
    if (!users.has(Number(uid))) users.set(Number(uid), { name, home });
    numbers.set(name, Number(uid));
    membersOf(Number(gid)).add(Number(uid));
  }
  for (const [, , gid, names] of rows(group)) {
    const found = membersOf(Number(gid));
    for (const name of names.split(",").filter((each) => each !== "")) found.add(numbers.get(name));
  }
  return { users, members };
}

function rows(text: string): string[][] {
  return text.split("\n").map((line) => line.split(":")).filter(({ length }) => length > 3);
}

function tableText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
