import assert from "node:assert/strict";
import { dirname } from "node:path";

// What a program asked of the disk, out of a log of strace: what has to be on it before something else is.

/** The options by which strace writes such a log. */
export function logging(log: string): string[] {
  const calls = "fsync,fdatasync,syncfs,rename,renameat,renameat2,write,pwrite64,writev,pwritev,ftruncate";
  return ["-f", "-y", "-qq", "-o", log, "-e", `trace=${calls}`];
}

/** A call. Of two, one came after the other for certain only if it began when that one had ended. */
interface Call {
  name: string;
  /** What it was for; of a rename, what had the name before and has it then. */
  paths: string[];
  began: number;
  ended: number;
}

const UNFINISHED = /^(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$/;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>.*\)\s+= (-?\d+)/;
const WHOLE = /^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)/;

/** The calls of a log that went well, in the order in which they began. */
export function callsOf(log: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const [at, line] of log.split("\n").entries()) {
    const [, resumedPid, resumed, code] = RESUMED.exec(line) ?? [];
    if (resumed !== undefined) {
      const call = open.get(`${resumedPid} ${resumed}`);
      if (call && Number(code) >= 0) call.ended = at;
      continue;
    }
    const [, openPid, begun, openArguments] = UNFINISHED.exec(line) ?? [];
    const [, , name, all, result] = WHOLE.exec(line) ?? [];
    if (begun !== undefined) {
      const call = {
        pid: Number(openPid),
        name: begun,
        paths: pathsOf(begun, openArguments),
        began: at,
        ended: Infinity,
      };
      open.set(`${openPid} ${begun}`, call);
      calls.push(call);
    } else if (name !== undefined && Number(result) >= 0) {
      calls.push({ name, paths: pathsOf(name, all), began: at, ended: at });
    }
  }
  return calls;
}

function pathsOf(name: string, text: string): string[] {
  if (name.startsWith("rename")) return Array.from(text.matchAll(/"([^"]*)"/g), ([, path]) => path);
  return [/^\d+<([^>]*)>/.exec(text)?.[1] ?? ""];
}

const isSync = ({ name }: Call) => name === "fsync" || name === "fdatasync" || name === "syncfs";

/** The renames to names that match. */
export function renamesTo(calls: readonly Call[], name: RegExp): Call[] {
  return calls.filter((call) => call.name.startsWith("rename") && name.test(call.paths[1]));
}

/** Checks that all bytes of a file were on the disk when it got its name. */
export function assertSyncedBefore(calls: readonly Call[], rename: Call): void {
  const [from, to] = rename.paths;
  const writes = calls.filter((call) => /write|truncate/.test(call.name) && call.paths[0] === from);
  const written = Math.max(-1, ...writes.filter(({ began }) => began < rename.began).map(({ ended }) => ended));
  const isOfIt = (call: Call) => call.name === "syncfs" || call.paths[0] === from;
  const isSynced = calls.some((call) =>
    isSync(call) && isOfIt(call) && call.began > written && call.ended < rename.began
  );
  assert.ok(isSynced, `${to} got its name before its bytes were on the disk`);
}

/** Checks that the names of files were on the disk before something else began; without that, that they ever were. */
export function assertNamesSynced(calls: readonly Call[], renames: readonly Call[], before = Infinity): void {
  for (const folder of new Set(renames.map(({ paths }) => dirname(paths[1])))) {
    const last = Math.max(...renames.filter(({ paths }) => dirname(paths[1]) === folder).map(({ ended }) => ended));
    const isSynced = calls.some((call) =>
      call.name === "fsync" && call.paths[0] === folder && call.began > last && call.ended < before
    );
    assert.ok(isSynced, `the names in ${folder} were not on the disk in time`);
  }
}
