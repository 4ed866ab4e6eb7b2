import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  binary,
  capabilityTest,
  describe,
  makeCertificates,
  peer,
  peerTest,
  type Registry,
  run,
  satchel,
  satchelByDeno,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
  startTokenService,
  writeAuthFile,
} from "../harness/mod.ts";

/** Arguments of a login that gives everything. */
const given = (host: string, file: string, ...more: string[]) => [
  "login",
  host,
  "--authfile",
  file,
  "--username",
  ACCOUNT.username,
  "--password-stdin",
  ...more,
];
const stdin = `${ACCOUNT.password}\n`;

async function auths(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await Deno.readTextFile(file)).auths;
}

const ENTRY = { auth: btoa(`${ACCOUNT.username}:${ACCOUNT.password}`) };

/** Logs in, is known, logs in again, logs out, is unknown. */
async function wholeLife(registry: Registry, flags: string[], env: Record<string, string> = {}): Promise<void> {
  await using scratch = await scratchFolder();
  const file = scratch.at("new", "folder", "auth.json");
  const { host } = registry;
  const outcome = await satchel(given(host, file, ...flags), { stdin, env });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(outcome.stdout, "Login Succeeded!\n");
  assert.equal(outcome.stderr, `Warning: Your credentials are stored unencrypted in ${file}\n`);
  assert.deepEqual(await auths(file), { [host]: ENTRY });
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  assert.equal((await Deno.stat(scratch.at("new"))).mode! & 0o777, 0o700);
  const named = ["--authfile", file];
  assert.equal(await satchelSucceeds(["login", host, "--get-login", ...named], { env }), "joe\n");
  const again = await satchel(["login", host, ...named, ...flags], { env });
  assert.equal(again.stdout, `Already logged in to ${host} as joe\n`, describe(again));
  assert.equal(await satchelSucceeds(["logout", host, ...named]), `Removed login credentials for ${host}\n`);
  assert.equal(await Deno.readTextFile(file), '{\n\t"auths": {}\n}');
  for (const command of [["logout", host], ["login", host, "--get-login"]]) {
    const gone = await satchel([...command, ...named]);
    assert.deepEqual([gone.code, gone.stdout, gone.stderr], [1, "", `Error: not logged into ${host}\n`]);
  }
}

peerTest("registry", "login, login again and logout on a registry with HTTP Basic", async () => {
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  await wholeLife(registry, ["--plain-http"]);
});

peerTest("registry", "login, login again and logout on a registry with a token service", async () => {
  await using service = await startTokenService();
  await using registry = await startRegistry({ token: service });
  await wholeLife(registry, ["--plain-http"]);
  assert.deepEqual([...new Set(service.requests.map(({ account, status }) => `${account} ${status}`))], ["joe 200"]);
});

peerTest(["registry", "openssl"], "login, login again and logout over TLS, by Basic and by tokens", async () => {
  await using tls = await makeCertificates();
  {
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE, tls });
    await wholeLife(registry, [], registry.env);
  }
  await using service = await startTokenService({ tls });
  await using registry = await startRegistry({ token: service, tls });
  await wholeLife(registry, [], registry.env);
});

peerTest(
  ["registry", "openssl"],
  "a registry of an own authority takes a login with --cert-dir, and with --tls-verify=false, and not without",
  async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE, tls });
    const file = scratch.at("auth.json");
    const outcome = await satchel(given(registry.host, file), { stdin });
    assert.equal(outcome.code, 1, describe(outcome));
    await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
    await Deno.mkdir(scratch.at("certs"));
    await Deno.copyFile(registry.env.SSL_CERT_FILE, scratch.at("certs", "ca.crt"));
    await satchelSucceeds(given(registry.host, file, "--cert-dir", scratch.at("certs")), { stdin });
    const unverified = await satchel(given(registry.host, file, "--tls-verify=false"), { stdin });
    assert.equal(unverified.code, 0, describe(unverified));
    assert.match(unverified.stderr, /Warning: The certificate of .* is not checked/);
  },
);

peerTest("registry", "login and logout from the sources under Deno", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const file = scratch.at("auth.json");
  const outcome = await satchelByDeno(given(registry.host, file, "--plain-http"), { stdin });
  assert.equal(outcome.stdout, "Login Succeeded!\n", describe(outcome));
  const out = await satchelByDeno(["logout", registry.host, "--authfile", file]);
  assert.equal(out.stdout, `Removed login credentials for ${registry.host}\n`, describe(out));
});

peerTest("registry", "a refused account is not written, and the error says what the registry said", async () => {
  await using scratch = await scratchFolder();
  await using service = await startTokenService();
  await using basic = await startRegistry({ htpasswd: ACCOUNT_LINE });
  await using withToken = await startRegistry({ token: service });
  for (const { host } of [basic, withToken]) {
    const file = scratch.at("auth.json");
    const outcome = await satchel(given(host, file, "--plain-http"), { stdin: "wrong-hunter2" });
    assert.equal(outcome.code, 4, describe(outcome));
    assert.match(outcome.stderr, /^Error: Cannot log in to 127\.0\.0\.1:\d+: .*HTTP 401/);
    assert.ok(!outcome.stderr.includes("hunter2"));
    await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
  }
});

peerTest("registry", "an old account that is refused is exit 4 where nobody can be asked for another", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: { username: "joe", password: "old" } });
  const outcome = await satchel(["login", registry.host, "--authfile", file, "--plain-http"]);
  assert.equal(outcome.code, 4, describe(outcome));
});

peerTest("registry", "a registry that asks for no account takes any, and a warning says so", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const outcome = await satchel(given(registry.host, scratch.at("auth.json"), "--plain-http", "-v"), { stdin });
  assert.equal(
    outcome.stdout,
    `Login Succeeded!\nThe credentials are kept in ${scratch.at("auth.json")}\n`,
    describe(outcome),
  );
  assert.match(outcome.stderr, /Warning: 127\.0\.0\.1:\d+ asked for no account/);
});

peerTest(
  "registry",
  "a name is taken in the forms that people paste, and a path has an account of its own",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
    const { host } = registry;
    const file = await writeAuthFile(scratch.at("auth.json"), {
      [`https://${host}/v1/`]: { username: "a", password: "b" },
    });
    for (const name of [`https://${host}/`, `HTTPS://${host}`, `${host}/team`]) {
      await satchelSucceeds(given(name, file, "--plain-http"), { stdin });
    }
    assert.deepEqual(await auths(file), { [host]: ENTRY, [`${host}/team`]: ENTRY });
    await satchelSucceeds(["logout", host, "--authfile", file]);
    assert.deepEqual(await auths(file), { [`${host}/team`]: ENTRY });
  },
);

Deno.test("what cannot be an account, and flags that do not go together, are usage errors", async () => {
  await using scratch = await scratchFolder();
  const file = scratch.at("auth.json");
  const cases: [string[], RegExp, string?][] = [
    [["login", "http://r.io"], /--plain-http/],
    [["login", "r.io"], /--password-stdin/],
    [["login", "r.io", "-u", "joe"], /--password-stdin/],
    [["login", "r.io", "-p", "x"], /--username/],
    [["login", "r.io", "-u", "joe", "-p", "x", "--password-stdin"], /do not go together/],
    [["login", "r.io", "--password-stdin"], /--username/],
    [["login", "r.io", "-u", "", "-p", "x"], /empty/],
    [["login", "r.io", "-u", "a:b", "-p", "x"], /colon/],
    [["login", "r.io", "-u", "joe", "-p", ""], /empty/],
    [["login", "r.io", "-u", "joe", "--password-stdin"], /empty/, "\r\n\n"],
    [["login", "r.io", "-u", "joe", "--password-stdin"], /longer than/, "x".repeat(70_000)],
    [["login", "r.io/Bad//Path"], /invalid registry/],
    [["logout"], /--all/],
    [["logout", "r.io", "--all"], /do not go together/],
  ];
  for (const [args, pattern, stdin] of cases) {
    const isLogin = args[0] === "login";
    const outcome = await satchel(
      [...args, ...isLogin ? ["--authfile", file] : []],
      stdin === undefined ? {} : { stdin },
    );
    assert.equal(outcome.code, 2, `${args.join(" ")}: ${describe(outcome)}`);
    assert.match(outcome.stderr, pattern);
  }
  await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
});

Deno.test("a password on the command line is warned of", async () => {
  await using scratch = await scratchFolder();
  const args = ["login", "127.0.0.1:1", "-u", "joe", "-p", "x", "--authfile", scratch.at("auth.json")];
  assert.match((await satchel(args)).stderr, /^Warning: Other users of this host can see a password/);
});

Deno.test("an auth file that was named but is missing or broken is an error, and a broken one is not overwritten", async () => {
  await using scratch = await scratchFolder();
  const missing = ["--authfile", scratch.at("missing.json")];
  for (const command of [["logout", "r.io"], ["logout", "--all"], ["login", "r.io", "--get-login"]]) {
    const outcome = await satchel([...command, ...missing]);
    assert.equal(outcome.code, 2, describe(outcome));
  }
  const broken = scratch.at("broken.json");
  await Deno.writeTextFile(broken, '{"auths": {', { mode: 0o600 });
  for (const command of [["logout", "r.io"], ["logout", "--all"], ["login", "r.io", "-u", "joe", "--password-stdin"]]) {
    const outcome = await satchel([...command, "--authfile", broken], { stdin });
    assert.equal(outcome.code, 1, describe(outcome));
    assert.match(outcome.stderr, /broken\.json is not JSON/);
  }
  assert.equal(await Deno.readTextFile(broken), '{"auths": {');
});

Deno.test("logout --all empties the auth file and leaves the rest of it", async () => {
  await using scratch = await scratchFolder();
  const file = scratch.at("auth.json");
  await Deno.writeTextFile(file, JSON.stringify({ auths: { a: ENTRY, b: ENTRY }, currentContext: "x" }));
  assert.equal(
    await satchelSucceeds(["logout", "--all", "--authfile", file]),
    "Removed login credentials for all registries\n",
  );
  assert.equal(await Deno.readTextFile(file), '{\n\t"auths": {},\n\t"currentContext": "x"\n}');
});

Deno.test("--explain shows who was asked and who answered, and no secret", async () => {
  await using scratch = await scratchFolder();
  const file = await writeAuthFile(scratch.at("auth.json"), { "r.io": { username: "joe", password: "hunter2" } });
  const text = await satchelSucceeds(["login", "r.io", "--explain", "--authfile", file]);
  assert.equal(text, `SOURCE${" ".repeat(file.length - 6 + 3)}ANSWER\n${file}   answered: user joe\n`);
  const json = await satchelSucceeds(["login", "r.io", "--explain", "--authfile", file, "-o", "json"]);
  assert.deepEqual(JSON.parse(json), {
    registry: "r.io",
    sources: [{ source: file, state: "answered", user: "joe" }],
  });
  assert.ok(!`${text}${json}`.includes("hunter2") && !json.includes(btoa("joe:hunter2")));
});

capabilityTest(
  ["root", "setpriv", "registry"],
  "without a file of one's own Docker's counts until the first login, which says so; logout does not touch it",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
    const { host } = registry;
    const home = scratch.at("home");
    await Deno.mkdir(scratch.at("home", ".docker"), { recursive: true });
    const docker = await writeAuthFile(scratch.at("home", ".docker", "config.json"), { "r.io": ACCOUNT });
    for (const path of [scratch.path, home, scratch.at("home", ".docker"), docker]) {
      await Deno.chown(path, 54321, 54321);
    }
    const user = async (args: string[], stdin?: string) =>
      await run(peer("setpriv"), ["--reuid=54321", "--regid=54321", "--clear-groups", await binary(), ...args], {
        env: satchelEnvironment(scratch.at("store"), home),
        cwd: "/",
        ...(stdin !== undefined && { stdin }),
      });
    assert.equal((await user(["login", "r.io", "--get-login"])).stdout, "joe\n");
    const refused = await user(["logout", "r.io"]);
    assert.equal(refused.code, 1, describe(refused));
    assert.match(refused.stderr, /come from .*\.docker\/config\.json and stay there\nHint: .*docker logout r\.io/);
    const all = await user(["logout", "--all"]);
    assert.deepEqual([all.code, all.stdout], [1, ""], describe(all));
    assert.match(all.stderr, /the credentials in \S+\.docker\/config\.json stay there\nHint: .*docker logout/);
    const login = await user(["login", host, "-u", "joe", "--password-stdin", "--plain-http"], stdin);
    assert.equal(login.stdout, "Login Succeeded!\n", describe(login));
    const own = scratch.at("home", ".ig", "config.json");
    assert.match(
      login.stderr,
      /From now on .*\.ig\/config\.json alone counts, and accounts in .*\.docker\/config\.json/,
    );
    assert.deepEqual(await auths(own), { [host]: ENTRY });
    assert.equal((await user(["login", "r.io", "--get-login"])).code, 1);
    assert.deepEqual(await auths(docker), { "r.io": ENTRY });
    const explained = (await user(["login", "r.io", "--explain"])).stdout;
    assert.match(explained, /\.ig\/config\.json +none/);
    assert.match(explained, /\.docker\/config\.json +not asked: .*\.ig\/config\.json is there, and it alone counts/);
    // Docker's file no longer counts, and one that may not be read never did.
    assert.equal((await user(["logout", "--all"])).code, 0);
    await Deno.remove(own);
    await Deno.chown(docker, 0, 0);
    const unread = await user(["login", host, "-u", "joe", "--password-stdin", "--plain-http"], stdin);
    assert.doesNotMatch(unread.stderr, /From now on/, describe(unread));
  },
);

Deno.test("credentials that others can read are warned of where they are used", async () => {
  await using scratch = await scratchFolder();
  const file = await writeAuthFile(scratch.at("auth.json"), { "r.io": ACCOUNT });
  await Deno.chmod(file, 0o644);
  const get = async () => (await satchel(["login", "r.io", "--get-login", "--authfile", file])).stderr;
  assert.equal(
    await get(),
    `Warning: Other users may use the credentials in ${file} (its mode is 0644): chmod 600 ${file}\n`,
  );
  await Deno.chmod(file, 0o600);
  assert.equal(await get(), "");
});

peerTest("registry", "logins at the same moment all survive in one file", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const file = scratch.at("auth.json");
  const names = Array.from({ length: 8 }, (_, number) => `${registry.host}/team${number}`);
  await Promise.all(names.map((name) => satchelSucceeds(given(name, file, "--plain-http"), { stdin })));
  assert.deepEqual(Object.keys(await auths(file)).sort(), names);
  await Promise.all(names.map((name) => satchelSucceeds(["logout", name, "--authfile", file])));
  assert.deepEqual(await auths(file), {});
});
