import assert from "node:assert/strict";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, writeModule, writeSafely } from "./_testing.ts";

const GHCR = { registry: "ghcr.io" };

Deno.test("a plugin that keeps accounts has as much as its hooks", async () => {
  await using scratch = await scratchFolder();
  const path = writeModule(
    scratch.at("guard.ts"),
    `credentials: {
       get: ({ registry }) => registry === "ghcr.io" ? { credential: { identityToken: "t" } } : {},
       list: () => ({ registries: ["ghcr.io"] }),
     }`,
  );
  await using host = await openNamed([path]);
  const [source, ...others] = host.credentialSources();
  assert.deepEqual([source.name, others], [`the plugin guard (${path})`, []]);
  assert.deepEqual(await source.get(GHCR), { identityToken: "t" });
  assert.equal(await source.get({ registry: "quay.io" }), undefined);
  assert.deepEqual([source.store, source.erase, await source.list?.()], [undefined, undefined, ["ghcr.io"]]);
});

Deno.test("a plugin that could not be loaded may keep accounts: it is asked in its turn, and fails", async () => {
  await using scratch = await scratchFolder();
  const broken = writeSafely(scratch.at("broken.ts"), `throw new Error("no key");`, 0o644);
  const keeper = writeModule(scratch.at("guard.ts"), `credentials: { get: () => ({}) }`);
  const second = writeModule(scratch.at("second.ts"), `credentials: { get: () => ({}) }`);
  const noKeeper = writeSafely(
    scratch.at("other.ts"),
    `export default { contract: 1, name: "other", afterPull: () => ({ allow: true }) };`,
    0o644,
  );
  await using host = await openNamed([broken, keeper, noKeeper, second]);
  const sources = host.credentialSources();
  assert.deepEqual(
    sources.map(({ name }) => name),
    [`the plugin broken.ts (${broken})`, `the plugin guard (${keeper})`, `the plugin guard (${second})`],
  );
  const [first, , last] = sources;
  const calls = [
    () => first.get(GHCR),
    () => first.store!(GHCR, { username: "u", password: "p" }),
    () => first.erase!(GHCR),
    () => first.list!(),
    () => last.get(GHCR),
  ];
  for (const call of calls) {
    await assert.rejects(
      call(),
      (error) => hasCode(error, "plugin") && /cannot be used: (no key$|the name)/.test(error.message),
    );
  }
});

Deno.test("a hook of credentials gets the time of its plugin, then that of all, then what helpers need", async () => {
  await using scratch = await scratchFolder();
  const path = writeSafely(
    scratch.at("satchel-slow"),
    `#!/bin/sh
     case "$1" in
     --satchel-manifest) echo '{"contract":1,"name":"slow","hooks":["credentials.get","credentials.list"]}' ;;
     *) sed 's/.*"timeout":\\([0-9]*\\).*/{"registries":["\\1"]}/' ;;
     esac`,
    0o755,
  );
  const toldTime = async (named: number | undefined, all: number | undefined) => {
    const location = { path, from: "the test", ...(named !== undefined && { timeout: named }) };
    await using host = await openNamed([], { named: [location], timeout: all });
    return (await host.credentialSources()[0].list!())[0];
  };
  assert.deepEqual(
    [await toldTime(7000, 9000), await toldTime(undefined, 9000), await toldTime(undefined, undefined)],
    ["7000", "9000", "120000"],
  );
});
