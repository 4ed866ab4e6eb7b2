import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { capabilityTest, type Scratch, scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type Accounts, readAccounts } from "./accounts.ts";
import { checkTrust, distrustOf, placeOf } from "./trust.ts";

/** Users and groups as a Debian has them: eve is in the group of bob, and nobody is in staff. */
const ACCOUNTS: Accounts = readAccounts(
  "root:x:0:0:root:/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\neve:x:1002:1002::/home/eve:/bin/sh\n",
  "root:x:0:\nstaff:x:50:\nbob:x:1001:\neve:x:1002:\nteam:x:2000:bob,eve\ndir:x:2001:ldapuser\n",
);

/** A plugin in a folder of its own, with safe modes. */
function plugin(scratch: Scratch): string {
  const path = join(realpathSync(scratch.path), "plugins", "guard.ts");
  mkdirSync(dirname(path), { mode: 0o755 });
  writeFileSync(path, "", { mode: 0o644 });
  return path;
}

/** The error of a path that is not trusted. */
function refusalOf(path: string, user?: number): SatchelError {
  try {
    checkTrust(path, { accounts: ACCOUNTS, ...(user !== undefined && { user }) });
  } catch (error) {
    assert.ok(hasCode(error, "refused"), String(error));
    return error;
  }
  throw new Error(`${path} is trusted`);
}

Deno.test("a file that only this user can write is trusted, below a sticky folder too", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  assert.equal(checkTrust(path), path);
});

Deno.test("what everybody can write is refused with its mode and the way to mend it: the file, its folder, a folder above", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  for (const [at, mode] of [[path, 0o666], [dirname(path), 0o777], [dirname(dirname(path)), 0o757]] as const) {
    const before = Deno.statSync(at).mode! & 0o777;
    chmodSync(at, mode);
    const { message, hint } = refusalOf(path);
    assert.ok(message.includes(`${at}`) && message.includes(`by everybody (mode 0${mode.toString(8)})`), message);
    assert.ok(hint?.endsWith(`chmod go-w ${at}`), hint);
    chmodSync(at, before);
  }
  assert.equal(checkTrust(path), path);
});

Deno.test("a sticky folder that everybody can write is no place for a plugin itself", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  chmodSync(dirname(path), 0o1777);
  assert.match(refusalOf(path).message, /mode 1777/);
});

Deno.test("a link is followed step by step: an unsafe folder on its way is refused, though both ends are safe", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  const root = realpathSync(scratch.path);
  mkdirSync(join(root, "open"));
  chmodSync(join(root, "open"), 0o777);
  symlinkSync("../plugins/guard.ts", join(root, "open", "step.ts"));
  mkdirSync(join(root, "start"), { mode: 0o755 });
  symlinkSync("../open/step.ts", join(root, "start", "guard.ts"));
  const { message } = refusalOf(join(root, "start", "guard.ts"));
  assert.ok(message.startsWith(`${join(root, "open")}, on the way to`), message);
  chmodSync(join(root, "open"), 0o755);
  assert.equal(checkTrust(join(root, "start", "guard.ts")), path);
});

Deno.test("`..` behind a link leads where the system says", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  const root = realpathSync(scratch.path);
  mkdirSync(join(root, "a", "b"), { recursive: true });
  symlinkSync(dirname(path), join(root, "a", "b", "link"));
  assert.equal(checkTrust(`${root}/a/b/link/../plugins/guard.ts`), path);
  chmodSync(join(root, "a"), 0o777);
  assert.match(refusalOf(`${root}/a/b/link/../plugins/guard.ts`).message, /\/a, on the way/);
});

Deno.test("links in a circle end", async () => {
  await using scratch = await scratchFolder();
  symlinkSync("b", scratch.at("a"));
  symlinkSync("a", scratch.at("b"));
  assert.match(refusalOf(scratch.at("a")).message, /too many links/);
});

Deno.test("what is not there is told as that", async () => {
  await using scratch = await scratchFolder();
  assert.throws(() => checkTrust(scratch.at("none.ts")), (error) => hasCode(error, "not-found"));
});

capabilityTest("root", "root runs root's files alone, and a user runs root's and his own", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  chownSync(path, 1001, 1001);
  const { message, hint } = refusalOf(path);
  assert.match(message, /belongs to the user bob/);
  assert.ok(hint?.endsWith(`chown root ${path}`), hint);
  assert.equal(checkTrust(path, { user: 1001, accounts: ACCOUNTS }), path);
  assert.match(refusalOf(path, 1002).hint ?? "", /chown eve/);
});

capabilityTest("root", "a group may write if nobody but root and this user is in it", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  chmodSync(path, 0o664);
  const trusted = (gid: number, user: number) => {
    chownSync(path, 0, gid);
    try {
      return checkTrust(path, { user, accounts: ACCOUNTS }) === path;
    } catch (error) {
      assert.ok(hasCode(error, "refused"), String(error));
      return false;
    }
  };
  assert.deepEqual(
    { staff: trusted(50, 0), own: trusted(1001, 1001), ownOfOther: trusted(1001, 0), team: trusted(2000, 1001) },
    { staff: true, own: true, ownOfOther: false, team: false },
  );
  assert.deepEqual({ unknownMember: trusted(2001, 0), unknownGroup: trusted(4242, 0) }, {
    unknownMember: false,
    unknownGroup: false,
  });
});

Deno.test("distrust is told in parts, and not of what does not exist", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  const folder = dirname(path);
  assert.equal(distrustOf(path, { accounts: ACCOUNTS }), undefined);
  chmodSync(folder, 0o777);
  assert.deepEqual(distrustOf(path, { accounts: ACCOUNTS }), {
    kind: "mode",
    at: folder,
    text: "can be written to by everybody (mode 0777)",
    fix: `chmod go-w ${folder}`,
  });
  assert.throws(() => distrustOf(join(folder, "none.ts")), (error) => hasCode(error, "not-found"));
});

Deno.test("what may sit in a sticky folder is not distrusted there", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  chmodSync(dirname(path), 0o1777);
  assert.equal(distrustOf(path)?.kind, "mode");
  for (const each of [path, dirname(path)]) assert.equal(distrustOf(each, { maySitInSticky: true }), undefined);
  chmodSync(path, 0o666);
  assert.equal(distrustOf(path, { maySitInSticky: true })?.at, path);
});

capabilityTest("root", "a wrong owner is told of before a folder that others may write to", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  chmodSync(dirname(path), 0o777);
  chownSync(path, 1002, 1002);
  const { at, text, fix } = distrustOf(path, { user: 1001, accounts: ACCOUNTS })!;
  assert.deepEqual([at, text, fix], [path, "belongs to the user eve", `chown bob ${path}`]);
});

capabilityTest("root", "in a sticky folder on the way, what others have put there is refused", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  const root = realpathSync(scratch.path);
  mkdirSync(join(root, "shared"));
  chmodSync(join(root, "shared"), 0o1777);
  const link = join(root, "shared", "link");
  symlinkSync(dirname(path), link);
  assert.equal(checkTrust(join(link, "guard.ts"), { user: 1001, accounts: ACCOUNTS }), path);
  await new Deno.Command("chown", { args: ["-h", "1002", link] }).output();
  assert.match(refusalOf(join(link, "guard.ts"), 1001).message, /link, on the way to .* belongs to the user eve/);
});

Deno.test("where something is to be made, the nearest folder that exists must be safe, behind links as well", async () => {
  await using scratch = await scratchFolder();
  const root = realpathSync(scratch.path);
  const wanted = join(root, "new", "folder", "file");
  assert.deepEqual(placeOf(wanted), { path: wanted });
  symlinkSync("new/folder/file", join(root, "link"));
  assert.deepEqual(placeOf(join(root, "link")), { path: wanted });
  assert.throws(() => placeOf(`${root}/new/../file`), (error) => hasCode(error, "not-found"));
  for (const mode of [0o777, 0o1777]) {
    chmodSync(root, mode);
    const { path, distrust } = placeOf(join(root, "link"));
    assert.deepEqual([path, distrust?.kind, distrust?.at], [wanted, "mode", root]);
  }
  chmodSync(root, 0o700);
});

capabilityTest("root", "a link that somebody else made is refused wherever it is", async () => {
  await using scratch = await scratchFolder();
  const path = plugin(scratch);
  const link = join(realpathSync(scratch.path), "link");
  symlinkSync(path, link);
  assert.equal(checkTrust(link, { accounts: ACCOUNTS }), path);
  await new Deno.Command("chown", { args: ["-h", "1002", link] }).output();
  assert.match(refusalOf(link).message, /link belongs to the user eve/);
  assert.equal(placeOf(link, { accounts: ACCOUNTS }).distrust?.at, link);
});
