import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  describe,
  makeGadget,
  peerTest,
  pushImage,
  satchel,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
  startTokenService,
  writeAuthFile,
} from "../harness/mod.ts";
import { writeFile, writeModule } from "./plugin_files.ts";

const stdin = `${ACCOUNT.password}\n`;

/** Plugins that cannot be used, by the reason. */
const UNUSABLE = {
  "may be written by others": { mode: 0o666, text: "export default {};" },
  "does not parse": { mode: 0o644, text: "export default {" },
};

for (const [reason, { mode, text }] of Object.entries(UNUSABLE)) {
  peerTest(
    "registry",
    `a plugin that ${reason} is told of by all who ask for accounts, and login keeps nothing`,
    async () => {
      await using scratch = await scratchFolder();
      await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
      const { host } = registry;
      const plugin = await writeFile(scratch.at("broken.js"), text, mode);
      const file = await writeAuthFile(scratch.at("auth.json"), { "r.io": { username: "ann", password: "x" } });
      const more = ["--plugin", plugin, "--authfile", file];

      const explained = await satchel(["login", "r.io", "--explain", ...more]);
      assert.equal(explained.code, 0, describe(explained));
      assert.match(
        explained.stdout,
        /the plugin broken\.js \(.*broken\.js\) +failed: cannot be used: .*\n.*auth\.json +answered: user ann/,
      );
      const get = await satchel(["login", "r.io", "--get-login", ...more]);
      assert.equal(get.stdout, "ann\n");
      assert.match(get.stderr, /Warning: No account from the plugin broken\.js \(\S+\) cannot be used/);

      const login = ["login", host, "-u", ACCOUNT.username, "--password-stdin", "--plain-http", ...more];
      const refused = await satchel(login, { stdin });
      assert.equal(refused.code, 1, describe(refused));
      assert.match(
        refused.stderr,
        /The account is not kept: the plugin broken\.js .* cannot be used: [^]*Hint: .*--no-plugins/,
      );
      assert.deepEqual(Object.keys(JSON.parse(await Deno.readTextFile(file)).auths), ["r.io"]);
      assert.equal((await satchel([...login, "--no-plugins"], { stdin })).code, 0);

      const logout = await satchel(["logout", host, ...more]);
      assert.deepEqual([logout.code, logout.stdout], [0, `Removed login credentials for ${host}\n`], describe(logout));
      assert.match(logout.stderr, /Warning: the plugin broken\.js .* cannot be used/);
      const all = await satchel(["logout", "--all", ...more]);
      assert.equal(all.code, 1, describe(all));
      assert.match(all.stderr, /Error: the plugin broken\.js .* cannot be used/);
    },
  );
}

peerTest(
  "registry",
  "what a plugin takes does not stay in the auth file, and its error does not repeat the password",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
    const { host } = registry;
    const keeps = "credentials: { get: () => ({}), store: () => ({ stored: true }) }";
    const fails = `credentials: { get: () => ({}), store: ({ credential }) => {
    throw new Error("cannot keep " + credential.password + " " + btoa(credential.username + ":" + credential.password));
  } }`;
    const [keeper, failing] = [
      await writeModule(scratch, "keeper", keeps),
      await writeModule(scratch, "failing", fails),
    ];
    const file = await writeAuthFile(scratch.at("auth.json"), { [host]: { username: "joe", password: "old" } });
    const login = [
      "login",
      host,
      "-u",
      ACCOUNT.username,
      "--password-stdin",
      "--plain-http",
      "--authfile",
      file,
      "--debug",
    ];
    const failed = await satchel([...login, "--plugin", failing], { stdin });
    assert.equal(failed.code, 1, describe(failed));
    assert.match(failed.stderr, /cannot keep \*\*\* \*\*\*/);
    assert.ok(!failed.stderr.includes(ACCOUNT.password), failed.stderr);
    assert.deepEqual(Object.keys(JSON.parse(await Deno.readTextFile(file)).auths), [host]);
    const kept = await satchel([...login, "-v", "--plugin", keeper], { stdin });
    assert.match(kept.stdout, /The credentials are kept in the plugin keeper/, describe(kept));
    assert.deepEqual(JSON.parse(await Deno.readTextFile(file)).auths, {});
  },
);

peerTest("registry", "--quiet leaves out results, and prints what was asked for", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const more = ["--authfile", scratch.at("auth.json"), "--quiet"];
  const { host } = registry;
  const login = ["login", host, "--plain-http", ...more];
  const said = async (args: string[]) => await satchelSucceeds(args, { stdin });
  assert.equal(await said([...login, "-u", ACCOUNT.username, "--password-stdin", "-v"]), "");
  assert.equal(await said(login), "");
  assert.equal(await said(["login", host, "--get-login", ...more]), "joe\n");
  assert.equal(await said(["logout", host, ...more]), "");
  assert.equal(await said(["logout", "--all", ...more]), "");
});

Deno.test("--get-login has a form for programs, and goes with nothing that gives an account", async () => {
  await using scratch = await scratchFolder();
  const file = await writeAuthFile(scratch.at("auth.json"), { "r.io": ACCOUNT });
  const get = ["login", "r.io", "--get-login", "--authfile", file];
  assert.deepEqual(JSON.parse(await satchelSucceeds([...get, "-o", "json"])), { registry: "r.io", username: "joe" });
  for (const flags of [["-u", "joe"], ["-p", "x"], ["--explain"]]) {
    const outcome = await satchel([...get, ...flags]);
    assert.equal(outcome.code, 2, describe(outcome));
    assert.match(outcome.stderr, /--get-login.* do not go together|--explain and --get-login do not go together/);
  }
});

Deno.test("an auth file that is missing is told of with who named it; --explain shows it in its table", async () => {
  await using scratch = await scratchFolder();
  const missing = scratch.at("missing.json");
  const config = await writeFile(scratch.at("config.yaml"), `authfile: ${missing}\n`);
  const ways: [string, string[], Record<string, string>][] = [
    ["--authfile", ["--authfile", missing], {}],
    ["REGISTRY_AUTH_FILE", [], { REGISTRY_AUTH_FILE: missing }],
    [`${config}:1`, ["--config", config], {}],
  ];
  for (const [by, flags, env] of ways) {
    const get = await satchel(["login", "r.io", "--get-login", ...flags], { env });
    assert.equal(get.code, 2, describe(get));
    assert.match(get.stderr, /^Error: the auth file \S+missing\.json does not exist \(named by /);
    assert.ok(get.stderr.includes(`named by ${by}`), get.stderr);
    const explained = await satchel(["login", "r.io", "--explain", ...flags], { env });
    assert.equal(explained.code, 0, describe(explained));
    assert.match(explained.stdout, /missing\.json +failed: .*does not exist \(named by /);
  }
  await Deno.writeTextFile(missing, "{", { mode: 0o644 });
  const explained = await satchel(["login", "r.io", "--explain", "--authfile", missing]);
  assert.deepEqual([explained.code, /failed: .*is not JSON/.test(explained.stdout)], [0, true], describe(explained));
});

Deno.test("--explain warns of an auth file that others can read", async () => {
  await using scratch = await scratchFolder();
  const file = await writeAuthFile(scratch.at("auth.json"), { "r.io": ACCOUNT });
  await Deno.chmod(file, 0o644);
  const outcome = await satchel(["login", "other.io", "--explain", "--authfile", file]);
  assert.match(outcome.stderr, /Warning: Other users may use the credentials in .*auth\.json/, describe(outcome));
});

Deno.test("logout --all says when there was nothing to remove, and fails where a helper cannot say what it keeps", async () => {
  await using scratch = await scratchFolder();
  const file = scratch.at("auth.json");
  await Deno.writeTextFile(file, "{}", { mode: 0o600 });
  const logout = ["logout", "--all", "--authfile", file];
  assert.equal(await satchelSucceeds(logout), "There were no login credentials to remove\n");
  await Deno.mkdir(scratch.at("bin"));
  await Deno.writeTextFile(scratch.at("bin", "docker-credential-test"), "#!/bin/sh\necho no keychain; exit 1\n", {
    mode: 0o755,
  });
  const env = { PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}` };
  for (const helper of ["test", "missing"]) {
    await Deno.writeTextFile(file, JSON.stringify({ auths: { "r.io": { auth: btoa("u:p") } }, credsStore: helper }));
    const outcome = await satchel(logout, { env });
    assert.deepEqual([outcome.code, outcome.stdout], [1, ""], describe(outcome));
    assert.ok(outcome.stderr.includes(`docker-credential-${helper}`), outcome.stderr);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(file)).auths, {});
  }
});

peerTest(
  "registry",
  "a token service that refuses gets the hint on how to log in, by how the registry is reached",
  async () => {
    await using scratch = await scratchFolder();
    await using service = await startTokenService({ accounts: { joe: { password: "p", actions: ["pull"] } } });
    await using registry = await startRegistry({ token: service });
    const { host } = registry;
    const authorization = `Bearer ${await service.sign("joe", [{
      type: "repository",
      name: "a/b",
      actions: ["pull", "push"],
    }])}`;
    await pushImage(registry, "a/b", "latest", makeGadget(), { authorization });
    const pull = ["image", "pull", `${host}/a/b`, "--insecure-registries", host, "--store", scratch.at("store")];
    const outcome = await satchel(pull, { home: scratch.path });
    assert.equal(outcome.code, 4, describe(outcome));
    assert.match(
      outcome.stderr,
      /Hint: If it is there and not public, an account is needed: satchel login \S+ --plain-http\n/,
    );
    const login = await satchel(["login", host, "--authfile", scratch.at("a.json"), "-u", "joe", "--password-stdin"], {
      stdin: "p",
    });
    assert.match(login.stderr, /Hint: If \S+ is meant to speak plain HTTP: --plain-http\n/, describe(login));
  },
);
