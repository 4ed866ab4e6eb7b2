import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "../error.ts";
import { acquireLock, tryLock, tryLockExisting } from "./flock.ts";

function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "satchel-flock-"));
  return {
    path: join(folder, "index.json.lock"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Lets util-linux' `flock` hold the lock until it is killed or its input ends. */
async function holdByFlock(path: string): Promise<ChildProcess> {
  const child = spawn("flock", [path, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return child;
}

const flockIsFree = (path: string) => spawnSync("flock", ["--nonblock", path, "true"]).status === 0;

Deno.test("the lock file is made empty, for its owner alone", async () => {
  using made = scratch();
  using _lock = await acquireLock(made.path);
  const { mode, size } = statSync(made.path);
  assert.deepEqual([mode & 0o777, size], [0o600, 0]);
});

Deno.test("a lock excludes other holders in the same process until it is disposed of", async () => {
  using made = scratch();
  {
    using _lock = await acquireLock(made.path);
    assert.equal(tryLock(made.path), undefined);
  }
  using again = tryLock(made.path);
  assert.ok(again);
});

Deno.test("flock(1) sees the lock, and sees it go", async () => {
  using made = scratch();
  const lock = await acquireLock(made.path);
  assert.equal(flockIsFree(made.path), false);
  lock[Symbol.dispose]();
  assert.equal(flockIsFree(made.path), true);
});

Deno.test("a lock that flock(1) holds is waited for, and is free once its holder was killed", async () => {
  using made = scratch();
  const holder = await holdByFlock(made.path);
  assert.equal(tryLock(made.path), undefined);
  const waiting = acquireLock(made.path);
  // flock(1) and the program that it runs share the lock; that one ends with its input.
  holder.kill("SIGKILL");
  holder.stdin!.end();
  using lock = await waiting;
  assert.equal(lock.path, made.path);
});

Deno.test("a wait ends after its time, and names the file", async () => {
  using made = scratch();
  using _lock = await acquireLock(made.path);
  await assert.rejects(acquireLock(made.path, { timeout: 20 }), (error) => {
    assert.ok(hasCode(error, "busy"));
    assert.ok(error.message.includes(made.path));
    return true;
  });
});

Deno.test("a wait of more than a second is told of, once", async () => {
  using made = scratch();
  const lock = await acquireLock(made.path);
  let told = 0;
  using _second = await acquireLock(made.path, {
    onWait: () => {
      told++;
      // Freed only now, so without this call the test would not end.
      setTimeout(() => lock[Symbol.dispose](), 50);
    },
  });
  assert.equal(told, 1);
});

Deno.test("a wait can be interrupted", async () => {
  using made = scratch();
  using _lock = await acquireLock(made.path);
  const controller = new AbortController();
  const waiting = acquireLock(made.path, { signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, (error) => hasCode(error, "cancelled"));
});

Deno.test("a folder, a link and a FIFO in the place of the lock file are refused at once", async () => {
  using made = scratch();
  for (const make of [["mkdir"], ["ln", "-s", "/etc/passwd"], ["mkfifo"]]) {
    spawnSync(make[0], [...make.slice(1), made.path]);
    await assert.rejects(acquireLock(made.path), (error) => hasCode(error, "storage"), make[0]);
    rmSync(made.path, { recursive: true });
  }
});

Deno.test("tryLockExisting creates no file", () => {
  using made = scratch();
  assert.throws(() => tryLockExisting(made.path), (error) => hasCode(error, "storage"));
  assert.equal(statSync(made.path, { throwIfNoEntry: false }), undefined);
});
