import assert from "node:assert/strict";
import { describe } from "../harness/mod.ts";
import { makeSigner, startPoliced } from "./policed.ts";

Deno.test("policy check tells by which rule and whose signature an image comes in", async () => {
  await using policed = await startPoliced();
  const { host } = policed.registry;
  const image = await policed.push("team/app:v1", policed.signer);
  const check = (...flags: string[]) => policed.run("policy", "check", `${host}/team/app:v1`, ...flags);
  assert.equal((await check()).code, 3);
  const remote = ["--remote", "--insecure-registries", host];
  const outcome = await check(...remote);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stdout, /^Rule: {5}\S+\/team\/\* \(\S+policy\.yaml:2\)$/m);
  assert.match(outcome.stdout, /^ {10}cosign tag sha256:[0-9a-f]{64}: signed by the key/m);
  assert.match(outcome.stdout, /^Verdict: {2}it may come in$/m);
  assert.equal((await policed.pull("team/app:v1")).code, 0);
  const requests = policed.registry.requests().length;
  const report = JSON.parse((await check("-o", "json")).stdout);
  assert.equal(policed.registry.requests().length, requests);
  assert.deepEqual([report.accepted, report.place, report.digest], [true, "store", image.root.digest]);
  const [rule] = report.rules;
  assert.deepEqual([rule.pattern, rule.verdict, rule.required], [`${host}/team/*`, "verified", true]);
  assert.equal(rule.verdicts[0].evidence[0].isGood, true);
});

Deno.test("policy check exits with 5 and says why an image would be refused", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await policed.push("team/app:v1", makeSigner());
  const check = async (name: string, ...flags: string[]) => {
    const outcome = await policed.run(
      "policy",
      "check",
      `${host}/${name}`,
      "--remote",
      "--insecure-registries",
      host,
      ...flags,
    );
    return { ...outcome, report: flags.includes("json") ? JSON.parse(outcome.stdout) : undefined };
  };
  const { code, stdout, stderr } = await check("team/app:v1");
  assert.equal(code, 5);
  assert.match(stdout, /rejected: none of its signatures is good/);
  assert.match(stderr, /^Error: \S+ would be refused: the rule at \S+:2: none of its signatures is good\n/m);
  const { report } = await check("team/app:v1", "-o", "json", "--allowed-gadgets", "trace_open");
  assert.deepEqual([report.accepted, report.reasons.length, report.allowedBy], [false, 2, []]);
  await Deno.remove(scratch.at("team.pub"));
  const unusable = await check("team/app:v1", "-o", "json");
  assert.deepEqual([unusable.code, unusable.report.rules[0].verdict], [5, "unusable"]);
});

Deno.test("policy check tells what no rule is for, and what nobody has to have signed", async () => {
  await using policed = await startPoliced();
  const { host } = policed.registry;
  await policed.push("other/app:v1");
  assert.equal((await policed.pull("other/app:v1")).code, 0);
  const check = () => policed.run("policy", "check", `${host}/other/app:v1`);
  assert.match((await check()).stdout, /^Name: {5}any may come in\nRule: {5}none is for it$/m);
  await policed.configure(`verify: [{images: ${host}/other/*, required: false}]\nallowed:\n  - ${host}/other/*\n`);
  const { code, stdout } = await check();
  assert.equal(code, 0);
  assert.match(stdout, /^Name: {5}by \S+\/other\/\* \(\S+policy\.yaml:3\)$/m);
  assert.match(stdout, /not-required: nobody has to have signed it/);
});

Deno.test("config show tells rules and names with their places", async () => {
  await using policed = await startPoliced();
  await policed.configure(`verify: [{images: "*", keys: [team.pub], overridable: true}]\nallowed:\n  - trace_*\n`);
  const { verify, allowed } = JSON.parse((await policed.run("config", "show", "-o", "json")).stdout);
  const path = policed.scratch.at("policy.yaml");
  const rule = {
    images: ["*"],
    required: true,
    overridable: true,
    keys: [policed.scratch.at("team.pub")],
    checkName: false,
  };
  assert.deepEqual(verify, { value: [rule], from: `${path}:1` });
  assert.deepEqual(allowed, { value: ["trace_*"], from: `${path}:3` });
  const { stdout } = await policed.run("config", "show");
  assert.match(stdout, /^verify +\* by keys/m);
});
