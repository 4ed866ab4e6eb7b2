import assert from "node:assert/strict";
import { chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capabilityTest } from "../../tests/harness/mod.ts";
import type { Credential, CredentialSource } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import type { AuthFiles, FallbackFile } from "./auth_files.ts";
import { openCredentials } from "./lookup.ts";

const SUBJECT = { registry: "r.io", repository: "x" };

interface Folder extends Disposable {
  at(name: string): string;
  /** Writes an auth file with an account of `user` for r.io. */
  write(name: string, user: string, more?: object): string;
}

function scratch(): Folder {
  const path = mkdtempSync(join(tmpdir(), "satchel-ask-"));
  const at = (name: string) => join(path, name);
  return {
    at,
    write: (name, user, more = {}) => {
      writeFileSync(at(name), JSON.stringify({ auths: { "r.io": { auth: btoa(`${user}:p`) } }, ...more }), {
        mode: 0o600,
      });
      return at(name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}

function source(name: string, get: () => Credential | undefined): CredentialSource & { calls: number } {
  const made = { name, calls: 0, get: async () => (made.calls++, get()) };
  return made;
}

/** Who answers, what is warned of, and the state of every source. */
async function ask(files: Partial<AuthFiles>, plugins: CredentialSource[] = [], helper?: CredentialSource) {
  const warnings: string[] = [];
  const accounts = openCredentials({
    files: { own: [], fallbacks: [], ...files },
    plugins,
    helperSource: (_name, name) => ({ ...helper!, name }),
    onWarning: (message) => warnings.push(message),
  });
  const found = await accounts.find(SUBJECT);
  await accounts.find(SUBJECT);
  const states = (await accounts.explain(SUBJECT)).map(({ state }) => state);
  return { found, user: found?.credential.username, warnings, states };
}

Deno.test("plugins are asked before files, the first answer counts, and nobody after it is asked", async () => {
  using folder = scratch();
  const own = [folder.write("own", "own")];
  const empty = source("empty", () => undefined);
  const full = source("full", () => ({ username: "plugin", password: "p" }));
  const late = source("late", () => ({ username: "late", password: "p" }));
  const { user, states } = await ask({ own }, [empty, full, late]);
  assert.equal(user, "plugin");
  assert.deepEqual(states, ["none", "answered", "not asked", "not asked"]);
  assert.equal(late.calls, 0);
  assert.equal((await ask({ own }, [empty])).user, "own");
});

Deno.test("a plugin that fails is warned of once, and the look-up goes on", async () => {
  using folder = scratch();
  const broken = source("broken", () => {
    throw new SatchelError("plugin", "it is broken");
  });
  const { user, warnings, states } = await ask({ own: [folder.write("own", "own")] }, [broken]);
  assert.equal(user, "own");
  assert.deepEqual(warnings, ["No account from broken: it is broken"]);
  assert.deepEqual(states, ["failed", "answered"]);
});

Deno.test("a cancelled look-up ends", async () => {
  const stopped = source("stopped", () => {
    throw new SatchelError("cancelled", "interrupted");
  });
  await assert.rejects(ask({}, [stopped]), (error) => hasCode(error, "cancelled"));
});

Deno.test("where no own file exists every fallback is asked in turn; an own file, even without the account, ends that", async () => {
  using folder = scratch();
  const own = [folder.at("own")];
  const fallbacks = ["docker", "podman", "none"].map((name): FallbackFile => ({ path: folder.at(name) }));
  folder.write("docker", "docker", { auths: { "other.io": {} } });
  folder.write("podman", "podman");
  const { user, states } = await ask({ own, fallbacks });
  assert.equal(user, "podman");
  assert.deepEqual(states, ["missing", "none", "answered", "not asked"]);
  writeFileSync(own[0], "{}", { mode: 0o600 });
  const alone = await ask({ own, fallbacks });
  assert.equal(alone.user, undefined);
  assert.deepEqual(alone.states, ["none", "not asked", "not asked", "not asked"]);
});

Deno.test("a broken file that nobody named is an error, and nothing behind it is asked", async () => {
  using folder = scratch();
  writeFileSync(folder.at("docker"), "{");
  const fallbacks = [{ path: folder.at("docker") }, { path: folder.write("podman", "podman") }];
  await assert.rejects(ask({ fallbacks }), (error) => hasCode(error, "invalid"));
});

Deno.test("a helper comes before auths; without an account, or broken, auths count", async () => {
  using folder = scratch();
  const own = [folder.write("own", "file", { credsStore: "test" })];
  const answers = source("", () => ({ username: "helper", password: "p" }));
  assert.equal((await ask({ own }, [], answers)).user, "helper");
  const empty = await ask({ own }, [], source("", () => undefined));
  assert.deepEqual([empty.user, empty.warnings], ["file", []]);
  const broken = await ask(
    { own },
    [],
    source("", () => {
      throw new SatchelError("plugin", "no such program");
    }),
  );
  assert.equal(broken.user, "file");
  assert.deepEqual(broken.warnings, [
    `No account from docker-credential-test (named in ${own[0]}): no such program`,
  ]);
});

capabilityTest(
  "root",
  "under sudo the calling user's file counts if it is that user's and root has none; its helpers do not",
  async () => {
    using folder = scratch();
    const path = folder.write("callers", "caller", { credsStore: "test" });
    const fallbacks = [{ path: folder.at("roots") }, { path, owners: [54321], insteadOf: folder.at("roots") }];
    const helper = source("", () => ({ username: "helper", password: "p" }));

    const foreign = await ask({ fallbacks }, [], helper);
    assert.equal(foreign.user, undefined);
    assert.equal(foreign.warnings.length, 1);
    assert.match(foreign.warnings[0], /does not belong to the user who called sudo/);

    chownSync(path, 54321, 54321);
    const theirs = await ask({ fallbacks }, [], helper);
    assert.equal(theirs.user, "caller");
    assert.match(theirs.warnings[0], /belongs to the user 54321, so root does not run what it names/);

    const secret = folder.write("secret", "root");
    rmSync(path);
    symlinkSync(secret, path);
    assert.equal((await ask({ fallbacks }, [], helper)).user, undefined);

    rmSync(path);
    chownSync(folder.write("callers", "caller"), 54321, 54321);
    folder.write("roots", "roots");
    assert.equal((await ask({ fallbacks }, [], helper)).user, "roots");
    writeFileSync(folder.at("roots"), "{}", { mode: 0o600 });
    assert.equal((await ask({ fallbacks }, [], helper)).user, undefined);
  },
);
