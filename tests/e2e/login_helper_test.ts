import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  basic,
  binary,
  capabilityTest,
  describe,
  makeGadget,
  peer,
  peerTest,
  pushImage,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startRegistry,
  succeed,
  writeAuthFile,
} from "../harness/mod.ts";

const login = (host: string, file: string) => [
  "login",
  host,
  "--authfile",
  file,
  "-u",
  ACCOUNT.username,
  "--password-stdin",
  "--plain-http",
];
const stdin = `${ACCOUNT.password}\n`;

/** A password store with a key of its own; `await using` ends GPG's agent. */
async function startPass(scratch: Scratch): Promise<AsyncDisposable & { env: Record<string, string> }> {
  const env = {
    HOME: scratch.path,
    GNUPGHOME: scratch.at("gnupg"),
    PASSWORD_STORE_DIR: scratch.at("password-store"),
  };
  await Deno.mkdir(env.GNUPGHOME, { mode: 0o700 });
  const gpg = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""];
  await succeed(peer("gpg"), [...gpg, "--quick-generate-key", "test@example.org", "default", "default", "never"], {
    env,
  });
  await succeed(peer("pass"), ["init", "test@example.org"], { env });
  return {
    env,
    [Symbol.asyncDispose]: async () => {
      await run("gpgconf", ["--kill", "all"], { env });
    },
  };
}

peerTest(
  ["registry", "docker-credential-pass", "pass", "gpg"],
  "docker-credential-pass keeps the account: login, pull and logout, and nothing of it is in the auth file",
  async () => {
    await using scratch = await scratchFolder();
    await using pass = await startPass(scratch);
    await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
    const { host } = registry;
    const { env } = pass;
    await pushImage(registry, "demo/gadget", "latest", makeGadget(), basic());
    const file = await writeAuthFile(scratch.at("auth.json"), { [host]: { username: "joe", password: "old" } });
    await Deno.writeTextFile(
      file,
      JSON.stringify({ ...JSON.parse(await Deno.readTextFile(file)), credsStore: "pass" }),
    );
    const outcome = await satchel([...login(host, file), "-v"], { stdin, env });
    assert.equal(
      outcome.stdout,
      `Login Succeeded!\nThe credentials are kept in docker-credential-pass (named in ${file})\n`,
      describe(outcome),
    );
    assert.deepEqual(JSON.parse(await Deno.readTextFile(file)), { auths: {}, credsStore: "pass" });
    assert.match(await succeed(peer("docker-credential-pass"), ["list"], { env }), /"joe"/);
    const named = ["--authfile", file];
    assert.equal(await satchelSucceeds(["login", host, "--get-login", ...named], { env }), "joe\n");
    await satchelSucceeds(["image", "pull", `${host}/demo/gadget`, ...named, "--insecure-registries", host], { env });
    const explained = await satchelSucceeds(["login", host, "--explain", ...named], { env });
    assert.match(explained, /docker-credential-pass \(named in .*\) +answered: user joe\n.*auth\.json +not asked/);
    assert.equal(await satchelSucceeds(["logout", host, ...named], { env }), `Removed login credentials for ${host}\n`);
    assert.equal((await satchel(["login", host, "--get-login", ...named], { env })).code, 1);
    // What Docker's tools keep there is found, and --all takes it away.
    const account = JSON.stringify({ ServerURL: "other.example", Username: "ann", Secret: "x" });
    await succeed(peer("docker-credential-pass"), ["store"], { env, stdin: account });
    assert.equal(await satchelSucceeds(["login", "other.example", "--get-login", ...named], { env }), "ann\n");
    await satchelSucceeds(["logout", "--all", ...named], { env });
    assert.equal(await succeed(peer("docker-credential-pass"), ["list"], { env }), "{}\n");
  },
);

/** A helper in shell that does what the test says. */
async function writeHelper(scratch: Scratch, script: string): Promise<Record<string, string>> {
  const folder = scratch.at("bin");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/docker-credential-test`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:${Deno.env.get("PATH")}` };
}

peerTest(
  "registry",
  "a helper that is missing or fails is warned of once, and a public image can be pulled",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const { host } = registry;
    await pushImage(registry, "demo/gadget", "latest", makeGadget());
    const file = scratch.at("auth.json");
    const env = await writeHelper(scratch, "echo broken >&2; exit 3");
    for (const helper of ["test", "missing", "../evil"]) {
      await Deno.writeTextFile(file, JSON.stringify({ auths: { [host]: { auth: btoa("u:p") } }, credsStore: helper }), {
        mode: 0o600,
      });
      const get = await satchel(["login", host, "--get-login", "--authfile", file], { env });
      assert.deepEqual([get.code, get.stdout], [0, "u\n"], describe(get));
      assert.equal(get.stderr.match(/Warning: /g)?.length, 1, get.stderr);
      assert.ok(get.stderr.includes(file) && get.stderr.includes(helper), get.stderr);
      const pull = ["image", "pull", `${host}/demo/gadget`, "--authfile", file, "--insecure-registries", host];
      const outcome = await satchel(pull, { env });
      assert.equal(outcome.code, 0, describe(outcome));
    }
  },
);

peerTest("registry", "the helper for a registry comes before that for all, and both before auths", async () => {
  await using scratch = await scratchFolder();
  const env = await writeHelper(scratch, `read url; printf '{"Username":"of %s","Secret":"x"}' "$url"`);
  const file = scratch.at("auth.json");
  const auths = { "r.io": { auth: btoa("u:p") }, "other.io": { auth: btoa("u:p") }, "https://index.docker.io/v1/": {} };
  await Deno.writeTextFile(file, JSON.stringify({ auths, credHelpers: { "r.io": "test", "docker.io": "test" } }), {
    mode: 0o600,
  });
  const user = (registry: string) => satchelSucceeds(["login", registry, "--get-login", "--authfile", file], { env });
  assert.equal(await user("r.io"), "of r.io\n");
  assert.equal(await user("other.io"), "u\n");
  assert.equal(await user("index.docker.io"), "of https://index.docker.io/v1/\n");
});

capabilityTest(
  ["root", "setpriv"],
  "root reads another user's auth file and runs no helper that it names; that user does",
  async () => {
    await using scratch = await scratchFolder();
    const ran = scratch.at("ran");
    const env = await writeHelper(scratch, `touch ${ran}; echo '{"Username":"helper","Secret":"x"}'`);
    const file = scratch.at("auth.json");
    await Deno.writeTextFile(file, JSON.stringify({ auths: { "r.io": { auth: btoa("u:p") } }, credsStore: "test" }), {
      mode: 0o600,
    });
    await Deno.chown(file, 54321, 54321);
    const outcome = await satchel(["login", "r.io", "--get-login", "--authfile", file], { env });
    assert.equal(outcome.stdout, "u\n", describe(outcome));
    assert.match(outcome.stderr, /Warning: .*belongs to the user 54321, so root does not run what it names/);
    await assert.rejects(Deno.stat(ran), Deno.errors.NotFound);
    // That user's own call runs it.
    for (const path of [scratch.path, file]) await Deno.chown(path, 54321, 54321);
    const own = await run(
      peer("setpriv"),
      [
        "--reuid=54321",
        "--regid=54321",
        "--clear-groups",
        await binary(),
        "login",
        "r.io",
        "--get-login",
        "--authfile",
        file,
      ],
      { env: { ...satchelEnvironment(scratch.at("store"), scratch.path), ...env }, cwd: "/" },
    );
    assert.equal(own.stdout, "helper\n", describe(own));
  },
);
