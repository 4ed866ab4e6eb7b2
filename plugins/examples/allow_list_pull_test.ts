import assert from "node:assert/strict";
import { describe, peerTest, satchel, type Scratch, scratchFolder, startRegistry } from "../../tests/harness/mod.ts";
import { configure, published, writeFile } from "../../tests/e2e/plugin_files.ts";
import { installed } from "./_testing.ts";

/** Installs a form of the plugin; what comes back gives it a list, or none, and returns the folder that is `HOME`. */
type Install = (scratch: Scratch) => Promise<(allow?: readonly string[]) => Promise<string>>;

const module: Install = async (scratch) => {
  const plugin = await installed(scratch, "allow-list.ts");
  return async (allow) => await configure(scratch, plugin, { ...(allow && { allow }) });
};

const script: Install = async (scratch) => {
  const plugin = await installed(scratch, "satchel-allow-list");
  const list = scratch.at("allow-list.txt");
  return async (allow) => {
    if (allow) await writeFile(list, allow.map((entry) => `${entry}\n`).join(""));
    else await Deno.remove(list);
    return await configure(scratch, plugin, {});
  };
};

for (const [file, install] of [["allow-list.ts", module], ["satchel-allow-list", script]] as const) {
  peerTest("registry", `${file} lets pass what is on its list and nothing else`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const app = await published(registry);
    const tool = await published(registry, "tools/trace");
    const other = await published(registry, "other/app");
    const configured = await install(scratch);
    const home = await configured([app.name, `${registry.host}/tools/*`]);
    // What the environment of the user says of the same names does not count.
    const env = { SATCHEL_TAG: "v1", SATCHEL_REPOSITORY: "tools/trace", SATCHEL_REFERENCE: app.name };
    const pull = (name: string) => satchel(["image", "pull", name, ...app.flags], { home, env });
    for (const { name } of [app, tool]) {
      const outcome = await pull(name);
      assert.equal(outcome.code, 0, describe(outcome));
    }
    for (const name of [other.name, `${app.name}@${app.digest}`, `${registry.host}/other/app@${other.digest}`]) {
      const outcome = await pull(name);
      assert.equal(outcome.code, 5, describe(outcome));
      assert.match(outcome.stderr, /^Error: pulling \S+: refused by the plugin allow-list: \S+ is not on the list$/m);
    }
    await configured([other.digest]);
    assert.equal((await pull(other.name)).code, 0);
    await configured();
    const without = await pull(app.name);
    assert.equal(without.code, 5, describe(without));
    assert.match(without.stderr, /settings\.allow must be a list|there is no list/);
  });
}
