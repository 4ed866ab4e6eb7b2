import assert from "node:assert/strict";
import { mergeConfigFiles } from "./config_yaml.ts";

const FILE = "/etc/satchel/config.yaml";

const read = (text: string) => mergeConfigFiles([{ path: FILE, text, isOfHost: true }], "/home/joe").policies;

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

Deno.test("rules are read with their lines, paths from the folder of the file", () => {
  const [policy] = read(`
verify:
  - images: ghcr.io/team/*
    keys: [keys/team.pub, builtin:inspektor-gadget, ~/own.pub]
    annotations: {env: prod}
    checkName: true
    overridable: true
  - images: [ghcr.io/other/app, ghcr.io/other/tool:v1]
    identities:
      - subjectRegExp: https://github\\.com/other/.*
        issuer: https://token.actions.githubusercontent.com
    trustedRoot: root.json
  - images: registry.example.com/*
    notation: {policy: policy.json, certificates: [ca.crt]}
  - images: registry.example.com/signed/*
    plugins: [signer]
  - images: "*"
    required: false
`);
  assert.equal(policy.file, FILE);
  assert.equal(policy.owner, 0);
  assert.equal(policy.allowed, undefined);
  const { verify } = policy;
  assert.deepEqual(verify.map(({ from }) => from), [3, 8, 13, 15, 17].map((line) => `${FILE}:${line}`));
  assert.deepEqual(verify[0].signers, {
    keys: [{ path: "/etc/satchel/keys/team.pub" }, { text: "builtin:inspektor-gadget" }, { path: "/home/joe/own.pub" }],
    identities: [],
    plugins: [],
    annotations: { env: "prod" },
    checkName: true,
  });
  assert.deepEqual(verify.map(({ overridable }) => overridable), [true, false, false, false, false]);
  assert.equal(verify[1].images.length, 2);
  assert.equal(verify[1].signers?.trustedRoot, "/etc/satchel/root.json");
  assert.deepEqual(verify[2].signers?.notation, {
    policy: "/etc/satchel/policy.json",
    certificates: ["/etc/satchel/ca.crt"],
    timestampCertificates: [],
  });
  assert.deepEqual(verify[3].signers?.plugins, ["signer"]);
  assert.equal(verify[4].signers, undefined);
});

Deno.test("names that may come in are read with their lines", () => {
  const [policy] = read("allowed:\n  - trace_*\n  - ghcr.io/team/*\n");
  const names = policy.allowed!.map(({ pattern, from }) => [pattern.value, from]);
  assert.deepEqual(names, [
    ["ghcr.io/inspektor-gadget/gadget/trace_", `${FILE}:2`],
    ["ghcr.io/team/", `${FILE}:3`],
  ]);
});

Deno.test("no file's rules take the place of another one's", () => {
  const demand = (path: string, text: string) => ({ path, text });
  const { policies } = mergeConfigFiles([
    demand("/etc/satchel/config.yaml", "verify: [{images: '*', keys: [a.pub]}]\nallowed: [trace_open]"),
    demand("/home/joe/config.yaml", "verify: [{images: '*', required: false}]\nallowed: ['*']"),
    demand("/home/joe/other.yaml", "store: /x"),
  ]);
  assert.deepEqual(policies.map(({ file }) => file), ["/etc/satchel/config.yaml", "/home/joe/config.yaml"]);
  assert.ok(policies[0].verify[0].signers);
});

Deno.test("what is wrong is told with its place", () => {
  const rule = (text: string) => complaint(`verify:\n  - {images: ghcr.io/team/*, ${text}}`);
  assert.match(complaint("verify: {}"), /config\.yaml:1:9: verify: it must be a list of rules/);
  assert.match(complaint("verify:"), /verify: it must be a list/);
  assert.match(complaint("verify: [x]"), /1:10: verify: a rule is a map/);
  assert.match(complaint("verify: [{keys: [a]}]"), /images is missing/);
  assert.match(complaint("verify: [{images: [], keys: [a]}]"), /images: it must not be empty/);
  assert.match(
    complaint("verify: [{images: ghcr.io/team*, keys: [a]}]"),
    /1:19: verify: images: .*write ghcr\.io\/team\/\*/,
  );
  assert.match(rule("key: [a]"), /2:30: verify: unknown key "key": did you mean keys\?/);
  assert.match(rule("keys: []"), /keys: it must not be empty/);
  assert.match(rule("keys: [1]"), /keys: it must be text/);
  assert.match(rule("keys: a.pub"), /keys: it must be a list/);
  assert.match(rule("keys: ['env://KEY']"), /no keys from the environment/);
  assert.match(rule("required: 'no'"), /required: it must be true or false/);
  assert.match(rule("required: true"), /it says of nobody who must have signed/);
  assert.match(rule("overridable: true"), /it says of nobody/);
  assert.match(rule("required: false, keys: [a]"), /keys and required: false do not go together/);
  assert.match(rule("required: false, checkName: true"), /checkName and required: false/);
  assert.match(rule("trustedRoot: a"), /trustedRoot alone trusts nobody/);
  assert.match(rule("identities: [{subject: a, issuer: b}]"), /identities need trustedRoot/);
  assert.match(rule("identities: [{subject: a}], trustedRoot: b"), /either issuer or issuerRegExp/);
  assert.match(rule("identities: [{subject: a, subjectRegExp: b, issuer: c}], trustedRoot: d"), /either subject or/);
  assert.match(rule("identities: [{subjectRegExp: '(', issuer: c}], trustedRoot: d"), /no regular expression/);
  assert.match(rule("identities: [{subject: '', issuer: c}], trustedRoot: d"), /subject: it must not be empty/);
  assert.match(rule("notation: {certificates: [a]}"), /policy is missing/);
  assert.match(rule("notation: a"), /it must be a map of policy and certificates/);
  assert.match(complaint("allowed: []"), /1:10: allowed: it is empty/);
  assert.match(complaint("allowed: ghcr.io/*"), /it must be a list/);
  assert.match(complaint("allowed: [ghcr.io*]"), /allowed: .*other registries/);
});

Deno.test("one name is in one rule of a file", () => {
  const both =
    "verify:\n  - {images: docker.io/nginx, keys: [a]}\n  - {images: index.docker.io/library/nginx, required: false}";
  assert.match(complaint(both), /3:5: verify: index\.docker\.io\/library\/nginx is in a rule already/);
});
