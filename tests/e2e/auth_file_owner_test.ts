import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  binary,
  capabilityTest,
  describe,
  type Outcome,
  peer,
  run,
  satchel,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";

/** A user that no other test and no system has. */
const MALLORY = 54321;

const stdin = `${ACCOUNT.password}\n`;

/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

const login = (host: string) => ["login", host, "-u", ACCOUNT.username, "--password-stdin", "--plain-http"];

/** The home of a user, in a folder of root's that everybody may look into. */
async function makeHome(scratch: Scratch, mode = 0o755): Promise<string> {
  await Deno.chmod(scratch.path, 0o755);
  const home = scratch.at("mallory");
  await Deno.mkdir(home);
  await Deno.chmod(home, mode);
  await Deno.chown(home, MALLORY, MALLORY);
  return home;
}

/** Runs the binary as that user. */
async function satchelAsMallory(args: readonly string[], home: string, env = {}): Promise<Outcome> {
  const rights = [`--reuid=${MALLORY}`, `--regid=${MALLORY}`, "--clear-groups"];
  return await run(peer("setpriv"), [...rights, await binary(), ...args], {
    env: { ...satchelEnvironment(`${home}/store`, home), ...env },
    cwd: "/",
    stdin,
  });
}

capabilityTest(
  "root",
  "root's login refuses a file in another user's folder before anybody is asked, and logout as well",
  async () => {
    await using scratch = await scratchFolder();
    const home = await makeHome(scratch);
    await Deno.mkdir(scratch.at("roots"));
    const victim = scratch.at("roots", "config.json");
    await Deno.writeTextFile(victim, '{"auths":{}}', { mode: 0o600 });
    await Deno.symlink(scratch.at("roots"), `${home}/.docker`);
    const own = `${home}/auth.json`;
    await Deno.writeTextFile(own, '{"auths":{}}', { mode: 0o600 });
    await Deno.chown(own, MALLORY, MALLORY);
    for (const file of [`${home}/.docker/config.json`, own, `${home}/new.json`]) {
      for (const { more, env } of [{ more: ["--authfile", file] }, { more: [], env: { REGISTRY_AUTH_FILE: file } }]) {
        const outcome = await satchel([...login(NOWHERE), ...more], { stdin, ...(env && { env }) });
        assert.equal(outcome.code, 5, describe(outcome));
        assert.match(
          outcome.stderr,
          /the auth file \S+ is not written to: (it|\S+, on the way to it,) belongs to the user 54321, so others could/,
        );
        assert.match(
          outcome.stderr,
          /Hint: Run this as that user \(without sudo\), or name another file with --authfile/,
        );
      }
    }
    const logout = await satchel(["logout", NOWHERE, "--authfile", own]);
    assert.equal(logout.code, 5, describe(logout));
    const names = Array.from(Deno.readDirSync(home), ({ name }) => name).sort();
    assert.deepEqual(names, [".docker", "auth.json"]);
    assert.equal(await Deno.readTextFile(victim), '{"auths":{}}');
    assert.deepEqual(Array.from(Deno.readDirSync(scratch.at("roots"))).length, 1);
  },
);

capabilityTest(
  ["root", "setpriv", "registry"],
  "a user writes a file of his own, also through a link, and none where others may write",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
    const { host } = registry;
    const home = await makeHome(scratch);
    await Deno.symlink("real.json", `${home}/auth.json`);
    const good = await satchelAsMallory([...login(host), "--authfile", `${home}/auth.json`], home);
    assert.equal(good.code, 0, describe(good));
    const { uid, mode } = await Deno.lstat(`${home}/real.json`);
    assert.deepEqual([uid, mode! & 0o777], [MALLORY, 0o600]);

    for (const mode of [0o777, 0o1777]) {
      const shared = scratch.at(`shared-${mode.toString(8)}`);
      await Deno.mkdir(shared);
      await Deno.chmod(shared, mode);
      const refused = await satchelAsMallory([...login(host), "--authfile", `${shared}/auth.json`], home);
      assert.equal(refused.code, 5, describe(refused));
      assert.match(refused.stderr, /can be written to by everybody[^]*Hint: Name a file in a folder that only you may/);
      assert.deepEqual([...Deno.readDirSync(shared)], []);
    }
    const roots = scratch.at("roots.json");
    await Deno.writeTextFile(roots, "{}");
    await Deno.symlink(roots, `${home}/link.json`);
    const denied = await satchelAsMallory([...login(host), "--authfile", `${home}/link.json`], home);
    assert.equal(denied.code, 1, describe(denied));
    assert.equal(await Deno.readTextFile(roots), "{}");
  },
);

/** A helper that leaves a trace, and root's own auth file that names it. */
async function makeHelper(scratch: Scratch) {
  const ran = scratch.at("ran");
  await Deno.mkdir(scratch.at("bin"));
  await Deno.writeTextFile(
    scratch.at("bin", "docker-credential-test"),
    `#!/bin/sh\ntouch ${ran}; echo '{"Username":"helper","Secret":"x"}'\n`,
    { mode: 0o755 },
  );
  const file = scratch.at("roots.json");
  const text = JSON.stringify({ auths: { "r.io": { auth: btoa("file:p") } }, credsStore: "test" });
  await Deno.writeTextFile(file, text, { mode: 0o600 });
  return { ran, file, text, env: { PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}` } };
}

capabilityTest(
  "root",
  "root runs no helper that is named in a file which another user's folder or link leads to, and reads its accounts",
  async () => {
    await using scratch = await scratchFolder();
    const home = await makeHome(scratch);
    const { ran, file, text, env } = await makeHelper(scratch);
    await Deno.mkdir(`${home}/.docker`);
    const docker = `${home}/.docker/config.json`;
    const ways: Record<string, () => Promise<void>> = {
      "a link": () => Deno.symlink(file, docker),
      "a second name": () => Deno.link(file, docker),
      "root's file": () => Deno.writeTextFile(docker, text, { mode: 0o600 }),
    };
    for (const [way, make] of Object.entries(ways)) {
      await make();
      for (const named of [[], ["--authfile", docker]]) {
        const outcome = await satchel(["login", "r.io", "--get-login", ...named], { home, env });
        assert.equal(outcome.stdout, "file\n", `${way}: ${describe(outcome)}`);
        assert.match(
          outcome.stderr,
          /Warning: No account from docker-credential-test .*mallory, on the way to it, belongs to the user 54321, so root does not run what it names/,
        );
      }
      await Deno.remove(docker);
    }
    await assert.rejects(Deno.stat(ran), Deno.errors.NotFound);
    const own = await satchel(["login", "r.io", "--get-login", "--authfile", file], { env });
    assert.equal(own.stdout, "helper\n", describe(own));
  },
);
