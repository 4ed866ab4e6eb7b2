import { strict as assert } from "node:assert";
import { der, makeSigstore, makeTimestampAuthority, PERSON, PROVIDER } from "../../../tests/harness/sigstore/mod.ts";
import { bundled, judge } from "../_testing.ts";
import { certifiedBundle, fateOf, trusting } from "./_testing.ts";
import { readIdentities } from "./identity.ts";
import { readTrustedRoot } from "./trusted_root.ts";

const sigstore = makeSigstore();

/** A trusted root with some members in the place of its own. */
function root(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...sigstore.trustedRoot(), ...changes });
}

/** The only member of a list of the trusted root, changed. */
function changed(name: "tlogs" | "certificateAuthorities" | "timestampAuthorities", changes: object): unknown[] {
  return [{ ...(sigstore.trustedRoot()[name][0] as object), ...changes }];
}

Deno.test("what a trusted root has is wanted of a signature", () => {
  const wanted = (text: string) => {
    const { logEntries, certificateLogEntries } = readTrustedRoot(text);
    return { logEntries, certificateLogEntries };
  };
  assert.deepEqual(wanted(root()), { logEntries: 1, certificateLogEntries: 1 });
  assert.deepEqual(wanted(root({ tlogs: [], ctlogs: undefined })), { logEntries: 0, certificateLogEntries: 0 });
});

const UNUSABLE: Readonly<Record<string, [string, RegExp]>> = {
  "is not JSON": ["trust me", /not JSON/],
  "has a member twice": [root().replace("{", '{"tlogs":[],'), /"tlogs" twice/],
  "is something else": [root({ mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" }), /mediaType/],
  "is of a later version": [root({ mediaType: "application/vnd.dev.sigstore.trustedroot.v0.9+json" }), /mediaType/],
  "has no authorities": [root({ certificateAuthorities: [] }), /no certificateAuthorities/],
  "has nothing that tells the time": [root({ tlogs: [], timestampAuthorities: [] }), /neither tlogs nor/],
  "has a list that is none": [root({ tlogs: {} }), /tlogs is no list/],
  "has a log without a beginning": [
    root({ tlogs: changed("tlogs", { publicKey: { rawBytes: "", validFor: {} } }) }),
    /does not say since when/,
  ],
  "has a log without a key": [
    root({ tlogs: changed("tlogs", { publicKey: { validFor: { start: "2020-01-01T00:00:00Z" } } }) }),
    /cannot be used/,
  ],
  "has a time that is none": [
    root({ certificateAuthorities: changed("certificateAuthorities", { validFor: { start: "yesterday" } }) }),
    /a time that is none/,
  ],
  "has an authority whose certificate is none": [
    root({
      certificateAuthorities: changed("certificateAuthorities", {
        certChain: { certificates: [{ rawBytes: "MAA=" }] },
      }),
    }),
    /cannot be used/,
  ],
  "has a timestamp authority whose key is for something else": [
    root({
      timestampAuthorities: changed("timestampAuthorities", {
        certChain: {
          certificates: makeTimestampAuthority(["1.3.6.1.5.5.7.3.1"]).certificates.map((bytes) => ({
            rawBytes: bytes.toString("base64"),
          })),
        },
      }),
    }),
    /not for timestamps/,
  ],
  "has an authority with an extension that is critical and unknown": [
    root({
      certificateAuthorities: changed("certificateAuthorities", {
        certChain: {
          certificates: [{
            rawBytes: sigstore.certify(sigstore.log.key, {
              extensions: [{ oid: "2.5.29.30", isCritical: true, value: der.sequence() }],
            }).toString("base64"),
          }],
        },
      }),
    }),
    /critical extension 2\.5\.29\.\d+, which is not known/,
  ],
};

for (const [name, [text, reason]] of Object.entries(UNUSABLE)) {
  Deno.test(`a trusted root is refused that ${name}`, () => {
    assert.throws(() => readTrustedRoot(text), reason);
  });
}

Deno.test("a log or an authority is believed only about the time that the trusted root says", async () => {
  const bundle = certifiedBundle({ sigstore, proofs: ["entry", "timestamp"] });
  const ended = { start: "2020-01-01T00:00:00Z", end: "2026-01-01T00:00:00Z" };
  for (const name of ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"] as const) {
    const isLog = name === "tlogs" || name === "ctlogs";
    const fate = await fateOf(
      bundle,
      trusting(sigstore, (given) => {
        const [member] = given[name] as Record<string, unknown>[];
        const closed = isLog
          ? { ...member, publicKey: { ...(member.publicKey as object), validFor: ended } }
          : { ...member, validFor: ended };
        return { ...given, [name]: [closed] };
      }),
    );
    assert.notEqual(fate, "good", name);
  }
});

Deno.test("a trusted root that cannot be read fails the check, and no signature is called bad for it", async () => {
  const trust = { ...trusting(sigstore), trustedRoot: "{}" };
  await assert.rejects(
    judge([bundled({ ...certifiedBundle({ sigstore }) })], trust),
    /the trusted root cannot be used/,
  );
});

const WORKFLOW = "https://git.example.org/team/app/.github/workflows/release.yml@refs/tags/v1";

Deno.test("identities are addresses of mail, URIs and user names, with the issuer as new and old certificates say it", async () => {
  const names = [PERSON, { uri: WORKFLOW }, { userName: "ci!team" }];
  for (const name of names) {
    for (const isOlder of [false, true]) {
      const bundle = certifiedBundle({ sigstore, certificate: { name, isOlder } });
      const [subject] = Object.values(name);
      const trust = trusting(sigstore, undefined, { subject, issuer: PROVIDER });
      assert.equal(await fateOf(bundle, trust), "good", subject);
    }
  }
});

Deno.test("regular expressions stand for the whole of an identity", () => {
  const trusts = (subjectRegExp: string, subject: string) =>
    readIdentities([{ subjectRegExp, issuer: PROVIDER }])({ subjects: [subject], issuer: PROVIDER });
  assert.ok(trusts("https://git\\.example\\.org/team/.*@refs/tags/.+", WORKFLOW));
  assert.ok(trusts("(?i)HTTPS://.*", WORKFLOW));
  assert.ok(!trusts("https://git\\.example\\.org/team/", WORKFLOW));
  assert.ok(!trusts("git\\.example\\.org/.*", WORKFLOW));
  assert.ok(!trusts("a|.*release", "a.release.b"));
  assert.ok(!trusts("someone@example\\.org", "someone@example.org\n"));
  assert.ok(!trusts(".*", "line\nbreak"));
});

Deno.test("a regular expression takes no longer than the text does", () => {
  const isTrusted = readIdentities([{ subjectRegExp: "(a+)+b", issuerRegExp: "((x*)*)*y" }]);
  assert.equal(isTrusted({ subjects: ["a".repeat(50_000)], issuer: "x".repeat(50_000) }), false);
});

Deno.test("one of several identities is enough, and its own issuer has to vouch for it", () => {
  const isTrusted = readIdentities([
    { subject: "one@example.org", issuer: "https://one.example.org" },
    { subject: "two@example.org", issuerRegExp: "https://(two|three)\\.example\\.org" },
  ]);
  const trusts = (subject: string, issuer?: string) => isTrusted({ subjects: ["x", subject], issuer });
  assert.ok(trusts("one@example.org", "https://one.example.org"));
  assert.ok(trusts("two@example.org", "https://three.example.org"));
  assert.ok(!trusts("two@example.org", "https://one.example.org"));
  assert.ok(!trusts("two@example.org"));
});

Deno.test("a certificate that says nothing of an issuer is good for an expression that takes any text", async () => {
  const bundle = certifiedBundle({ sigstore, certificate: { issuer: null } });
  const identity = (issuerRegExp: string) => trusting(sigstore, undefined, { subject: PERSON.email, issuerRegExp });
  assert.equal(await fateOf(bundle, identity(".*")), "good");
  assert.match(await fateOf(bundle, identity(".+")), /not trusted$/);
});

Deno.test("identities that leave something open or cannot be read are refused", () => {
  const subject = PERSON.email;
  const issuer = PROVIDER;
  for (
    const identity of [
      {},
      { subject },
      { issuer },
      { subject: "", issuer },
      { subjectRegExp: "", issuer },
      { subject, subjectRegExp: subject, issuer },
      { subject, issuerRegExp: "(" },
      { subject, issuerRegExp: "(?=a)" },
      { subjectRegExp: "((a{1000}){1000}){1000}", issuer },
    ]
  ) {
    assert.throws(() => readIdentities([identity]), /identity|regular expression/, JSON.stringify(identity));
  }
});
