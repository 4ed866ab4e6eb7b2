/** Configuration files: whose they must be, and what `config show` says of their values. */
import { strict as assert } from "node:assert";
import { capabilityTest, satchel, satchelByDeno, scratchFolder } from "../harness/mod.ts";

const NOBODY = 65534;

/** A home with a configuration file in it. */
async function homeWith(text: string) {
  const scratch = await scratchFolder();
  const path = scratch.at(".config", "satchel", "config.yaml");
  await Deno.mkdir(scratch.at(".config", "satchel"), { recursive: true });
  await Deno.writeTextFile(path, text);
  return { path, home: scratch.path, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}

Deno.test("config show tells each value and where it comes from, and no setting of a plugin", async () => {
  await using user = await homeWith(`store: gadgets
lockTimeout: 90s
insecureRegistries: [a.example]
mirrors:
  ghcr.io:
    - endpoint: http://cache.example/ghcr
      resolveTags: true
plugins:
  - path: builtin:docker-credential
    settings: { helper: hunter2, more: { token: hunter3 } }
    timeout: 60s
`);
  const args = ["config", "show", "--concurrency", "3", "-o", "json"];
  const options = {
    home: user.home,
    env: { SATCHEL_STORE: "/elsewhere", SATCHEL_INSECURE_REGISTRIES: "b.example" },
  };
  for (const outcome of [await satchel(args, options), await satchelByDeno(args, options)]) {
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.doesNotMatch(outcome.stdout, /hunter/);
    const { plugins, ...shown } = JSON.parse(outcome.stdout);
    assert.deepEqual(shown, {
      store: { value: "/elsewhere", from: "SATCHEL_STORE" },
      authfile: { value: "", from: "default" },
      insecureRegistries: {
        value: ["b.example", "a.example"],
        from: `SATCHEL_INSECURE_REGISTRIES, ${user.path}:3`,
      },
      mirrors: {
        value: { "ghcr.io": [{ endpoint: "http://cache.example/ghcr", resolveTags: true }] },
        from: `${user.path}:4`,
      },
      concurrency: { value: 3, from: "--concurrency" },
      lockTimeout: { value: "90s", from: `${user.path}:2` },
      verify: { value: [], from: "default" },
      allowed: { value: [], from: "default" },
    });
    assert.deepEqual(plugins, {
      value: [{ path: "builtin:docker-credential", settings: { helper: "...", more: "..." }, timeout: "60s" }],
      from: `${user.path}:9:5`,
    });
  }
});

Deno.test("config show has a table for people, and YAML with value and from", async () => {
  await using user = await homeWith(
    "concurrency: 5\nmirrors: { ghcr.io: [a, b], ghcr.io/none: [] }\nauthfile: ~/auth.json\n",
  );
  const shown = await satchel(["config", "show"], { home: user.home });
  const lines = [
    `concurrency +5 +${user.path}:1`,
    `mirrors +ghcr\\.io by a, b; ghcr\\.io/none without mirrors +${user.path}:2`,
    `authfile +${user.home}/auth.json +${user.path}:3`,
    "plugins +- +default",
  ];
  for (const line of lines) assert.match(shown.stdout, new RegExp(`^${line}$`, "m"));
  const yaml = await satchel(["config", "show", "-o", "yaml"], { home: user.home });
  assert.match(yaml.stdout, new RegExp(`^concurrency:\n {2}value: 5\n {2}from: ${user.path}:1$`, "m"));
});

Deno.test("a broken file is an error with its place, for config show too", async () => {
  await using user = await homeWith("mirrors:\n  ghcr.io:\n    - endpiont: x\n");
  const { code, stderr } = await satchel(["config", "show"], { home: user.home });
  assert.equal(code, 2);
  assert.equal(
    stderr,
    `Error: ${user.path}:3:7: mirrors: ghcr.io: unknown key "endpiont": did you mean endpoint?\n`,
  );
});

Deno.test("a file that others may write to is refused, wherever it is named, with the way to mend it", async () => {
  await using user = await homeWith("concurrency: 5\n");
  await Deno.chmod(user.path, 0o646);
  for (const options of [{ home: user.home }, { env: { SATCHEL_CONFIG: user.path } }]) {
    const { code, stderr } = await satchel(["image", "list"], options);
    assert.equal(code, 5);
    assert.match(
      stderr,
      new RegExp(`the configuration file ${user.path} is not taken: it can be written to by everybody`),
    );
    assert.match(stderr, new RegExp(`chmod go-w ${user.path}`));
  }
});

capabilityTest("root", "another user's file in HOME is passed over, and that is said", async () => {
  await using user = await homeWith("concurrency: 5\nplugins: [/tmp/evil.ts]\n");
  await Deno.chown(user.path, NOBODY, NOBODY);
  const { code, stdout, stderr } = await satchel(["config", "show", "-o", "json"], { home: user.home });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, `Warning: passed over the configuration file ${user.path}: it belongs to the user nobody\n`);
  assert.equal(JSON.parse(stdout).concurrency.from, "default");
  assert.deepEqual(JSON.parse(stdout).plugins.value, []);
});

capabilityTest("root", "another user's file that was asked for is refused", async () => {
  await using user = await homeWith("concurrency: 5\n");
  await Deno.chown(user.path, NOBODY, NOBODY);
  const { code, stderr } = await satchel(["config", "show", "--config", user.path]);
  assert.equal(code, 5);
  assert.match(stderr, /is not taken: it belongs to the user nobody/);
});
