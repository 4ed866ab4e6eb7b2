import assert from "node:assert/strict";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, TRANSFER, writeSafely } from "./_testing.ts";
import type { CredentialAnswer, Plugin, PluginExport, SatchelInfo } from "./contract.ts";
import { satchelInfo } from "./hooks.ts";
import { readPlugin } from "./plugin_object.ts";

const hooksOf = (plugin: unknown) => readPlugin(plugin, satchelInfo("1.2.3")).manifest.hooks;

/** A guard that refuses, in the text of a module and as what the module exports. */
const GUARD = `class Base { beforePull() { return { allow: false, reason: this.why } } }
class Guard extends Base { contract = 1; name = "guard"; cache = new Map(); get why() { return "by class" } }`;

class Base {
  contract = 1 as const;
  name = "guard";
  cache = new Map();
  get why(): string {
    return "by class";
  }
}
class Guard extends Base {
  beforePull(): { allow: false; reason: string } {
    return { allow: false, reason: this.why };
  }
}

Deno.test("a guard whose hooks stand on prototypes guards, as a module and built in", async () => {
  await using scratch = await scratchFolder();
  const path = writeSafely(scratch.at("guard.ts"), `${GUARD}\nexport default new Guard();`, 0o644);
  const builtin = { guard: () => Promise.resolve(new Guard()) };
  for (const each of [path, "builtin:guard"]) {
    await using host = await openNamed([each], { builtin });
    assert.deepEqual([host.plugins[0].failure, host.plugins[0].hooks, host.lines], [undefined, ["beforePull"], []]);
    await assert.rejects(host.check("beforePull", TRANSFER), { message: "refused by the plugin guard: by class" });
  }
});

Deno.test("credentials may be an instance of a class, as a module and built in", async () => {
  await using scratch = await scratchFolder();
  const text = `class Keeper { user = "u"; get() { return { credential: { username: this.user, password: "p" } } } }
    export default { contract: 1, name: "keeper", credentials: new Keeper() };`;
  class Keeper {
    user = "u";
    get(): CredentialAnswer {
      return { credential: { username: this.user, password: "p" } };
    }
  }
  const keeper: Plugin = { contract: 1, name: "keeper", credentials: new Keeper() };
  const builtin = { keeper: () => Promise.resolve(keeper) };
  for (const each of [writeSafely(scratch.at("keeper.ts"), text, 0o644), "builtin:keeper"]) {
    await using host = await openNamed([each], { builtin });
    const [source] = host.credentialSources();
    assert.deepEqual(await source.get({ registry: "ghcr.io" }), { username: "u", password: "p" });
    assert.equal(source.store, undefined);
  }
});

Deno.test("a default export that is a function gets what loads it, and makes the plugin", async () => {
  await using scratch = await scratchFolder();
  const text = `export default ({ version, hooks }) => ({
    contract: 1, name: "made", description: version, ...(hooks.includes("verify") && { beforePull() { return { allow: true } } }),
  });`;
  await using host = await openNamed([writeSafely(scratch.at("made.ts"), text, 0o644)]);
  const [{ description, hooks }] = host.plugins;
  assert.deepEqual([description, hooks], ["1.2.3", ["beforePull"]]);
  await host.check("beforePull", TRANSFER);
});

Deno.test("a function that is no hook is found wherever it stands: it could be a guard whose name is mistyped", () => {
  class Mistyped extends Guard {
    beforepush() {}
  }
  const wrong: [unknown, string][] = [
    [new Mistyped(), "beforepush"],
    [{ beforepull() {} }, "beforepull"],
    [Object.create({ beforepull() {} }), "beforepull"],
    [Object.defineProperty({}, "hidden", { value() {} }), "hidden"],
    [{ credentials: { get() {}, gett() {} } }, "credentials.gett"],
    [{
      credentials: new (class {
        get() {}
        Store() {}
      })(),
    }, "credentials.Store"],
    [{ credential: { get() {} } }, "credential.get"],
    [{ hooks: { beforePull() {} } }, "hooks.beforePull"],
  ];
  for (const [plugin, name] of wrong) assert.ok((hooksOf(plugin) as string[]).includes(name), name);
});

Deno.test("such a function makes the plugin a failure, with what may have been meant, as a module and built in", async () => {
  await using scratch = await scratchFolder();
  const members = `contract: 1, name: "guard", beforepull() { return { allow: false, reason: "no" } }`;
  const path = writeSafely(scratch.at("guard.ts"), `export default { ${members} };`, 0o644);
  const plugin = { contract: 1, name: "guard", beforepull() {} } as Plugin;
  await using host = await openNamed([path, "builtin:guard"], { builtin: { guard: () => Promise.resolve(plugin) } });
  const message = 'it has a function "beforepull", which is no hook (did you mean beforePull?)';
  assert.deepEqual(host.plugins.map(({ failure }) => failure?.message), [message, message]);
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "refused"));
});

Deno.test("what a plugin has besides is passed over and told, by its name alone", async () => {
  await using scratch = await scratchFolder();
  const command = `{ name: "hello", summary: "s", aliases: ["hi"], run() {} }`;
  const text = `export default { contract: 1, name: "guard", licence: { circle: 1n }, commands: [${command}] };`;
  await using host = await openNamed([writeSafely(scratch.at("guard.ts"), text, 0o644)]);
  assert.equal(host.plugins[0].failure, undefined);
  assert.deepEqual(host.lines, ["guard.ts: passed over in the default export: licence, commands[0].aliases"]);
});

Deno.test("what is no plugin is refused in words that say why", () => {
  const wrong: [unknown, RegExp][] = [
    [undefined, /no default export that is a plugin/],
    [[], /no default export that is a plugin/],
    [() => null, /no default export that is a plugin/],
    [async () => ({}), /its default export is a promise/],
    [Guard, /class/i],
    [{ beforePull: true }, /^Error: its beforePull is no function$/],
    [{ beforePull: null }, /^Error: its beforePull is no function$/],
    [{ credentials: { get: 7 } }, /^Error: its credentials.get is no function$/],
    [{ credentials: () => {} }, /its credentials are no object/],
    [{ commands: {} }, /its commands are no list/],
    [{ commands: [{ name: "hello" }] }, /its command hello has no function run/],
    [{ commands: [null] }, /its commands\[0\] is no command/],
  ];
  for (const [plugin, pattern] of wrong) assert.throws(() => hooksOf(plugin), pattern);
});

Deno.test("a hook that is left out, or set to undefined, is none", () => {
  const made: PluginExport = ({ hooks }: SatchelInfo) => ({
    contract: 1,
    name: "guard",
    beforePull: undefined,
    ...(hooks.includes("verify") && { afterPull: () => ({ allow: true }) }),
  });
  assert.deepEqual(hooksOf(made), ["afterPull"]);
});
