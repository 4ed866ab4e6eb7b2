import assert from "node:assert/strict";
import fc from "fast-check";
import { hasCode } from "../error.ts";
import { ANSWER_LIMIT, readAnswer as readAnswerOf } from "./answers.ts";
import type { HookName } from "./contract.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const readAnswer = <Hook extends HookName>(hook: Hook, json: Uint8Array, onUnknown = (_: string) => {}) =>
  readAnswerOf(hook, json, onUnknown);

/** An answer of each hook that is right. */
const RIGHT: { readonly [Hook in HookName]: object } = {
  "credentials.get": { credential: { username: "u", password: "p" } },
  "credentials.store": { stored: true },
  "credentials.erase": { erased: false },
  "credentials.list": { registries: ["ghcr.io"] },
  beforePull: { allow: true },
  afterPull: { allow: true },
  beforePush: { allow: false, reason: "not today" },
  afterPush: { allow: true },
  beforeExport: { allow: true },
  afterImport: { allow: true },
  sign: {
    artifacts: [{
      artifactType: "application/x",
      layers: [{ mediaType: "text/plain", data: "aGk=" }],
      annotations: {},
    }],
  },
  verify: { verdict: "verified", reason: "by key 7", evidence: [null, { a: [1] }] },
};
const HOOKS = Object.keys(RIGHT) as HookName[];

Deno.test("a right answer of every hook is taken as it is", () => {
  for (const hook of HOOKS) assert.deepEqual(readAnswer(hook, bytes(RIGHT[hook])), RIGHT[hook], hook);
});

Deno.test("an answer that lacks a member is refused; what it has besides is passed over, and told", () => {
  for (const hook of HOOKS) {
    const right = RIGHT[hook] as Record<string, unknown>;
    const told: string[] = [];
    assert.deepEqual(readAnswer(hook, bytes({ ...right, alow: true }), (line) => told.push(line)), right, hook);
    assert.deepEqual(told, [`passed over in the answer of ${hook}: alow`]);
    if (hook === "credentials.get") continue;
    for (const name of Object.keys(right)) {
      const { [name]: _, ...less } = right;
      assert.throws(() => readAnswer(hook, bytes(less)), (error) => hasCode(error, "invalid"), `${hook} ${name}`);
    }
  }
});

Deno.test("of many members that nobody knows a few are named, in one line, and safely", () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`\u001b${index}`, "hunter2"]));
  const told: string[] = [];
  readAnswer("afterPull", bytes({ allow: true, ...many }), (line) => told.push(line));
  assert.deepEqual([
    told.length,
    told[0].includes("and 20 more"),
    told[0].includes("hunter2") || told[0].includes("\u001b"),
  ], [1, true, false]);
});

Deno.test("a verdict is one of three words, and what ties a signature to its image names the image", () => {
  const verify = (verdict: unknown) => () => readAnswer("verify", bytes({ verdict, reason: "", evidence: [] }));
  for (const verdict of ["verified", "rejected", "none"]) assert.equal(verify(verdict)().verdict, verdict);
  for (const verdict of [true, "Verified", "", null]) {
    assert.throws(verify(verdict), /"verdict" in the answer of verify/);
  }
  const sign = (more: object) => () =>
    readAnswer("sign", bytes({ artifacts: [{ artifactType: "application/x", layers: [], ...more }] }));
  const config = { mediaType: "application/json", data: "e30=" };
  const tag = `sha256-${"0".repeat(64)}.sig`;
  assert.deepEqual(sign({ config, tag })().artifacts[0], { artifactType: "application/x", layers: [], config, tag });
  for (const wrong of ["latest", `${tag}/x`, tag.slice(1), ".."]) {
    assert.throws(sign({ tag: wrong }), /is not a tag such as/);
  }
});

Deno.test("any JSON is either refused as invalid or an answer that allows only by the word true", () => {
  const transferLike = fc.record({ allow: fc.jsonValue(), reason: fc.jsonValue() }, { requiredKeys: [] });
  fc.assert(fc.property(fc.constantFrom(...HOOKS), fc.oneof(fc.jsonValue(), transferLike), (hook, value) => {
    try {
      const answer = readAnswer(hook, bytes(value)) as Record<string, unknown>;
      if ("allow" in answer) assert.equal(answer.allow, (value as { allow: unknown }).allow === true);
    } catch (error) {
      assert.ok(hasCode(error, "invalid"), String(error));
    }
  }));
});

Deno.test("any bytes that are no JSON object are refused", () => {
  fc.assert(fc.property(fc.constantFrom(...HOOKS), fc.uint8Array({ maxLength: 60 }), (hook, value) => {
    fc.pre(value[0] !== 0x7b);
    assert.throws(() => readAnswer(hook, value), (error) => hasCode(error, "invalid"));
  }));
});

Deno.test("an error about an answer does not show what stands in it", () => {
  const wrong = [{ credential: { username: 7, password: "hunter2" } }, { credential: "hunter2" }, ["hunter2"]];
  for (const value of wrong.map(bytes).concat(new TextEncoder().encode("hunter2"))) {
    assert.throws(() => readAnswer("credentials.get", value), (error) => !String(error).includes("hunter2"));
  }
});

Deno.test("an account needs a name with a password, or a token; none may hold a line feed", () => {
  const read = (credential: object) => () => readAnswer("credentials.get", bytes({ credential }));
  for (const credential of [{ identityToken: "t" }, { registryToken: "t" }, { username: "", password: "" }]) {
    assert.deepEqual(read(credential)(), { credential });
  }
  for (const credential of [{}, { username: "u" }, { password: "p" }, { identityToken: "" }]) {
    assert.throws(read(credential), /neither a username with a password nor a token/);
  }
  assert.throws(read({ registryToken: "a\r\nX-Evil: 1" }), /one line/);
});

Deno.test("an answer that is too long, too deep or empty is refused before it is parsed", () => {
  assert.throws(() => readAnswer("verify", new Uint8Array(ANSWER_LIMIT + 1)), /longer than 4194304 bytes/);
  assert.throws(() => readAnswer("verify", new TextEncoder().encode("[".repeat(100_000))), /nests too deep/);
  assert.throws(() => readAnswer("verify", new Uint8Array()), /is empty/);
});
