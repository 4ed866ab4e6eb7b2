import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CredentialSource } from "../credential.ts";
import { hasCode, SatchelError } from "../error.ts";
import { eraseAccount, eraseAllAccounts } from "./forget.ts";
import { storeAccount } from "./keep.ts";

const JOE = { username: "joe", password: "p" };

/** A source that keeps what it takes; `takes` says whether it takes anything. */
function keeper(name: string, takes = true): CredentialSource & { kept: Set<string> } {
  const kept = new Set<string>();
  return {
    name,
    kept,
    get: async () => undefined,
    store: async ({ registry }) => takes && (kept.add(registry), true),
    erase: async ({ registry }) => kept.delete(registry),
    list: async () => [...kept],
  };
}

function broken(): CredentialSource {
  const fail = async () => {
    throw new SatchelError("plugin", "it is broken");
  };
  return { name: "broken", get: fail, erase: fail, list: fail };
}

function setUp(plugins: CredentialSource[], helper: CredentialSource = keeper("helper")) {
  const folder = mkdtempSync(join(tmpdir(), "satchel-keep-"));
  const file = join(folder, "config.json");
  const warnings: string[] = [];
  return {
    file,
    warnings,
    options: { plugins, file, helperSource: () => helper, onWarning: (text: string) => warnings.push(text) },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

Deno.test("the first plugin that takes an account has it, and no file is written", async () => {
  const [none, first, second] = [keeper("none", false), keeper("first"), keeper("second")];
  using world = setUp([none, first, second]);
  const kept = await storeAccount({ registry: "r.io" }, JOE, world.options);
  assert.deepEqual(kept, { where: "first", isPlain: false, created: false });
  assert.deepEqual([none.kept.size, first.kept.size, second.kept.size], [0, 1, 0]);
  assert.equal(existsSync(world.file), false);
  assert.equal(await eraseAccount({ registry: "r.io" }, world.options), true);
  assert.equal(await eraseAccount({ registry: "r.io" }, world.options), false);
});

Deno.test("an account of a path goes into the file, not into a helper, which would give it for the whole registry", async () => {
  const helper = keeper("helper");
  using world = setUp([], helper);
  writeFileSync(world.file, '{"credsStore":"test"}', { mode: 0o600 });
  assert.equal((await storeAccount({ registry: "r.io" }, JOE, world.options)).where, "helper");
  const kept = await storeAccount({ registry: "r.io", repository: "team" }, JOE, world.options);
  assert.deepEqual(kept, { where: world.file, isPlain: true, created: false });
  assert.equal(await eraseAccount({ registry: "r.io", repository: "team" }, world.options), true);
  assert.deepEqual([...helper.kept], ["r.io"]);
});

Deno.test("what one source fails to forget does not keep the others from it; nobody having it, the failure is the error", async () => {
  using world = setUp([broken()]);
  await storeAccount({ registry: "r.io" }, JOE, world.options);
  assert.equal(await eraseAccount({ registry: "r.io" }, world.options), true);
  assert.deepEqual(world.warnings, ["broken: it is broken"]);
  await assert.rejects(eraseAccount({ registry: "r.io" }, world.options), (error) => hasCode(error, "plugin"));
});

Deno.test("forgetting everything asks those that can list, and goes on behind a failure before it is told", async () => {
  const [plugin, helper] = [keeper("plugin"), keeper("helper")];
  using world = setUp([broken(), plugin], helper);
  plugin.kept.add("a.io");
  for (const registry of ["b.io", "c.io"]) helper.kept.add(registry);
  const auths = { "d.io": { auth: btoa("u:p") } };
  writeFileSync(world.file, JSON.stringify({ auths, credHelpers: { "b.io": "x" }, credsStore: "y" }), { mode: 0o600 });
  await assert.rejects(eraseAllAccounts(world.options), (error) => hasCode(error, "plugin"));
  assert.deepEqual([plugin.kept.size, helper.kept.size], [0, 0]);
  assert.deepEqual(JSON.parse(readFileSync(world.file, "utf8")).auths, {});
});
