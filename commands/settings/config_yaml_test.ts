import assert from "node:assert/strict";
import { mergeConfigFiles } from "./config_yaml.ts";

const read = (text: string) => mergeConfigFiles([{ path: "/etc/satchel/config.yaml", text }]).values;

/** What is said about a file. */
function complaint(text: string): string {
  try {
    read(text);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "usage");
    return (error as Error).message;
  }
  assert.fail(`understood: ${text}`);
}

Deno.test("every key is read, with paths from the folder of the file", () => {
  const text = `
store: images
authfile: /run/auth.json
insecureRegistries: [localhost:5000, Registry.Example]
concurrency: 3
lockTimeout: 1m30s
`;
  assert.deepEqual(read(text), {
    store: "/etc/satchel/images",
    authfile: "/run/auth.json",
    insecureRegistries: ["localhost:5000", "registry.example"],
    concurrency: 3,
    lockTimeout: 90_000,
  });
});

Deno.test("an empty file says nothing", () => {
  assert.deepEqual(read(""), {});
  assert.deepEqual(read("# nothing yet\n"), {});
});

Deno.test("a key of a later file takes the place of an earlier one's, the others stay", () => {
  const files = [{ path: "/a/x", text: "store: one\nconcurrency: 3" }, { path: "/b/x", text: "store: two" }];
  assert.deepEqual(mergeConfigFiles(files).values, { store: "/b/two", concurrency: 3 });
});

Deno.test("an unknown key is told with its place, and what was meant", () => {
  assert.equal(
    complaint("store: a\nconcurency: 3\n"),
    '/etc/satchel/config.yaml:2:1: unknown key "concurency": did you mean concurrency?',
  );
  assert.match(complaint("zzz: 1"), /:1:1: unknown key "zzz": known keys are store, authfile, /);
});

Deno.test("a value of the wrong type is told with its place", () => {
  const at = "/etc/satchel/config.yaml";
  assert.equal(complaint("store: 5"), `${at}:1:8: store: it must be text`);
  assert.equal(complaint("store:"), `${at}:1:7: store: it must be text`);
  assert.equal(complaint('\nconcurrency: "3"'), `${at}:2:14: concurrency: it must be a whole number from 1 to 256`);
  for (const value of ["0", "257", "1.5", "-1"]) {
    assert.equal(
      complaint(`concurrency: ${value}`),
      `${at}:1:14: concurrency: it must be a whole number from 1 to 256`,
    );
  }
  assert.equal(
    complaint("insecureRegistries: a"),
    `${at}:1:21: insecureRegistries: it must be a list of host or host:port`,
  );
  assert.equal(complaint("insecureRegistries:\n  - 5\n"), `${at}:2:5: insecureRegistries: it must be text`);
  assert.equal(
    complaint("insecureRegistries:\n  - ok\n  - http://x\n"),
    `${at}:3:5: insecureRegistries: invalid registry "http://x": write host or host:port`,
  );
  assert.equal(complaint("lockTimeout: 5"), `${at}:1:14: lockTimeout: it must be a duration like 30s or 5m`);
  assert.equal(complaint("- a"), `${at}:1:1: a configuration file is a list of keys and values`);
});

Deno.test("what is not YAML is told with its place", () => {
  assert.match(complaint("store: [a"), /^\/etc\/satchel\/config\.yaml:1:\d+: /);
  assert.match(complaint("store: a\nstore: b"), /^\/etc\/satchel\/config\.yaml:2:1: .*unique/);
});

Deno.test("a path may start with the home of the user who reads the file, and with nobody else's", () => {
  const text = "store: ~/gadgets\nauthfile: ./~/auth.json\nplugins: [~/p.ts, { path: ~/q.ts }]\n";
  const file = { path: "/etc/satchel/config.yaml", text };
  const { store, authfile, plugins } = mergeConfigFiles([file], "/home/me").values;
  assert.deepEqual([store, authfile], ["/home/me/gadgets", "/etc/satchel/~/auth.json"]);
  assert.deepEqual(plugins?.map(({ path }) => path), ["/home/me/p.ts", "/home/me/q.ts"]);
  assert.match(complaint("store: ~/gadgets"), /:1:8: store: there is no home that ~ could stand for$/);
  for (const path of ["~joe/gadgets", '"~"']) {
    assert.match(complaint(`store: ${path}`), /:1:8: store: ~ can only stand/);
  }
});

Deno.test("several documents, aliases and tags are told of in our words", () => {
  const at = "/etc/satchel/config.yaml";
  assert.match(complaint("store: a\n---\nstore: b\n"), /^\/etc\/satchel\/config\.yaml:2:1: .* one YAML document/);
  assert.equal(complaint("store: !!js/function x\n"), `${at}:1:8: the tag !!js/function means nothing here`);
  assert.equal(complaint("concurrency: !int 3\n"), `${at}:1:14: the tag !int means nothing here`);
  assert.equal(complaint("store: &a x\nauthfile: *a\n"), `${at}:2:11: the alias *a cannot be used here`);
  assert.equal(complaint("store: *nowhere\n"), `${at}:1:8: the alias *nowhere cannot be used here`);
});

Deno.test("names of things that every object has are no keys", () => {
  assert.match(complaint("constructor: 1"), /unknown key "constructor"/);
  assert.match(complaint("__proto__: 1"), /unknown key "__proto__"/);
});
