import assert from "node:assert/strict";
import { peerTest, scratchFolder, succeed } from "../tests/harness/mod.ts";
import { openPlugins } from "../lib/plugin/mod.ts";
import type { Json } from "../lib/plugin/contract.ts";
import type { CredentialSource } from "../lib/credential.ts";
import { BUILTIN_PLUGINS } from "./mod.ts";

type Settings = { readonly [key: string]: Json };

/** Calls `use` with the source of accounts that a helper is. */
async function withHelper(
  settings: Settings,
  environment: Record<string, string>,
  use: (source: Required<CredentialSource>) => Promise<void>,
): Promise<void> {
  await using host = await openPlugins({
    named: [],
    folders: [],
    builtin: BUILTIN_PLUGINS,
    environment,
    version: "1.2.3",
    signal: new AbortController().signal,
    onLog: () => {},
    onPrint: () => {},
    onWarning: () => {},
  });
  const location = { path: "builtin:docker-credential", from: "the test", settings };
  await use(host.credentialSource(location, "docker-credential-test") as Required<CredentialSource>);
}

/** A helper that is this shell code: `$1` is the action, `$input` what came on stdin. */
async function withScript(
  body: string,
  use: (source: Required<CredentialSource>) => Promise<void>,
  settings: Settings = {},
): Promise<void> {
  await using scratch = await scratchFolder();
  const script = `#!/bin/sh\ninput=$(cat)\n${body}\n`;
  await Deno.writeTextFile(scratch.at("docker-credential-fake"), script, { mode: 0o755 });
  await withHelper({ helper: "fake", ...settings }, { PATH: `${scratch.path}:/usr/bin:/bin` }, use);
}

const NOT_FOUND = "echo credentials not found in native keychain; exit 1";

/** A helper that answers with what it was asked, where that is `key`. */
const only = (key: string) =>
  `[ "$input" = "${key}" ] || { ${NOT_FOUND}; }; printf '{"ServerURL":"","Username":"u","Secret":"%s"}' "$input"`;

peerTest(
  ["docker-credential-pass", "pass", "gpg"],
  "an account is kept in pass by the real helper, found, listed, and erased",
  async () => {
    await using scratch = await scratchFolder();
    const environment = {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: scratch.path,
      GNUPGHOME: scratch.at("gpg"),
      PASSWORD_STORE_DIR: scratch.at("pass"),
    };
    await Deno.mkdir(scratch.at("gpg"), { mode: 0o700 });
    const key = [
      "--batch",
      "--passphrase",
      "",
      "--quick-generate-key",
      "test@example.com",
      "default",
      "default",
      "never",
    ];
    try {
      await succeed("gpg", key, { env: environment });
      await succeed("pass", ["init", "test@example.com"], { env: environment });
      await withHelper({ helper: "pass" }, environment, async (source) => {
        const registries = ["ghcr.io", "docker.io", "127.0.0.1:5000"];
        assert.equal(await source.get({ registry: "ghcr.io" }), undefined);
        assert.equal(await source.erase({ registry: "ghcr.io" }), false);
        for (const registry of registries) {
          assert.equal(await source.store({ registry }, { username: "u", password: `of ${registry}` }), true);
        }
        for (const registry of registries) {
          assert.deepEqual(await source.get({ registry }), { username: "u", password: `of ${registry}` });
        }
        assert.deepEqual([...await source.list()].sort(), registries.toSorted());
        assert.equal(await source.erase({ registry: "docker.io" }), true);
        assert.equal(await source.get({ registry: "docker.io" }), undefined);
        assert.deepEqual([...await source.list()].sort(), ["127.0.0.1:5000", "ghcr.io"]);
        await source.store({ registry: "ghcr.io" }, { identityToken: "refresh" });
        assert.deepEqual(await source.get({ registry: "ghcr.io" }), { identityToken: "refresh" });
      });
    } finally {
      await succeed("gpgconf", ["--kill", "all"], { env: environment });
    }
  },
);

Deno.test("the helper is asked by the address that Docker uses, then by the one of older versions", async () => {
  const asked: readonly [string, string][] = [
    ["ghcr.io", "ghcr.io"],
    ["https://ghcr.io", "ghcr.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["docker.io", "docker.io"],
  ];
  for (const [key, registry] of asked) {
    await withScript(only(key), async (source) => {
      assert.deepEqual(await source.get({ registry }), { username: "u", password: key });
      assert.equal(await source.get({ registry: "quay.io" }), undefined);
    });
  }
});

Deno.test("an account is stored under the address that Docker asks for; a registry token has no place there", async () => {
  await using scratch = await scratchFolder();
  await withScript(`printf '%s' "$1 $input" > ${scratch.at("got")}`, async (source) => {
    const credential = { username: "u", password: `"p` };
    assert.equal(await source.store({ registry: "docker.io" }, credential), true);
    const got = await Deno.readTextFile(scratch.at("got"));
    assert.deepEqual(JSON.parse(got.replace(/^store /, "")), {
      ServerURL: "https://index.docker.io/v1/",
      Username: "u",
      Secret: `"p`,
    });
    assert.equal(await source.store({ registry: "docker.io" }, { registryToken: "t" }), false);
  });
});

Deno.test("only the registries of the settings are asked for", async () => {
  const body =
    `[ "$1" = list ] && { echo '{"a.example":"u","b.example":"u"}'; exit; }; echo '{"Username":"u","Secret":"s"}'`;
  await withScript(body, async (source) => {
    assert.deepEqual(await source.get({ registry: "a.example" }), { username: "u", password: "s" });
    assert.equal(await source.get({ registry: "b.example" }), undefined);
    assert.equal(await source.store({ registry: "b.example" }, { username: "u", password: "p" }), false);
    assert.equal(await source.erase({ registry: "b.example" }), false);
    assert.deepEqual(await source.list(), ["a.example"]);
  }, { registries: ["a.example"] });
});

Deno.test("a list names registries, and passes over what else is kept there", async () => {
  const keys = [
    "https://index.docker.io/v1/",
    "https://index.docker.io/v1/access-token",
    "ghcr.io",
    "https://ghcr.io",
    "http://x/y",
    "a\\nb",
  ];
  const list = JSON.stringify(Object.fromEntries(keys.map((key) => [key, "u"])));
  await withScript(`echo '${list}'`, async (source) => {
    assert.deepEqual(await source.list(), ["docker.io", "ghcr.io"]);
  });
});

Deno.test("a helper that cannot list erases what it is told; that it cannot is an error where all of it is asked for", async () => {
  await withScript(`[ "$1" = erase ] || { echo unknown; exit 1; }`, async (source) => {
    assert.equal(await source.erase({ registry: "ghcr.io" }), true);
    await assert.rejects(source.list(), /docker-credential-fake list ended with status 1: unknown$/);
  });
  await withScript("echo nothing", async (source) => {
    await assert.rejects(source.list(), /docker-credential-fake list did not answer with the accounts that it keeps$/);
  });
});

Deno.test("a helper that fails is an error in its own words, without the secret, and not: no account", async () => {
  const get = (source: CredentialSource) => source.get({ registry: "ghcr.io" });
  await withScript(`echo "keychain is locked"; exit 1`, async (source) => {
    await assert.rejects(get(source), /docker-credential-fake get ended with status 1: keychain is locked$/);
  });
  await withScript(`echo '{"Username":"u","Secret":"hunter2"}'; exit 1`, async (source) => {
    await assert.rejects(get(source), ({ message }) => !message.includes("hunter2"));
  });
  await withScript(`echo "hunter2 is no good" >&2; exit 2`, async (source) => {
    const credential = { username: "u", password: "hunter2" };
    await assert.rejects(source.store({ registry: "ghcr.io" }, credential), /status 2: \*\*\* is no good$/);
  });
  await withScript(`printf '%s' "$input" >&2; exit 2`, async (source) => {
    const credential = { username: "u", password: 'in"hunter2' };
    await assert.rejects(
      source.store({ registry: "ghcr.io" }, credential),
      ({ message }) => !message.includes("hunter2"),
    );
  });
  for (const garbage of ["hunter2", `{"Username":"u"}`, "", "[]", "null"]) {
    await withScript(`printf '%s' '${garbage}'`, async (source) => {
      await assert.rejects(get(source), /did not answer with an account$/);
    });
  }
});

Deno.test("a helper's name that is none is refused, and so is a helper that is not there", async () => {
  for (const helper of ["../evil", "/bin/sh", "", "a b", "-x", 7]) {
    await withHelper({ helper }, { PATH: "/usr/bin:/bin" }, async (source) => {
      await assert.rejects(source.get({ registry: "ghcr.io" }), /its setting "helper" has to be/);
    });
  }
  await withHelper({ helper: "none-such" }, { PATH: "/usr/bin:/bin" }, async (source) => {
    await assert.rejects(source.get({ registry: "ghcr.io" }), /no program docker-credential-none-such on PATH/);
  });
});

Deno.test("a helper that others can write is not run", async () => {
  await using scratch = await scratchFolder();
  const path = scratch.at("docker-credential-fake");
  await Deno.writeTextFile(path, `#!/bin/sh\ntouch ${scratch.at("mark")}\n`);
  await Deno.chmod(path, 0o777);
  await withHelper({ helper: "fake" }, { PATH: scratch.path }, async (source) => {
    await assert.rejects(source.get({ registry: "ghcr.io" }), /can be written to by everybody \(mode 0777\)/);
  });
  await assert.rejects(Deno.stat(scratch.at("mark")), Deno.errors.NotFound);
});
