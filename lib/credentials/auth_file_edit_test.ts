import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { capabilityTest } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { acquireLock } from "../runtime/mod.ts";
import { removeAllEntries, removeEntry, writeEntry } from "./auth_file_edit.ts";
import { openCredentials } from "./lookup.ts";

const JOE = { username: "joe", password: "s3cret" };
const AUTH = btoa("joe:s3cret");

interface Folder extends Disposable {
  path: string;
  file: string;
  at(name: string): string;
}

function scratch(content?: string): Folder {
  const path = mkdtempSync(join(tmpdir(), "satchel-auth-"));
  const at = (name: string) => join(path, name);
  if (content !== undefined) writeFileSync(at("config.json"), content, { mode: 0o600 });
  return { path, at, file: at("config.json"), [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

const read = (path: string) => readFileSync(path, "utf8");
const write = (path: string, registry = "r.io") => writeEntry(path, { registry }, JOE);

Deno.test("a new file has mode 0600, tabs and no line feed at the end, in new folders of mode 0700", async () => {
  using folder = scratch();
  const file = join(folder.path, "a", "b", "config.json");
  await write(file);
  assert.equal(read(file), `{\n\t"auths": {\n\t\t"r.io": {\n\t\t\t"auth": "${AUTH}"\n\t\t}\n\t}\n}`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(folder.at("a")).mode & 0o777, 0o700);
});

Deno.test("what is not the entry stays: order, numbers, names that come twice, members of the old entry", async () => {
  using folder = scratch(
    `{"HttpHeaders":{"X":"1"},"n":1.0e400,"5":12345678901234567890,"auths":{"z.io":{"auth":"eA=="},"https://r.io/v1/":` +
      `{"auth":"old","email":"j@x","identitytoken":"t"},"a.io":{},"r.io":{"auth":"older"}},"__proto__":{"a":[]},"2":null,"2":[1, 2]}`,
  );
  await write(folder.file);
  assert.equal(
    read(folder.file).replace(/[\t\n]/g, "").replaceAll(": ", ":"),
    `{"HttpHeaders":{"X":"1"},"n":1.0e400,"5":12345678901234567890,"auths":{"z.io":{"auth":"eA=="},"r.io":{"auth":"${AUTH}"},` +
      `"a.io":{}},"__proto__":{"a":[]},"2":null,"2":[1,2]}`,
  );
});

Deno.test("Docker Hub has its old key, under which every tool finds it", async () => {
  using folder = scratch('{"auths":{"docker.io":{"auth":"b2xk"},"index.docker.io":{"auth":"b2xk"}}}');
  await writeEntry(folder.file, { registry: "docker.io" }, JOE);
  assert.deepEqual(JSON.parse(read(folder.file)).auths, { "https://index.docker.io/v1/": { auth: AUTH } });
  assert.equal(await removeEntry(folder.file, { registry: "docker.io" }), true);
  assert.deepEqual(JSON.parse(read(folder.file)).auths, {});
});

Deno.test("removing takes all keys of a registry, not those of its paths, and tells whether there was an account", async () => {
  using folder = scratch(
    '{"auths":{"https://r.io":{"auth":"eA=="},"r.io/v2/":{"auth":"eA=="},"r.io/team":{"auth":"eA=="}}}',
  );
  assert.equal(await removeEntry(folder.file, { registry: "r.io" }), true);
  assert.deepEqual(Object.keys(JSON.parse(read(folder.file)).auths), ["r.io/team"]);
  assert.equal(await removeEntry(folder.file, { registry: "r.io" }), false);
  assert.equal(await removeEntry(folder.at("missing.json"), { registry: "r.io" }), false);
  await removeAllEntries(folder.at("missing.json"));
  assert.deepEqual(readdirSync(folder.path).sort(), ["config.json", "config.json.lock"]);
});

Deno.test("a broken file is never overwritten", async () => {
  for (const content of ["{", "[]", '{"auths":[]}', '"x"']) {
    using folder = scratch(content);
    const works = [
      () => write(folder.file),
      () => removeEntry(folder.file, { registry: "r.io" }),
      () => removeAllEntries(folder.file),
    ];
    for (const work of works) await assert.rejects(work, (error) => hasCode(error, "invalid"));
    assert.equal(read(folder.file), content);
  }
});

Deno.test("a link stays a link, and the file behind it is rewritten", async () => {
  using folder = scratch();
  mkdirSync(folder.at("real"));
  writeFileSync(folder.at("real/auth.json"), '{"x":1}', { mode: 0o644 });
  symlinkSync("real/auth.json", folder.at("second"));
  symlinkSync(folder.at("second"), folder.file);
  await write(folder.file);
  assert.ok(lstatSync(folder.file).isSymbolicLink() && lstatSync(folder.at("second")).isSymbolicLink());
  assert.ok(lstatSync(folder.at("real/auth.json")).isFile());
  assert.equal(JSON.parse(read(folder.file)).x, 1);
  assert.equal(statSync(folder.file).mode & 0o777, 0o600);
});

Deno.test("links in a circle are an error", async () => {
  using folder = scratch();
  symlinkSync("config.json", folder.file);
  await assert.rejects(write(folder.file), /too many links/);
});

Deno.test("the lock of another writer is waited for as long as was said", async () => {
  using folder = scratch("{}");
  using _lock = await acquireLock(`${folder.file}.lock`);
  await assert.rejects(
    writeEntry(folder.file, { registry: "r.io" }, JOE, { timeout: 20 }),
    (error) => hasCode(error, "busy"),
  );
  const stopped = { signal: AbortSignal.abort() };
  await assert.rejects(
    writeEntry(folder.file, { registry: "r.io" }, JOE, stopped),
    (error) => hasCode(error, "cancelled"),
  );
  assert.equal(read(folder.file), "{}");
});

Deno.test("what a writer that died left behind is thrown away a minute later; what is not satchel's stays", async () => {
  using folder = scratch("{}");
  const left = (name: string) => folder.at(`config.json.satchel-${name}.tmp`);
  const [old, fresh, directory] = ["a", "b", "c"].map((digit) => left(digit.repeat(32)));
  const others = [folder.at("config.json.tmp"), left("x"), folder.at(`other.json.satchel-${"a".repeat(32)}.tmp`)];
  for (const path of [old, fresh, ...others]) writeFileSync(path, "half");
  mkdirSync(directory);
  const longAgo = Date.now() / 1000 - 61;
  for (const path of [old, directory, ...others]) utimesSync(path, longAgo, longAgo);
  await write(folder.file);
  const stay = [fresh, directory, ...others, folder.file, `${folder.file}.lock`];
  assert.deepEqual(readdirSync(folder.path).sort(), stay.map((path) => basename(path)).sort());
});

capabilityTest("mount", "a full disk and a read-only one leave the old file, and nothing half-written", async () => {
  using folder = scratch();
  const disk = folder.at("disk");
  mkdirSync(disk);
  const mount = (...args: string[]) => assert.equal(spawnSync("mount", args).status, 0);
  mount("-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", disk);
  try {
    const file = join(disk, "config.json");
    const old = '{"auths":{"old.io":{"auth":"eA=="}}}';
    writeFileSync(file, old, { mode: 0o600 });
    await removeEntry(file, { registry: "none.io" });
    const before = read(file);
    try {
      writeFileSync(join(disk, "filler"), new Uint8Array(1 << 20));
    } catch {
      // It shall fill the disk to the brim.
    }
    await assert.rejects(write(file), /Cannot write .*config\.json: the disk is full/);
    assert.equal(read(file), before);
    mount("-o", "remount,ro", disk);
    await assert.rejects(write(file), /the file system is read-only/);
    assert.equal(read(file), before);
    assert.deepEqual(readdirSync(disk).sort(), ["config.json", "config.json.lock", "filler"]);
  } finally {
    spawnSync("umount", ["--lazy", disk]);
  }
});

/** A folder as others may have laid it, and the auth file in it that root is told to write to. */
const UNSAFE: Record<string, (folder: Folder) => string> = {
  "a user's file in that user's folder": ({ at }) => {
    mkdirSync(at("home"));
    writeFileSync(at("home/config.json"), "{}", { mode: 0o600 });
    chownSync(at("home/config.json"), 54321, 54321);
    chownSync(at("home"), 54321, 54321);
    return at("home/config.json");
  },
  "a new file in a user's folder": ({ at }) => {
    mkdirSync(at("home"));
    chownSync(at("home"), 54321, 54321);
    return at("home/config.json");
  },
  "root's file below a user's folder": ({ at }) => {
    mkdirSync(at("home/roots"), { recursive: true });
    writeFileSync(at("home/roots/config.json"), "{}", { mode: 0o600 });
    chownSync(at("home"), 54321, 54321);
    return at("home/roots/config.json");
  },
  "new folders below a user's": ({ at }) => {
    mkdirSync(at("home"));
    chownSync(at("home"), 54321, 54321);
    return at("home/new/folder/config.json");
  },
  "a user's file in root's folder": ({ file }) => {
    writeFileSync(file, "{}", { mode: 0o600 });
    chownSync(file, 54321, 54321);
    return file;
  },
  "a file in a folder that everybody may write to": ({ path, file }) => {
    chmodSync(path, 0o777);
    return file;
  },
  "a file in a sticky folder": ({ path, file }) => {
    chmodSync(path, 0o1777);
    writeFileSync(file, "{}", { mode: 0o600 });
    return file;
  },
  "a user's link in a sticky folder": ({ path, at, file }) => {
    chmodSync(path, 0o1777);
    mkdirSync(at("roots"));
    writeFileSync(at("roots/config.json"), "{}", { mode: 0o600 });
    symlinkSync(at("roots/config.json"), file);
    assert.equal(spawnSync("chown", ["-h", "54321", file]).status, 0);
    return file;
  },
  "a folder that is a user's link": ({ at }) => {
    mkdirSync(at("roots"));
    writeFileSync(at("roots/config.json"), "{}", { mode: 0o600 });
    symlinkSync("roots", at("home"));
    assert.equal(spawnSync("chown", ["-h", "54321", at("home")]).status, 0);
    return at("home/config.json");
  },
};

/** All that is below a folder: names, owners and contents. */
function listing(folder: string): string[] {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path);
    const line = `${path} ${stat.uid} ${stat.mode} ${stat.isFile() ? read(path) : ""}`;
    return stat.isDirectory() ? [line, ...listing(path)] : [line];
  });
}

for (const [what, lay] of Object.entries(UNSAFE)) {
  capabilityTest("root", `root does not write to ${what}, nor leaves anything there`, async () => {
    using folder = scratch();
    const file = lay(folder);
    const before = listing(folder.path);
    await assert.rejects(
      write(file),
      (error) => hasCode(error, "refused") && /so others could exchange the file/.test(error.message),
    );
    assert.deepEqual(listing(folder.path), before);
  });
}

/** Names of members, among them those that JavaScript treats in a way of their own. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("__proto__", "constructor", "7", "0", "toString", "auths2", "credsStore2"),
);
const registry = fc.constantFrom("r.io", "r.io:5000", "other.example", "docker.io");
const keyForms = fc.constantFrom("", "https://", "http://");

Deno.test("after any login the account is found, all else is as it was, and after logout the account is gone", async () => {
  using folder = scratch();
  const others = fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
  const auths = fc.array(fc.tuple(keyForms, registry, fc.constantFrom("", "/", "/v1/", "/team")), { maxLength: 6 });
  const account = fc.record({
    username: fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => !text.includes(":")),
    password: fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => !text.endsWith("\0")),
  });
  await fc.assert(
    fc.asyncProperty(others, auths, registry, account, async (members, keys, host, credential) => {
      const entries = Object.fromEntries(keys.map((parts) => [parts.join(""), { auth: btoa("u:p"), more: 1 }]));
      writeFileSync(folder.file, JSON.stringify({ ...members, auths: entries }), { mode: 0o600 });
      const before = JSON.parse(read(folder.file));
      await writeEntry(folder.file, { registry: host }, credential);
      const accounts = openCredentials({
        files: { named: { path: folder.file, by: "--authfile" }, own: [], fallbacks: [] },
      });
      assert.deepEqual((await accounts.find({ registry: host }))?.credential, { ...credential });
      const after = JSON.parse(read(folder.file));
      assert.deepEqual(Object.keys(after), Object.keys(before));
      assert.deepEqual({ ...after, auths: 0 }, { ...before, auths: 0 });
      for (const [key, value] of Object.entries(before.auths)) {
        if (key.replace(/^https?:\/\//, "").replace(/\/(v1\/)?$/, "") !== host) {
          assert.deepEqual(after.auths[key], value);
        }
      }
      assert.equal(await removeEntry(folder.file, { registry: host }), true);
      const gone = openCredentials({
        files: { named: { path: folder.file, by: "--authfile" }, own: [], fallbacks: [] },
      });
      assert.equal(await gone.find({ registry: host }), undefined);
    }),
    { numRuns: 60 },
  );
});

/** A program that logs in again and again, to be killed at any moment. */
const WRITER = `
  import { writeEntry } from ${JSON.stringify(new URL("./auth_file_edit.ts", import.meta.url).href)};
  console.log("ready");
  for (let n = 0;; n++) await writeEntry(Deno.args[0], { registry: "r.io" }, { username: "joe", password: "p".repeat(n % 2000 + 1) });
`;

Deno.test("a writer that is killed at any moment leaves a whole file", async () => {
  using folder = scratch('{"auths":{"old.io":{"auth":"eDp5"}},"kept":1}');
  for (let round = 0; round < 6; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", WRITER, folder.file],
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(60_000),
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    // Any number of writes may have been done by the time that this one is seen.
    const seen = statSync(folder.file).ino;
    const ended = child.status.then(() => "ended" as const);
    while (statSync(folder.file).ino === seen) {
      const tick = new Promise<void>((resolve) => setTimeout(resolve));
      assert.notEqual(await Promise.race([ended, tick]), "ended", "the writer died by itself");
    }
    child.kill("SIGKILL");
    await ended;
    await reader.cancel();
    const json = JSON.parse(read(folder.file));
    assert.deepEqual([json.kept, json.auths["old.io"]], [1, { auth: "eDp5" }]);
    assert.equal(statSync(folder.file).mode & 0o777, 0o600);
  }
  // A minute later.
  for (const name of readdirSync(folder.path)) utimesSync(folder.at(name), 0, 0);
  await write(folder.file);
  assert.deepEqual(readdirSync(folder.path).sort(), ["config.json", "config.json.lock"]);
});
