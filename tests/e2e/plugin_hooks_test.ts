import assert from "node:assert/strict";
import {
  describe,
  makeGadget,
  pushImage,
  satchel,
  satchelByDeno,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { published, writeExecutable, writeFile, writeModule } from "./plugin_files.ts";

/** A hook that appends its request to a file, a line each. */
function recorder(scratch: Scratch, hook: string, answer = "{ allow: true }"): string {
  const path = JSON.stringify(scratch.at("asked.jsonl"));
  return `async ${hook}(request) {
    const { appendFileSync } = await import("node:fs");
    appendFileSync(${path}, JSON.stringify({ hook: "${hook}", ...request }) + "\\n");
    return ${answer};
  },`;
}

async function asked(scratch: Scratch) {
  const lines = (await Deno.readTextFile(scratch.at("asked.jsonl"))).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

async function names(store: string): Promise<string[]> {
  const images = JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store }));
  return images.map(({ Repository, Tag }: { Repository: string; Tag: string }) => `${Repository}:${Tag}`);
}

for (const [runtime, runner] of [["the binary", satchel], ["deno run", satchelByDeno]] as const) {
  Deno.test(`${runtime}: what beforePull refuses is not fetched, and the reason is shown`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startServedRegistry();
    const { name, digest, flags } = await published(registry);
    const answer = '{ allow: false, reason: "not on a Wednesday" }';
    const plugin = await writeModule(scratch, "calendar", recorder(scratch, "beforePull", answer));
    const store = scratch.at("store");
    const outcome = await runner(["image", "pull", name, "--plugin", plugin, ...flags], { store });
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(outcome.stderr, /^Error: pulling \S+: refused by the plugin calendar: not on a Wednesday$/m);
    assert.equal(outcome.stdout, "");
    const requests = registry.requests().filter((line) => /^(GET|HEAD) \/v2\/./.test(line));
    assert.deepEqual(requests.filter((line) => !line.includes("/manifests/v1")), []);
    assert.deepEqual(await asked(scratch), [{
      hook: "beforePull",
      reference: name,
      registry: registry.host,
      repository: "team/app",
      tag: "v1",
      subject: {
        mediaType: "application/vnd.oci.image.index.v1+json",
        digest,
        size: (await asked(scratch))[0].subject.size,
      },
      store,
    }]);
    assert.deepEqual(await names(store), []);
  });
}

Deno.test("what afterPull refuses is in the store without a name, and names stay as they were", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { name, digest, flags } = await published(registry);
  const store = scratch.at("store");
  await satchelSucceeds(["image", "pull", name, ...flags], { store });
  await pushImage(registry, "team/app", "v1", makeGadget());
  const plugin = await writeModule(scratch, "late", recorder(scratch, "afterPull", '{ allow: false, reason: "no" }'));
  const outcome = await satchel(["image", "pull", name, "--plugin", plugin, ...flags], { store });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /^Error: pulling \S+: refused by the plugin late: no$/m);
  const [image] = JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store }));
  assert.equal(image.Digest, digest);
  const [{ subject }] = await asked(scratch);
  const blob = await Deno.stat(`${store}/blobs/${subject.digest.replace(":", "/")}`);
  assert.equal(blob.size, subject.size, "everything was there when it was asked");
});

Deno.test("beforePush is asked before any request, afterPush when the registry has the name", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { name, flags } = await published(registry);
  const store = scratch.at("store");
  const copy = `${registry.host}/team/copy:v1`;
  await satchelSucceeds(["image", "pull", name, ...flags], { store });
  await satchelSucceeds(["image", "tag", name, copy], { store });

  const before = await writeModule(scratch, "before", 'beforePush: () => ({ allow: false, reason: "closed" }),');
  const seen = registry.requests().length;
  const refused = await satchel(["image", "push", copy, "--plugin", before, ...flags], { store });
  assert.equal(refused.code, 5, describe(refused));
  assert.match(refused.stderr, /^Error: pushing \S+: refused by the plugin before: closed$/m);
  assert.equal(registry.requests().length, seen);

  const after = await writeModule(scratch, "after", 'afterPush: () => ({ allow: false, reason: "regretted" }),');
  const pushed = await satchel(["image", "push", copy, "--plugin", after, ...flags], { store });
  assert.equal(pushed.code, 5, describe(pushed));
  assert.match(
    pushed.stderr,
    /^Error: pushing \S+: refused by the plugin after: regretted\nHint: \S+ has been pushed/m,
  );
  assert.equal(pushed.stdout, "");
  assert.equal((await registry.fetch("/v2/team/copy/manifests/v1")).status, 200);

  const allowing = await writeModule(
    scratch,
    "fine",
    `${recorder(scratch, "beforePush")}${recorder(scratch, "afterPush")}`,
  );
  await satchelSucceeds(["image", "push", copy, "--plugin", allowing, ...flags], { store });
  assert.deepEqual((await asked(scratch)).map(({ hook, reference }) => [hook, reference]), [
    ["beforePush", copy],
    ["afterPush", copy],
  ]);
});

Deno.test("all plugins are asked in their order, until one refuses", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { name, flags } = await published(registry);
  const log = (word: string, answer: string) => `echo ${word} >&2; echo '${answer}'`;
  const refusal = '{"allow": false, "reason": "second says no"}';
  const first = await writeExecutable(scratch, "first", log("one", '{"allow": true}'));
  const second = await writeExecutable(scratch, "second", log("two", refusal));
  const third = await writeExecutable(scratch, "third", log("three", '{"allow": true}'));
  const outcome = await satchel(["image", "pull", name, "--plugin", first, "--plugin", second, ...flags], {
    env: { SATCHEL_PLUGINS: third },
  });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /first: one\nsecond: two\nError: .* refused by the plugin second: second says no$/m);
});

for (const tag of ["", ":v1"]) {
  Deno.test(`a pull of app${tag}@DIGEST is asked about by its digest, without a tag`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startServedRegistry();
    const { digest, flags } = await published(registry);
    const name = `${registry.host}/team/app${tag}@${digest}`;
    const plugin = await writeModule(scratch, "watch", recorder(scratch, "beforePull"));
    await satchelSucceeds(["image", "pull", name, "--plugin", plugin, ...flags], { store: scratch.at("store") });
    const [request] = await asked(scratch);
    assert.equal(request.reference, name);
    assert.ok(!("tag" in request));
  });
}

Deno.test("an instance of a class is a plugin, and so is what a function makes", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { name, flags } = await published(registry);
  const text = `class Guard {
  contract = 1;
  name = "guard";
  #reason = "not today";
  beforePull() { return { allow: false, reason: this.#reason }; }
}\n`;
  const instance = await writeFile(scratch.at("instance.js"), `${text}export default new Guard();\n`);
  const made = await writeFile(
    scratch.at("made.js"),
    `${text}export default ({ hooks }) => hooks.includes("beforePull") ? new Guard() : undefined;\n`,
  );
  for (const plugin of [instance, made]) {
    const outcome = await satchel(["image", "pull", name, "--plugin", plugin, ...flags]);
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(outcome.stderr, /refused by the plugin guard: not today$/m);
  }
});

Deno.test(
  "an executable has what it needs of the image in its environment, and the user's has no say in that",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startServedRegistry();
    const { name, digest, flags } = await published(registry);
    const names = ["REFERENCE", "REGISTRY", "REPOSITORY", "TAG", "DIGEST", "STORE", "CONTRACT"];
    const shown = names.map((each) => `$SATCHEL_${each}`).join("|");
    const plugin = await writeExecutable(scratch, "shows", `echo "${shown}" >&2; echo '{"allow": true}'`);
    const store = scratch.at("store");
    const env = Object.fromEntries(
      names.filter((each) => each !== "STORE").map((each) => [`SATCHEL_${each}`, "forged"]),
    );
    for (const [image, tag] of [[name, "v1"], [`${name}@${digest}`, ""]]) {
      const outcome = await satchel(["image", "pull", image, "--plugin", plugin, ...flags], { store, env });
      assert.equal(outcome.code, 0, describe(outcome));
      const line = [image, registry.host, "team/app", tag, digest, store, "1"].join("|");
      assert.ok(outcome.stderr.includes(`shows: ${line}\n`), outcome.stderr);
    }
  },
);
