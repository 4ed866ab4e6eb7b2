import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasCode, SatchelError } from "../error.ts";
import { type AuthFiles, checkNamedFile } from "./auth_files.ts";
import { openCredentials } from "./lookup.ts";

const FIXTURES = new URL("../../tests/fixtures/auth/", import.meta.url);
const base64 = (text: string) => btoa(text);
const named = (path: string): AuthFiles => ({ named: { path, by: "--authfile" }, own: [], fallbacks: [] });
const own = (...paths: string[]): AuthFiles => ({ own: paths, fallbacks: [] });

/** Writes an auth file, asks it for a repository, and removes it. */
async function ask(content: unknown, name: string) {
  const folder = await mkdtemp(join(tmpdir(), "satchel-auth-"));
  try {
    const path = join(folder, "config.json");
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
    const slash = name.indexOf("/");
    const { lookUp } = openCredentials({ files: named(path) });
    return await lookUp({
      registry: name.slice(0, slash),
      repository: name.slice(slash + 1),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const entry = (user: string) => ({ auth: base64(`${user}:secret`) });

for (const tool of ["oras-login", "skopeo-login", "crane-auth-login", "ig-login"]) {
  Deno.test(`an auth file written by ${tool} is understood`, async () => {
    const authFile = fileURLToPath(new URL(`${tool}.json`, FIXTURES));
    const { lookUp } = openCredentials({ files: named(authFile) });
    const found = await lookUp({ registry: "127.0.0.1:5000", repository: "demo/x" });
    assert.deepEqual(found, { username: "joe", password: "s3cret" });
  });
}

Deno.test("keys match by host and port in every form that tools write", async () => {
  const keys = ["r.io:5", "https://r.io:5", "https://r.io:5/v1/", "https://r.io:5/v2/", "http://r.io:5", "r.io:5/"];
  for (const key of keys) {
    assert.deepEqual(
      await ask({ auths: { [key]: entry("u") } }, "r.io:5/a/b"),
      { username: "u", password: "secret" },
      key,
    );
  }
});

Deno.test("look-alike hosts and other ports get nothing", async () => {
  const auths = { "r.io": entry("u") };
  for (const name of ["r.io:5/a", "r.iox/a", "xr.io/a", "r.io.evil.example/a", "evil.example/r.io"]) {
    assert.equal(await ask({ auths }, name), undefined, name);
  }
});

Deno.test("the longest matching path wins", async () => {
  const auths = { "r.io": entry("host"), "r.io/team": entry("team"), "r.io/team/app": entry("app") };
  const user = async (name: string) => (await ask({ auths }, name))?.username;
  assert.equal(await user("r.io/team/app"), "app");
  assert.equal(await user("r.io/team/app/sub"), "app");
  assert.equal(await user("r.io/team/apple"), "team");
  assert.equal(await user("r.io/other"), "host");
});

Deno.test("Docker Hub's names and its old key are one registry", async () => {
  for (const key of ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"]) {
    for (const registry of ["docker.io", "index.docker.io"]) {
      assert.equal((await ask({ auths: { [key]: entry("u") } }, `${registry}/library/x`))?.username, "u", key);
    }
  }
});

Deno.test("only the first colon separates user and password", async () => {
  const auths = { "r.io": { auth: base64("u:a:b:c") } };
  assert.deepEqual(await ask({ auths }, "r.io/x"), { username: "u", password: "a:b:c" });
});

Deno.test("identity tokens, registry tokens and plain members are read", async () => {
  const auths = {
    "a.io": { auth: base64("u:"), identitytoken: "refresh" },
    "b.io": { registrytoken: "bearer" },
    "c.io": { username: "u", password: "p" },
    "d.io": {},
  };
  assert.deepEqual(await ask({ auths }, "a.io/x"), { username: "u", password: "", identityToken: "refresh" });
  assert.deepEqual(await ask({ auths }, "b.io/x"), { registryToken: "bearer" });
  assert.deepEqual(await ask({ auths }, "c.io/x"), { username: "u", password: "p" });
  assert.equal(await ask({ auths }, "d.io/x"), undefined);
});

Deno.test("a broken entry is an error that does not show what it holds", async () => {
  for (const auth of [base64("no-colon-hunter2"), "!!!hunter2", base64(":hunter2")]) {
    await assert.rejects(ask({ auths: { "r.io": { auth } } }, "r.io/x"), (error: unknown) => {
      assert.ok(error instanceof SatchelError && error.code === "invalid");
      assert.ok(!error.message.includes("hunter2") && !error.message.includes(auth));
      return true;
    });
  }
});

Deno.test("a broken entry for another registry does not matter", async () => {
  const auths = { "broken.io": { auth: "!!!" }, "r.io": entry("u") };
  assert.equal((await ask({ auths }, "r.io/x"))?.username, "u");
});

Deno.test("an empty file holds no accounts; a file that is not JSON is an error", async () => {
  assert.equal(await ask("", "r.io/x"), undefined);
  await assert.rejects(ask("xyz", "r.io/x"), (error) => hasCode(error, "invalid"));
  await assert.rejects(ask("[]", "r.io/x"), (error) => hasCode(error, "invalid"));
});

Deno.test("a named file that is missing is an error; missing default files are not", async () => {
  const missing = join(tmpdir(), crypto.randomUUID());
  const error = await checkNamedFile(named(missing)).catch((error) => error);
  assert.ok(hasCode(error, "usage"));
  assert.equal(error.message, `the auth file ${missing} does not exist (named by --authfile)`);
  const lost = openCredentials({ files: named(missing) });
  await assert.rejects(lost.find({ registry: "r.io" }), (error) => hasCode(error, "usage"));
  assert.deepEqual(await lost.explain({ registry: "r.io" }), [
    { source: missing, state: "failed", reason: error.message },
  ]);
  const { lookUp } = openCredentials({ files: own(missing) });
  assert.equal(await lookUp({ registry: "r.io", repository: "x" }), undefined);
});

Deno.test("the first default file that exists is the only one that counts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "satchel-auth-"));
  try {
    const [first, second] = [join(folder, "first.json"), join(folder, "second.json")];
    await writeFile(first, JSON.stringify({ auths: {} }));
    await writeFile(second, JSON.stringify({ auths: { "r.io": entry("u") } }));
    const userFrom = async (...defaultAuthFiles: string[]) => {
      const { lookUp } = openCredentials({ files: own(...defaultAuthFiles) });
      return (await lookUp({ registry: "r.io", repository: "x" }))?.username;
    };
    assert.equal(await userFrom(first, second), undefined);
    assert.equal(await userFrom(second, first), "u");
  } finally {
    await rm(folder, { recursive: true });
  }
});
