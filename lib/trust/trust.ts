import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SatchelError, systemCode } from "../error.ts";
import { printable } from "../printable.ts";
import { effectiveUser } from "../runtime/process.ts";
import { type Accounts, systemAccounts } from "./accounts.ts";

/** As many as the kernel follows. */
const MAX_LINKS = 40;

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/** Options of {@link checkTrust} and {@link distrustOf}. */
export interface TrustOptions {
  /** Whose files count beside root's: the number of a user. Default: the one of this process. */
  user?: number;
  /** Default: what `/etc/passwd` and `/etc/group` say. */
  accounts?: Accounts;
}

/** Options of {@link distrustOf}. */
export interface DistrustOptions extends TrustOptions {
  /**
   * Whether the file itself may lie in a sticky folder such as `/tmp`, where others can add files but not exchange this one: enough for a
   * file that draws in no others beside it. A folder may then be sticky itself; each file in it has to be looked at. Default: false.
   */
  maySitInSticky?: boolean;
}

/** Why somebody else could have put something else in the place of a file. */
export interface Distrust {
  /** Whether something belongs to neither root nor this user, or others may write to it. */
  kind: Problem["kind"];
  /** The file, or a folder or link on the way to it. */
  at: string;
  /** What is wrong there, fit for display: `belongs to the user bob`. */
  text: string;
  /** The command that mends it, fit for display: `chown root /home/bob`. */
  fix: string;
}

/**
 * Makes sure that nobody but root and this user could have put something else in the place of a file, or could do so before
 * it is run: the file, its folder and every folder above it, on the way through every symbolic link, belong to one of the
 * two and cannot be written to by others. A sticky folder such as `/tmp` may be on the way, since nobody can exchange
 * what others have there, but the file must not lie in it. A group without further members may write.
 *
 * @returns the real path
 * @throws {SatchelError} `refused`, which says what to change; `not-found`; `storage` if it cannot be looked at
 */
export function checkTrust(path: string, options: TrustOptions = {}): string {
  const user = options.user ?? effectiveUser();
  // Without users (on Windows) there is nothing to go by.
  if (user === undefined) return resolve(path);
  const accounts = options.accounts ?? systemAccounts();
  const { done, value } = walk(path, { user, accounts, maySitInSticky: false, mayBeMissing: false }).next();
  if (!done) throw untrusted(path, value, accounts);
  return value;
}

/**
 * Tells why a path is not to be trusted, by the rules of {@link checkTrust}: a wrong owner, wherever on the way, before anything
 * that others may write to. Of a path that does not exist, what is wrong with the folders is not told.
 *
 * @returns `undefined` if all is well
 * @throws {SatchelError} `not-found`; `storage` if it cannot be looked at; `refused` for too many links
 */
export function distrustOf(path: string, options: DistrustOptions = {}): Distrust | undefined {
  const user = options.user ?? effectiveUser();
  if (user === undefined) return undefined;
  const accounts = options.accounts ?? systemAccounts();
  const { maySitInSticky = false } = options;
  return worst([...walk(path, { user, accounts, maySitInSticky, mayBeMissing: false })], accounts);
}

/** Where a file is, or would be made. */
export interface Place {
  /** Its real path. */
  path: string;
  /** Why somebody else could exchange what is written there. */
  distrust?: Distrust;
}

/**
 * As {@link distrustOf}, for a file that need not exist: then the folder that is there already, in which the file or folders for it would be
 * made, is under the rules for the file's folder.
 *
 * @throws {SatchelError} as {@link distrustOf}; `not-found` for `..` behind a folder that does not exist
 */
export function placeOf(path: string, options: TrustOptions = {}): Place {
  const user = options.user ?? effectiveUser();
  if (user === undefined) return { path: resolve(path) };
  const accounts = options.accounts ?? systemAccounts();
  const steps = walk(path, { user, accounts, maySitInSticky: false, mayBeMissing: true });
  const found: Found[] = [];
  for (let step = steps.next();; step = steps.next()) {
    if (!step.done) found.push(step.value);
    else return found.length === 0 ? { path: step.value } : { path: step.value, distrust: worst(found, accounts) };
  }
}

/** Something on the way to a file that is not to be trusted. */
interface Found {
  at: string;
  problem: Problem;
}

/** What to tell of: a wrong owner before anything that others may write to. */
function worst(found: readonly Found[], accounts: Accounts): Distrust | undefined {
  const first = found.find(({ problem }) => problem.kind === "owner") ?? found[0];
  return first && describe(first, accounts);
}

/** What a walk needs to know. */
interface WalkOptions extends Required<DistrustOptions> {
  mayBeMissing: boolean;
}

/** Goes the way to a file. Returns its real path. */
function* walk(
  path: string,
  { user, accounts, maySitInSticky, mayBeMissing }: WalkOptions,
): Generator<Found, string, void> {
  const judge = function* (at: string, stat: Stats, isPassed: boolean): Generator<Found, void, void> {
    const problem = problemOf(stat, user, accounts, isPassed);
    if (problem) yield { at, problem };
  };

  // Joined by hand: `..` after a link leads elsewhere than its text says.
  const names = (path.startsWith("/") ? path : `${resolve(".")}/${path}`).split("/").filter(isStep);
  let at = "/";
  let stat = look(at, path);
  for (let links = 0; names.length > 0;) {
    yield* judge(at, stat, true);
    const inSticky = isSharedSticky(stat);
    const name = names.shift()!;
    if (name === "..") {
      at = dirname(at);
      stat = look(at, path);
      continue;
    }
    const next = join(at, name);
    const found = mayBeMissing ? lookIfThere(next, path) : look(next, path);
    if (!found) {
      if (names.includes("..")) throw notThere(next, path);
      yield* judge(at, stat, false);
      return join(next, ...names);
    }
    if (inSticky || found.isSymbolicLink()) {
      const problem = ownerProblem(found, user);
      if (problem) yield { at: next, problem };
    }
    if (found.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw new SatchelError("refused", `${printable(path)} leads through too many links`);
      const target = readlinkSync(next);
      names.unshift(...target.split("/").filter(isStep));
      if (!target.startsWith("/")) continue;
      at = "/";
      stat = look(at, path);
      continue;
    }
    at = next;
    stat = found;
  }
  yield* judge(at, stat, maySitInSticky);
  const folder = dirname(at);
  yield* judge(folder, look(folder, path), maySitInSticky);
  return at;
}

/** Why something is not to be trusted. */
type Problem = { kind: "owner"; owner: number; wanted: number } | { kind: "mode"; mode: number; by: string };

/** @param isPassed whether a folder is only on the way, and the file lies elsewhere */
function problemOf(stat: Stats, user: number, accounts: Accounts, isPassed: boolean): Problem | undefined {
  const owner = ownerProblem(stat, user);
  if (owner) return owner;
  const mode = stat.mode & 0o7777;
  if (isPassed && isSharedSticky(stat)) return undefined;
  if (mode & WRITABLE_BY_ALL) return { kind: "mode", mode, by: "everybody" };
  if (mode & WRITABLE_BY_GROUP && !isPrivate(stat.gid, user, accounts)) {
    return { kind: "mode", mode, by: `the group ${stat.gid}` };
  }
  return undefined;
}

function ownerProblem(stat: Stats, user: number): Problem | undefined {
  if (stat.uid === 0 || stat.uid === user) return undefined;
  return { kind: "owner", owner: stat.uid, wanted: user };
}

function isSharedSticky(stat: Stats): boolean {
  return stat.isDirectory() && (stat.mode & STICKY) !== 0 && (stat.mode & (WRITABLE_BY_ALL | WRITABLE_BY_GROUP)) !== 0;
}

/** Whether nobody but root and this user is in a group. One that the tables do not have may have anybody in it. */
function isPrivate(group: number, user: number, { members }: Accounts): boolean {
  const found = members.get(group);
  return found !== undefined && [...found].every((member) => member === 0 || member === user);
}

function look(at: string, path: string): Stats {
  const found = lookIfThere(at, path);
  if (!found) throw notThere(at, path);
  return found;
}

function lookIfThere(at: string, path: string): Stats | undefined {
  try {
    return lstatSync(at);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SatchelError("storage", `cannot look at ${whereOf(at, path)}: ${printable(reason)}`, { cause });
  }
}

function notThere(at: string, path: string): SatchelError {
  return new SatchelError("not-found", `${whereOf(at, path)} does not exist`);
}

function whereOf(at: string, path: string): string {
  return at === path ? printable(path) : `${printable(path)} (at ${printable(at)})`;
}

function untrusted(path: string, found: Found, accounts: Accounts): SatchelError {
  const { at, text, fix } = describe(found, accounts);
  const subject = at === path ? printable(at) : `${printable(at)}, on the way to ${printable(path)},`;
  return new SatchelError("refused", `${subject} ${text}, so that others could change what is run`, {
    hint: `If what is there is as it should be: ${fix}`,
  });
}

function describe({ at, problem }: Found, { users }: Accounts): Distrust {
  const nameOf = (user: number) => printable(users.get(user)?.name ?? String(user));
  const where = quoted(printable(at));
  const [text, fix] = problem.kind === "owner"
    ? [`belongs to the user ${nameOf(problem.owner)}`, `chown ${nameOf(problem.wanted)} ${where}`]
    : [`can be written to by ${problem.by} (mode ${problem.mode.toString(8).padStart(4, "0")})`, `chmod go-w ${where}`];
  return { kind: problem.kind, at, text, fix };
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function isStep(name: string): boolean {
  return name !== "" && name !== ".";
}
