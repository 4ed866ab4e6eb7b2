import assert from "node:assert/strict";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  basic,
  crane,
  describe,
  makeGadget,
  oras,
  peerTest,
  satchel,
  satchelByDeno,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startServe,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";
const WRONG = basic({ username: ACCOUNT.username, password: "wrong" });
const UNKNOWN = basic({ username: "nobody", password: ACCOUNT.password });

async function accountsFile(scratch: Scratch, text = `${ACCOUNT_LINE}\n`): Promise<string> {
  const path = scratch.at("htpasswd");
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  return path;
}

Deno.test("with accounts, everything takes the right password; a wrong user and a wrong password are told alike", async () => {
  await using scratch = await scratchFolder();
  const file = await accountsFile(scratch);
  await using served = await startServe({ store: scratch.at("store"), flags: ["--htpasswd", file] });
  for (const path of ["/v2/", "/v2/_catalog", "/v2/demo/tags/list", "/"]) {
    const response = await served.fetch(path);
    assert.equal(response.status, 401, path);
    assert.equal(response.headers.get("WWW-Authenticate"), 'Basic realm="satchel"');
    assert.equal((await response.json()).errors[0].code, "UNAUTHORIZED");
  }
  const refusals = await Promise.all([WRONG, UNKNOWN].map((headers) => served.fetch("/v2/", { headers })));
  assert.deepEqual(refusals.map(({ status }) => status), [401, 401]);
  const [wrong, unknown] = await Promise.all(refusals.map((each) => each.text()));
  assert.equal(wrong, unknown);
  const right = await served.fetch("/v2/", { headers: basic() });
  assert.equal(right.status, 200);
  await right.text();
  await served.process.waitFor((line) => / joe "GET \/v2\/" 200 /.test(line) || undefined);
  const logged = served.process.lines.join("\n");
  assert.ok(!logged.includes(ACCOUNT.password) && !logged.includes(basic().authorization.slice(6)));
});

Deno.test("with anonymous pull, reading takes no account and writing does", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget(), name: NAME }]);
  const flags = ["--htpasswd", await accountsFile(scratch), "--anonymous-pull", "--writable"];
  await using served = await startServe({ store, flags });
  const image = `${served.host}/${NAME}`;
  await satchelSucceeds(["image", "pull", image, "--insecure-registries", served.host], { store: scratch.at("other") });
  const post = (headers?: Record<string, string>) =>
    served.fetch("/v2/demo/blobs/uploads/", { method: "POST", headers });
  assert.deepEqual([(await post()).status, (await post(WRONG)).status, (await post(basic())).status], [401, 401, 202]);
  assert.equal((await served.fetch("/v2/", { headers: WRONG })).status, 401);
});

Deno.test("satchel logs in, pushes and pulls with the account", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const flags = ["--htpasswd", await accountsFile(scratch), "--writable"];
  await using served = await startServe({ store, flags });
  const home = scratch.at("home");
  await Deno.mkdir(home);
  const authfile = ["--authfile", scratch.at("auth.json")];
  const plain = ["--insecure-registries", served.host, ...authfile];
  const login = (password: string) =>
    satchel(["login", "--plain-http", ...authfile, "-u", ACCOUNT.username, "--password-stdin", served.host], {
      home,
      stdin: password,
    });
  const refused = await login("wrong");
  assert.equal(refused.code, 4, describe(refused));
  const accepted = await login(ACCOUNT.password);
  assert.equal(accepted.code, 0, describe(accepted));
  const own = scratch.at("own");
  const image = `${served.host}/demo/hello:v1`;
  await writeStore(own, [{ image: makeGadget(), name: image }]);
  await satchelSucceeds(["image", "push", image, ...plain], { store: own, home });
  await satchelSucceeds(["image", "pull", image, ...plain], { store: scratch.at("other"), home });
  const without = await satchel(["image", "pull", image, "--insecure-registries", served.host], { home });
  assert.equal(without.code, 4, describe(without));
});

peerTest(["oras", "crane"], "oras and crane log in, push and pull with the account", async () => {
  await using scratch = await scratchFolder();
  const flags = ["--htpasswd", await accountsFile(scratch), "--writable"];
  await using served = await startServe({ store: scratch.at("store"), flags });
  const cwd = scratch.path;
  const config = scratch.at("config.json");
  const { username, password } = ACCOUNT;
  const options = { cwd, env: { HOME: scratch.path, DOCKER_CONFIG: scratch.path } };
  const account = ["--registry-config", config];
  await oras(["login", "--plain-http", ...account, "-u", username, "--password", password, served.host], options);
  await Deno.writeTextFile(scratch.at("notes.txt"), "some notes");
  await oras(["push", "--plain-http", ...account, `${served.host}/demo/notes:v1`, "notes.txt"], options);
  await crane(["auth", "login", served.host, "-u", username, "-p", password], options);
  const manifest = JSON.parse(await crane(["manifest", `${served.host}/demo/notes:v1`, "--insecure"], options));
  assert.equal(manifest.layers.length, 1);
});

Deno.test("accounts that are not hashed with bcrypt keep it from starting, with the numbers of their lines", async () => {
  await using scratch = await scratchFolder();
  const file = await accountsFile(
    scratch,
    `${ACCOUNT_LINE}\nold:$apr1$8Xn6vFy5$M3l3zZ5CSqnrlWMKrhFBI.\nplain:secret\n`,
  );
  const outcome = await satchel(["serve", "--listen", "127.0.0.1:0", "--htpasswd", file]);
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /line 2: its password is hashed with MD5, not with bcrypt\n.*line 3:/);
  assert.ok(!outcome.stderr.includes("apr1") && !outcome.stderr.includes(":secret"));
});

Deno.test("a file of accounts that has changed counts at once; one that cannot be used does not", async () => {
  await using scratch = await scratchFolder();
  const file = await accountsFile(scratch);
  await using served = await startServe({ store: scratch.at("store"), flags: ["--htpasswd", file] });
  const status = async () => {
    const response = await served.fetch("/v2/", { headers: basic() });
    await response.text();
    return response.status;
  };
  assert.equal(await status(), 200);
  await Deno.writeTextFile(file, "broken\n");
  assert.equal(await status(), 200);
  await served.process.waitFor((line) =>
    /^Warning: the accounts are those from before: .*htpasswd/.test(line) || undefined
  );
  await Deno.writeTextFile(file, ACCOUNT_LINE.replace("joe:", "jane:"));
  assert.equal(await status(), 401);
});

Deno.test("a file of accounts that everybody can read is warned of", async () => {
  await using scratch = await scratchFolder();
  const file = await accountsFile(scratch);
  await Deno.chmod(file, 0o644);
  await using served = await startServe({ store: scratch.at("store"), flags: ["--htpasswd", file] });
  await served.process.waitFor((line) => /^Warning: .*htpasswd can be read by every user/.test(line) || undefined);
});

Deno.test("while many guess passwords, an account that was right is still let in, and guesses are put off", async () => {
  await using scratch = await scratchFolder();
  // Cost 10, as htpasswd would have it for a quick one: of the password s3cret.
  const slow = "joe:$2b$10$Aj/tlG7SX0P5A89yRP.yjO1QKDhHceRYMxhexiBrKrJcoiKaXbTrW";
  const file = await accountsFile(scratch, slow);
  await using served = await startServe({ store: scratch.at("store"), flags: ["--htpasswd", file] });
  assert.equal((await served.fetch("/v2/", { headers: basic() })).status, 200);
  const guesses = Promise.all(Array.from({ length: 30 }, async (_, at) => {
    const headers = basic({ username: "joe", password: `guess ${at}` });
    const response = await served.fetch("/v2/", { headers });
    await response.text();
    return response.status;
  }));
  assert.equal((await served.fetch("/v2/", { headers: basic() })).status, 200);
  const statuses = await guesses;
  assert.ok(statuses.includes(429) && statuses.every((status) => status === 429 || status === 401), statuses.join());
});

Deno.test("by Deno the same accounts count", async () => {
  await using scratch = await scratchFolder();
  const file = await accountsFile(scratch, "old:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
  const outcome = await satchelByDeno(["serve", "--listen", "127.0.0.1:0", "--htpasswd", file]);
  assert.match(outcome.stderr, /line 1: its password is hashed with SHA-1/);
});
