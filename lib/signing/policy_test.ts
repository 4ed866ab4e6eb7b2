import { strict as assert } from "node:assert";
import { parseReference } from "../oci/mod.ts";
import { parseNamePattern } from "./name_pattern.ts";
import { type AllowedName, judgeName, type Policy, rulesFor, type VerifyRule } from "./policy.ts";

const NAME = { reference: parseReference("ghcr.io/team/app:v1") };

function rule(from: string, ...images: string[]): VerifyRule {
  return { images: images.map(parseNamePattern), overridable: false, from };
}

function policy(file: string, ...verify: VerifyRule[]): Policy {
  return { file, isOfHost: false, verify };
}

function list(from: string, ...patterns: string[]): AllowedName[] {
  return patterns.map((text) => ({ pattern: parseNamePattern(text), from }));
}

Deno.test("the rule whose pattern says most counts, wherever it stands", () => {
  const rules = [rule("f:1", "*"), rule("f:2", "ghcr.io/team/app", "ghcr.io/other/*"), rule("f:3", "ghcr.io/team/*")];
  for (const verify of [rules, rules.toReversed()]) {
    const found = rulesFor([policy("f", ...verify)], NAME);
    assert.deepEqual(found.map(({ rule, pattern }) => [rule.from, pattern.text]), [["f:2", "ghcr.io/team/app"]]);
  }
});

Deno.test("each file's rule counts: a second file cannot take back what the first one demands", () => {
  const host = policy("host", rule("host:1", "ghcr.io/team/*"));
  const user = policy("user", rule("user:1", "ghcr.io/team/app:v1"));
  assert.deepEqual(rulesFor([host, user], NAME).map(({ rule }) => rule.from), ["host:1", "user:1"]);
});

Deno.test("an image that no rule means needs no signature", () => {
  assert.deepEqual(rulesFor([policy("f", rule("f:1", "ghcr.io/other/*"))], NAME), []);
});

Deno.test("a name has to be on each list", () => {
  const lists = [list("host:1", "ghcr.io/*"), list("user:1", "ghcr.io/team/app")];
  assert.ok(!judgeName(lists, NAME).denial);
  const other = { reference: parseReference("ghcr.io/team/other") };
  assert.equal(judgeName(lists, other).denial?.from, "user:1");
  assert.equal(judgeName(lists, { reference: parseReference("example.org/x") }).denial?.from, "host:1");
  assert.ok(!judgeName([], other).denial);
});
