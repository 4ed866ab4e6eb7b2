import assert from "node:assert/strict";
import { makeAuthority, makeCertificate } from "../../plugins/notation/_certificates_testing.ts";
import { makePolicy } from "../../plugins/notation/_testing.ts";
import { describe, notationSign, peerTest } from "../harness/mod.ts";
import { identityToken, PERSON, PROVIDER, serveSigstore } from "../harness/sigstore/mod.ts";
import { cosignSucceeds } from "./cosign_keys.ts";
import { startPoliced } from "./policed.ts";
import { writeFile } from "./plugin_files.ts";

const DAY = 24 * 60 * 60 * 1000;

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * DAY).toISOString().replace(/\.\d+/, "");
}

peerTest("cosign", "a rule trusts whom a certificate is for, to the letter or by a regular expression", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await using services = serveSigstore();
  await writeFile(scratch.at("root.json"), JSON.stringify(services.sigstore.trustedRoot()));
  await writeFile(scratch.at("signing-config.json"), services.signingConfig());
  const image = await policed.push("team/app:v1");
  const flags = ["--signing-config", "signing-config.json", "--trusted-root", "root.json", "--allow-http-registry"];
  const name = `${host}/team/app@${image.root.digest}`;
  await cosignSucceeds(scratch, "sign", "--yes", ...flags, "--identity-token", identityToken(PERSON.email), name);
  const pullBy = async (subject: string, root = "root.json") => {
    const identity = `{${subject}, issuer: "${PROVIDER}"}`;
    await policed.configure(`verify: [{images: "*", identities: [${identity}], trustedRoot: ${root}}]\n`);
    return await policed.pull("team/app:v1");
  };
  for (const subject of [`subject: ${PERSON.email}`, `subjectRegExp: .*@example\\.org`]) {
    const outcome = await pullBy(subject);
    assert.equal(outcome.code, 0, describe(outcome));
    assert.match(outcome.stderr, /^Verified /m);
  }
  for (const subject of ["subject: else@example.org", `subjectRegExp: ${PERSON.email.slice(0, 7)}`]) {
    const outcome = await pullBy(subject);
    assert.equal(outcome.code, 5, describe(outcome));
  }
  const missing = await pullBy(`subject: ${PERSON.email}`, "gone.json");
  assert.equal(missing.code, 5, describe(missing));
  assert.match(missing.stderr, /gone\.json does not exist/);
  await writeFile(scratch.at("gone.json"), "{");
  assert.match((await pullBy(`subject: ${PERSON.email}`, "gone.json")).stderr, /gone\.json is not JSON/);
});

peerTest(
  "notation-go",
  "a rule trusts by notation's policy and certificates, and one of several kinds is enough",
  async () => {
    await using policed = await startPoliced();
    const { scratch, registry: { host } } = policed;
    const valid = { notBefore: daysFromNow(-30), notAfter: daysFromNow(30) };
    const root = makeAuthority("root", valid);
    const leaf = makeCertificate({ issuer: root, ...valid });
    const key = leaf.key.export({ format: "pem", type: "pkcs8" }).toString();
    const image = await policed.push("team/app:v1");
    await notationSign(scratch, { key, chain: leaf.pem + root.pem }, `${host}/team/app@${image.root.digest}`);
    await writeFile(scratch.at("trust.json"), makePolicy());
    await writeFile(scratch.at("ca.crt"), root.pem);
    await writeFile(scratch.at("other.crt"), makeAuthority("root", valid).pem);
    const pullBy = async (certificates: string, more = "") => {
      const notation = `notation: {policy: trust.json, certificates: [${certificates}]}`;
      await policed.configure(`verify: [{images: "*", ${notation}${more}}]\n`);
      return await policed.pull("team/app:v1");
    };
    const outcome = await pullBy("ca.crt");
    assert.equal(outcome.code, 0, describe(outcome));
    assert.match(outcome.stderr, /^Verified .* \(notation\)$/m);
    const other = await pullBy("other.crt");
    assert.equal(other.code, 5, describe(other));
    const both = await pullBy("ca.crt", ", keys: [team.pub]");
    assert.equal(both.code, 0, describe(both));
    await writeFile(scratch.at("ca.crt"), key);
    const secret = await pullBy("ca.crt");
    assert.equal(secret.code, 5, describe(secret));
    assert.doesNotMatch(secret.stderr, new RegExp(key.split("\n")[1].replaceAll(/[+/]/g, ".")));
  },
);
