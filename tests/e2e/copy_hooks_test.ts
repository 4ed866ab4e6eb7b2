import assert from "node:assert/strict";
import { describe, peerTest } from "../harness/mod.ts";
import { catalog, type Ends, startEnds } from "./copy_ends.ts";
import { writeModule } from "./plugin_files.ts";

const HOOKS = ["beforePull", "afterPull", "beforePush", "afterPush", "beforeExport", "afterImport"];

/** A plugin that notes what it is asked, and refuses one hook. */
async function recorder({ scratch }: Ends, refused = ""): Promise<string> {
  const path = JSON.stringify(scratch.at("asked"));
  const hooks = HOOKS.map((hook) =>
    `async ${hook}({ reference, archive, subject }) {
      const { appendFileSync } = await import("node:fs");
      appendFileSync(${path}, [${JSON.stringify(hook)}, reference, archive ?? "-", subject.digest].join(" ") + "\\n");
      return ${hook === refused ? '{ allow: false, reason: "not today" }' : "{ allow: true }"};
    },`
  );
  return await writeModule(scratch, "recorder", hooks.join("\n"));
}

/** What was asked since the last time, a line each. */
async function asked({ scratch, gadget }: Ends): Promise<string[]> {
  const text = await Deno.readTextFile(scratch.at("asked")).catch(() => "");
  await Deno.writeTextFile(scratch.at("asked"), "");
  return text.trimEnd().split("\n").map((line) => line.replace(` ${gadget.root.digest}`, ""));
}

peerTest("registry", "plugins are asked about a copy what each of its ends would ask alone", async () => {
  await using ends = await startEnds();
  const { far, name } = ends;
  const plugin = await recorder(ends);
  const copy = async (...args: string[]) => {
    const outcome = await ends.copy(...args, "--plugin", plugin);
    assert.equal(outcome.code, 0, describe(outcome));
    return await asked(ends);
  };
  const pushed = `${far.host}/mirror/app:v1`;
  assert.deepEqual(await copy(name, `${far.host}/mirror/app`), [
    `beforePull ${name} -`,
    `beforePush ${pushed} -`,
    `afterPush ${pushed} -`,
  ]);
  assert.deepEqual(await copy(name, "store:"), [`beforePull ${name} -`, `afterPull ${name} -`]);
  assert.deepEqual(await copy(name, "archive:x.tar"), [`beforePull ${name} -`, `beforeExport ${name} x.tar`]);
  assert.deepEqual(await copy(`store:${name}`, "dir:layout"), [`beforeExport ${name} layout`]);
  assert.deepEqual(await copy(`store:${name}`, pushed), [`beforePush ${pushed} -`, `afterPush ${pushed} -`]);
  assert.deepEqual(await copy("archive:x.tar", "store:example.org/a:b"), ["afterImport example.org/a:b x.tar"]);
  assert.deepEqual(await copy("dir:layout", pushed), [`beforePush ${pushed} -`, `afterPush ${pushed} -`]);
  assert.deepEqual(await copy(`store:${name}`, "store:example.org/c:d"), [""]);
  assert.deepEqual(await copy(name, "store:", "--dry-run"), [`beforePull ${name} -`]);
});

for (
  const [refused, from, to] of [
    ["beforePull", "registry", "registry"],
    ["beforePush", "registry", "registry"],
    ["beforePush", "dir:near", "registry"],
    ["beforeExport", "registry", "dir:layout"],
    ["beforeExport", "registry", "archive:x.tar"],
    ["afterImport", "dir:near", "store:"],
    ["afterPull", "registry", "store:"],
  ]
) {
  peerTest("registry", `what ${refused} refuses is not copied from ${from} to ${to}`, async () => {
    await using ends = await startEnds();
    const { far, name, scratch, store } = ends;
    await ends.copy(name, "dir:near");
    const plugin = await recorder(ends, refused);
    const end = to === "registry" ? `${far.host}/mirror/app` : to;
    const outcome = await ends.copy(from === "registry" ? name : from, end, "--plugin", plugin);
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(outcome.stderr, /refused by the plugin recorder: not today/);
    assert.deepEqual(await catalog(far), []);
    for (const path of [scratch.at("x.tar"), scratch.at("layout", "index.json")]) {
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    }
    const index = await Deno.readTextFile(`${store}/index.json`).catch(() => "");
    assert.ok(!index.includes("team/app"), index);
  });
}
