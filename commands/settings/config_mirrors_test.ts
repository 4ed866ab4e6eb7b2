import assert from "node:assert/strict";
import { mergeConfigFiles } from "./config_yaml.ts";

const FILE = "/etc/satchel/config.yaml";

const read = (text: string) => mergeConfigFiles([{ path: FILE, text }]);

/** What is said about a file, without the file's name. */
function complaint(text: string): string {
  try {
    read(text);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "usage");
    return (error as Error).message.replace(`${FILE}:`, "");
  }
  assert.fail(`understood: ${text}`);
}

Deno.test("mirrors are texts or maps, in their order, and are not believed about tags unless it says so", () => {
  const { values, places } = read(`
mirrors:
  ghcr.io/inspektor-gadget: [cache.example:5000/gadgets/, "http://[::1]:5000"]
  index.docker.io:
    - endpoint: https://hub.example
      resolveTags: true
    - endpoint: b.example
`);
  assert.deepEqual(values.mirrors, [
    {
      registry: "ghcr.io",
      prefix: "inspektor-gadget",
      mirrors: [
        { registry: "cache.example:5000", path: "gadgets", resolveTags: false },
        { registry: "[::1]:5000", path: "", scheme: "http", resolveTags: false },
      ],
    },
    {
      registry: "docker.io",
      prefix: "",
      mirrors: [
        { registry: "hub.example", path: "", scheme: "https", resolveTags: true },
        { registry: "b.example", path: "", resolveTags: false },
      ],
    },
  ]);
  assert.equal(places.mirrors, `${FILE}:2`);
});

Deno.test("what is wrong with mirrors is told with its place", () => {
  assert.match(complaint("mirrors: [a]"), /^1:10: mirrors: it must be a map/);
  assert.match(complaint("mirrors:"), /^1:9: mirrors: it must be a map/);
  assert.match(complaint("mirrors:\n  https://x: []"), /^2:3: mirrors: invalid registry or prefix "https:\/\/x"/);
  assert.match(complaint("mirrors:\n  x.io: y"), /^2:9: mirrors: x.io: it must be a list of mirrors/);
  assert.match(complaint("mirrors:\n  x.io:\n"), /^2:\d: mirrors: x.io: it must be a list of mirrors/);
  assert.match(complaint("mirrors:\n  x.io: [5]"), /^2:10: mirrors: x.io: it must be text/);
  assert.match(complaint("mirrors:\n  x.io: ['a b']"), /^2:10: mirrors: x.io: invalid mirror "a b": write /);
  assert.match(complaint("mirrors:\n  x.io: [{}]"), /^2:10: mirrors: x.io: endpoint is missing/);
  assert.match(complaint("mirrors:\n  x.io: [{endpoint: a, resolveTags: 1}]"), /resolveTags: it must be true or false/);
  assert.match(complaint("mirrors:\n  docker.io: []\n  index.docker.io: []"), /^3:3: .*there already, by another/);
});

Deno.test("an account in a mirror's address is refused and not repeated", () => {
  assert.doesNotMatch(complaint("mirrors:\n  x.io: ['https://joe:s3cret@m']"), /s3cret/);
});

Deno.test("plugins are paths from the file's folder, or maps with settings, and know where they were named", () => {
  const { values } = read(`
plugins:
  - ./allow.ts
  - builtin:docker-credential
  - path: /opt/satchel-x
    timeout: 1m30s
    settings: { list: [1, null, { a: yes }], "__proto__": { b: 1.5 }, text: "true" }
`);
  assert.deepEqual(values.plugins?.map(({ path, from }) => [path, from]), [
    ["/etc/satchel/allow.ts", `${FILE}:3:5`],
    ["builtin:docker-credential", `${FILE}:4:5`],
    ["/opt/satchel-x", `${FILE}:5:5`],
  ]);
  assert.deepEqual(values.plugins?.map(({ timeout }) => timeout), [undefined, undefined, 90_000]);
  const settings = values.plugins![2].settings!;
  assert.equal(
    JSON.stringify(settings),
    '{"list":[1,null,{"a":"yes"}],"__proto__":{"b":1.5},"text":"true"}',
  );
  assert.equal(Object.getPrototypeOf(settings), Object.prototype);
});

Deno.test("what is wrong with plugins is told with its place", () => {
  assert.match(complaint("plugins: a"), /^1:10: plugins: it must be a list of plugins/);
  assert.match(complaint("plugins: [5]"), /^1:11: plugins: it must be text/);
  assert.match(complaint("plugins: ['']"), /^1:11: plugins: it must not be empty/);
  assert.match(complaint("plugins: [{settings: {}}]"), /^1:11: plugins: path is missing/);
  assert.match(complaint("plugins: [{path: a, setings: {}}]"), /unknown key "setings": did you mean settings\?/);
  assert.match(complaint("plugins: [{path: a, timeout: x}]"), /^1:30: plugins: timeout: it must be a duration/);
  for (const timeout of ["0", "0.1ms", "61m"]) {
    assert.match(complaint(`plugins: [{path: a, timeout: ${timeout}}]`), /timeout: it must be from 1ms to 1h/);
  }
  assert.match(complaint("plugins: [{path: a, settings: [1]}]"), /^1:31: plugins: settings: they must be a map/);
  assert.match(complaint("plugins: [{path: a, settings: {x: .inf}}]"), /settings: x: it must be a value that JSON has/);
  assert.match(complaint("plugins: [{path: &p a, settings: {x: *p}}]"), /^1:38: the alias \*p cannot be used here/);
});
