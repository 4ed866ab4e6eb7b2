import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import type { Artifact, SignRequest } from "../../lib/plugin/contract.ts";
import { PLAIN } from "../signing/_keys_testing.ts";
import { sign } from "./sign.ts";

const REQUEST: SignRequest = {
  reference: "registry.example.org/team/app:v1",
  subject: { mediaType: "application/vnd.oci.image.index.v1+json", digest: `sha256:${"a1".repeat(32)}`, size: 3 },
  key: PLAIN,
  annotations: {},
  time: 1_700_000_000,
};

const PUBLIC_KEY = createPublicKey(PLAIN);

function signed(change: Partial<SignRequest>): Artifact {
  const { artifacts } = sign({ ...REQUEST, ...change });
  assert.equal(artifacts.length, 1);
  return artifacts[0];
}

function textOf(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}

Deno.test("without a format a signature is a bundle, byte for byte as cosign 3 lays it out", () => {
  const { artifactType, layers: [layer], annotations, config, tag } = signed({});
  assert.equal(artifactType, "application/vnd.dev.sigstore.bundle.v0.3+json");
  assert.equal(layer.mediaType, artifactType);
  assert.deepEqual([config, tag], [undefined, undefined]);
  assert.deepEqual(annotations, {
    "dev.sigstore.bundle.content": "dsse-envelope",
    "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
    "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
  });
  const statement = '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"' + "a1".repeat(32) +
    '"},"annotations":{}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}';
  const hint = createHash("sha256").update(PUBLIC_KEY.export({ format: "der", type: "spki" })).digest("base64");
  const bundle = textOf(layer.data);
  const { sig } = JSON.parse(bundle).dsseEnvelope.signatures[0];
  assert.equal(
    bundle,
    `{"mediaType":"${artifactType}","verificationMaterial":{"publicKey":{"hint":"${hint}"}},"dsseEnvelope":{"payload":"` +
      `${
        Buffer.from(statement).toString("base64")
      }","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"${sig}"}]}}`,
  );
  const encoded = `DSSEv1 28 application/vnd.in-toto+json ${statement.length} ${statement}`;
  assert.ok(verify("sha256", Buffer.from(encoded), PUBLIC_KEY, Buffer.from(sig, "base64")));
});

Deno.test("annotations of a bundle are those of its subject", () => {
  const { layers: [layer] } = signed({ annotations: { zeta: "1", "a<b": "é" } });
  const { payload } = JSON.parse(textOf(layer.data)).dsseEnvelope;
  assert.match(textOf(payload), /"annotations":{"a<b":"é","zeta":"1"}/);
});

const PAYLOAD =
  '{"critical":{"identity":{"docker-reference":"registry.example.org/team/app"},"image":{"docker-manifest-digest":"' +
  REQUEST.subject.digest + '"},"type":"cosign container image signature"},"optional":null}';

Deno.test("a signature by a tag is what cosign 2 writes", () => {
  const { layers: [layer], config, tag, annotations } = signed({ format: "legacy" });
  assert.equal(tag, `sha256-${"a1".repeat(32)}.sig`);
  assert.equal(annotations, undefined);
  assert.equal(layer.mediaType, "application/vnd.dev.cosign.simplesigning.v1+json");
  assert.equal(textOf(layer.data), PAYLOAD);
  assert.deepEqual(Object.keys(layer.annotations!), ["dev.cosignproject.cosign/signature"]);
  const signature = Buffer.from(layer.annotations!["dev.cosignproject.cosign/signature"], "base64");
  assert.ok(verify("sha256", Buffer.from(PAYLOAD), PUBLIC_KEY, signature));
  const diffId = `sha256:${createHash("sha256").update(PAYLOAD).digest("hex")}`;
  assert.equal(config?.mediaType, "application/vnd.oci.image.config.v1+json");
  assert.deepEqual(JSON.parse(textOf(config.data)).rootfs, { type: "layers", diff_ids: [diffId] });
});

Deno.test("a signature by OCI 1.1 is the same one, as a referrer", () => {
  const { artifactType, layers, config, tag } = signed({ format: "oci-1.1" });
  assert.equal(artifactType, "application/vnd.dev.cosign.artifact.sig.v1+json");
  assert.equal(config?.mediaType, artifactType);
  assert.equal(tag, undefined);
  assert.deepEqual(layers, signed({ format: "legacy" }).layers);
});

Deno.test("annotations of a payload are escaped as Go does it, so that cosign would sign the same bytes", () => {
  const { layers: [layer] } = signed({ format: "legacy", annotations: { b: "1", "a<": ">&\u2028é" } });
  assert.match(textOf(layer.data), /"optional":{"a\\u003c":"\\u003e\\u0026\\u2028é","b":"1"}}$/);
});

Deno.test("an annotation may have any name", () => {
  const annotations = JSON.parse('{"__proto__":"1","constructor":"2"}');
  assert.match(
    textOf(signed({ format: "legacy", annotations }).layers[0].data),
    /"optional":{"__proto__":"1","constructor":"2"}/,
  );
});

for (
  const [reference, name] of [
    ["registry.example.org/team/app:v1", "registry.example.org/team/app"],
    ["registry.example.org:5000/team/app", "registry.example.org:5000/team/app"],
    [`localhost:5000/app:v1@sha256:${"0".repeat(64)}`, "localhost:5000/app"],
    [`localhost:5000/app@sha256:${"0".repeat(64)}`, "localhost:5000/app"],
    ["docker.io/library/app:v1", "index.docker.io/library/app"],
  ]
) {
  Deno.test(`the name that is signed for ${reference} is ${name}`, () => {
    const payload = JSON.parse(textOf(signed({ format: "legacy", reference }).layers[0].data));
    assert.equal(payload.critical.identity["docker-reference"], name);
  });
}

for (const format of ["bundle", "oci-1.1", "legacy"] as const) {
  Deno.test(`the same key, image, annotations and time give the same ${format}`, () => {
    const once = signed({ format, annotations: { a: "1", b: "2" } });
    assert.deepEqual(once, signed({ format, annotations: { b: "2", a: "1" } }));
  });
}

const REFUSED: readonly (readonly [what: string, change: Partial<SignRequest>, message: RegExp])[] = [
  ["without a key", { key: undefined }, /there is no key to sign with/],
  ["in a format of others", { format: "jws" }, /cosign has no format "jws": it has bundle, oci-1.1, legacy/],
  ["with a certificate", { certificateChain: "-----BEGIN CERTIFICATE-----" }, /are verified, and not written/],
  ["before 1970", { time: -1 }, /-1 is no time of a signature/],
  ["after the year 9999", { time: 253_402_300_800 }, /is no time of a signature/],
  ["at no time", { time: NaN }, /is no time of a signature/],
  ["of what has another digest", { subject: { ...REQUEST.subject, digest: "sha512:00" } }, /a digest by SHA-256/],
];

for (const [what, change, message] of REFUSED) {
  Deno.test(`nothing is signed ${what}`, () => {
    assert.throws(() => sign({ ...REQUEST, ...change }), message);
  });
}
