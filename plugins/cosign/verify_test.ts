import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import {
  digestOf,
  ecdsa,
  fates,
  IMAGE,
  judge,
  type Layer,
  payloadFor,
  type PayloadJson,
  referrer,
  simpleSigning,
  tagged,
} from "./_testing.ts";

const OURS = ecdsa();
const OTHERS = ecdsa();
const TRUST = { publicKeys: [OURS.publicKey] };
const REFERRER_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";
const ANOTHER = digestOf(Buffer.from("another image"));

/** A good signature with something about the layer changed afterwards. */
function changed(change: (layer: Layer) => Partial<Layer>): Layer {
  const layer = simpleSigning(OURS);
  return { ...layer, ...change(layer) };
}

/** A good signature with another text in the place of its signature. */
function withSignature(change: (signature: Buffer) => string): Layer {
  return changed(({ annotations }) => ({
    annotations: { [SIGNATURE]: change(Buffer.from(annotations![SIGNATURE], "base64")) },
  }));
}

/** What our key has signed, with something about the payload changed before. */
function signedPayload(change: (payload: PayloadJson) => void): Layer {
  const payload = payloadFor();
  change(payload);
  return simpleSigning(OURS, payload);
}

const text = (json: string) => simpleSigning(OURS, Buffer.from(json));

Deno.test("a signature by a tag is good, and the evidence says where it is and which key made it", async () => {
  const artifact = tagged(simpleSigning(OURS));
  const { verdict, reason, evidence } = await judge([artifact], TRUST);
  assert.equal(verdict, "verified");
  assert.match(reason, /^signed by the key [0-9a-f]{16}$/);
  const [{ digest, format, isGood, key }] = evidence as Record<string, string>[];
  assert.deepEqual({ digest, format, isGood }, {
    digest: artifact.descriptor.digest,
    format: "cosign tag",
    isGood: true,
  });
  assert.match(key, /^[0-9a-f]{64}$/);
});

Deno.test("a signature in a referrer of cosign's type is good", async () => {
  const answer = await judge([referrer(REFERRER_TYPE, simpleSigning(OURS))], TRUST);
  assert.equal(answer.verdict, "verified");
  assert.equal((answer.evidence[0] as { format: string }).format, "cosign referrer");
});

Deno.test("an image that nothing refers to, or only other things, has no signature", async () => {
  const sbom = referrer("application/spdx+json", { mediaType: "application/spdx+json", bytes: Buffer.from("{}") });
  for (const artifacts of [[], [sbom]]) {
    const { verdict, evidence } = await judge(artifacts, TRUST);
    assert.deepEqual({ verdict, evidence }, { verdict: "none", evidence: [] });
  }
});

Deno.test("without a key and without an identity the plugin has nothing to say", async () => {
  const { verdict } = await judge([tagged(simpleSigning(OURS))], {});
  assert.equal(verdict, "none");
});

Deno.test("one good signature suffices, wherever it stands, and each one's fate is told", async () => {
  const bad = [simpleSigning(OTHERS), simpleSigning(OURS, payloadFor(ANOTHER)), withSignature(() => "!")];
  const good = simpleSigning(OURS);
  for (let place = 0; place <= bad.length; place++) {
    const layers = bad.toSpliced(place, 0, good);
    const together = await judge([tagged(...layers)], TRUST);
    assert.equal(together.verdict, "verified");
    assert.deepEqual(fates(together).map((fate) => fate === "good"), layers.map((layer) => layer === good));
    const apart = await judge(layers.map((layer) => referrer(REFERRER_TYPE, layer)), TRUST);
    assert.deepEqual(fates(apart), fates(together));
  }
});

const BAD: Record<string, { layer: () => Layer; reason: RegExp }> = {
  "by another key": { layer: () => simpleSigning(OTHERS), reason: /^not signed by any of the public keys$/ },
  "by another key, of another image": {
    layer: () => simpleSigning(OTHERS, payloadFor(ANOTHER)),
    reason: /^not signed by any of the public keys$/,
  },
  "of another image": {
    layer: () => simpleSigning(OURS, payloadFor(ANOTHER)),
    reason: new RegExp(`^signed by the key .*, but is for another image \\("${ANOTHER}"\\)$`),
  },
  "of the same digest by another algorithm": {
    layer: () => simpleSigning(OURS, payloadFor(digestOf(IMAGE.manifest, "sha512"))),
    reason: /is for another image/,
  },
  "whose payload was changed afterwards": {
    layer: () => changed(({ bytes }) => ({ bytes: Buffer.from(String(Buffer.from(bytes)).replace("team", "mate")) })),
    reason: /^not signed/,
  },
  "whose payload has a space more": {
    layer: () => changed(({ bytes }) => ({ bytes: Buffer.concat([bytes, Buffer.from(" ")]) })),
    reason: /^not signed/,
  },
  "of another type": {
    layer: () => signedPayload(({ critical }) => critical.type = "atomic container signature"),
    reason: /type "atomic container signature", not "cosign container image signature"/,
  },
  "without a type": { layer: () => signedPayload(({ critical }) => delete critical.type), reason: /type nothing/ },
  "whose digest is no text": {
    layer: () => signedPayload(({ critical }) => critical.image = { "docker-manifest-digest": [IMAGE.digest] }),
    reason: /no text "docker-manifest-digest"/,
  },
  "without an identity": {
    layer: () => signedPayload(({ critical }) => delete critical.identity),
    reason: /no object "identity"/,
  },
  "with a further critical part": {
    layer: () => signedPayload(({ critical }) => critical.expires = "2020-01-01"),
    reason: /"critical" has a member "expires", which is not known/,
  },
  "with a further part of the image": {
    layer: () =>
      signedPayload(({ critical }) =>
        critical.image = { "docker-manifest-digest": IMAGE.digest, "not-before": "2099-01-01" }
      ),
    reason: /"image" has a member "not-before"/,
  },
  "with a further part of the identity": {
    layer: () => signedPayload(({ critical }) => critical.identity = { "docker-reference": "a", host: "b" }),
    reason: /"identity" has a member "host"/,
  },
  "with a further part beside the critical ones": {
    layer: () => simpleSigning(OURS, { ...payloadFor(), Critical: {} }),
    reason: /the payload has a member "Critical"/,
  },
  "with optional parts that are a list": {
    layer: () => signedPayload((payload) => payload.optional = []),
    reason: /"optional" in the payload is no object/,
  },
  "over JSON of another kind": { layer: () => simpleSigning(OURS, { a: 1 }), reason: /member "a"/ },
  "over a list": { layer: () => text("[]"), reason: /the payload is no JSON object/ },
  "over null": { layer: () => text("null"), reason: /the payload is no JSON object/ },
  "over nothing": { layer: () => text(""), reason: /the payload is not JSON/ },
  "over what is no JSON": { layer: () => text("{'critical': 1}"), reason: /the payload is not JSON/ },
  "over JSON and more": { layer: () => text(`${JSON.stringify(payloadFor())}x`), reason: /the payload is not JSON/ },
  "over JSON with a mark before it": {
    layer: () => text(`\ufeff${JSON.stringify(payloadFor())}`),
    reason: /the payload is not JSON/,
  },
  "over what is no UTF-8": {
    layer: () => simpleSigning(OURS, Buffer.from(JSON.stringify(payloadFor(IMAGE.digest, { a: "\u00ff" })), "latin1")),
    reason: /the payload is not UTF-8/,
  },
  "over JSON with a digest twice": {
    layer: () => {
      const image = (digest: string) => `"docker-manifest-digest":${JSON.stringify(digest)}`;
      return text(
        JSON.stringify(payloadFor()).replace(image(IMAGE.digest), `${image(ANOTHER)},${image(IMAGE.digest)}`),
      );
    },
    reason: /the payload has "docker-manifest-digest" twice/,
  },
  "over JSON with a part twice, once in other letters": {
    layer: () => text(JSON.stringify(payloadFor()).replace('"type"', '"\\u0074ype":"other","type"')),
    reason: /the payload has "type" twice/,
  },
  "over JSON that nests too deep": {
    layer: () => text(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
    reason: /nests more than 64 levels/,
  },
  "without the annotation": { layer: () => changed(() => ({ annotations: {} })), reason: /annotation .* is missing/ },
  "that is empty": { layer: () => withSignature(() => ""), reason: /is missing/ },
  "in base64 with garbage": {
    layer: () => withSignature((bytes) => bytes.toString("base64").replace(/.$/, "!")),
    reason: /is not base64/,
  },
  "in base64 with a line feed": {
    layer: () => withSignature((bytes) => `${bytes.toString("base64")}\n`),
    reason: /is not base64/,
  },
  "in base64 for URLs": {
    layer: () => withSignature(() => Buffer.alloc(64, 0xff).toString("base64url")),
    reason: /is not base64/,
  },
  "in DER that ends early": {
    layer: () => withSignature((bytes) => bytes.subarray(0, -1).toString("base64")),
    reason: /^not signed/,
  },
  "in DER with something behind": {
    layer: () => withSignature((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]).toString("base64")),
    reason: /^not signed/,
  },
  "in DER with a length in two bytes": {
    layer: () =>
      withSignature((bytes) => Buffer.concat([Buffer.from([0x30, 0x81]), bytes.subarray(1)]).toString("base64")),
    reason: /^not signed/,
  },
  "of zeros": {
    layer: () => withSignature(() => Buffer.from([0x30, 6, 2, 1, 0, 2, 1, 0]).toString("base64")),
    reason: /^not signed/,
  },
  "made with a certificate": {
    layer: () => ({ ...simpleSigning(OTHERS, undefined, { "dev.sigstore.cosign/certificate": "-----BEGIN ..." }) }),
    reason: /^made with a certificate: give --certificate-identity$/,
  },
};

for (const [what, { layer, reason }] of Object.entries(BAD)) {
  Deno.test(`a signature ${what} is not good, by a tag or as a referrer`, async () => {
    for (const artifact of [tagged(layer()), referrer(REFERRER_TYPE, layer())]) {
      const answer = await judge([artifact], TRUST);
      assert.equal(answer.verdict, "rejected");
      assert.match(answer.reason, reason);
      assert.deepEqual(fates(answer), [answer.reason]);
    }
  });
}

Deno.test("a manifest by the tag of signatures that has none is told as what it is", async () => {
  const layers: Layer[] = [{ mediaType: "application/vnd.oci.image.layer.v1.tar", bytes: Buffer.from("x") }];
  const index = tagged();
  const answers = [
    await judge([tagged(...layers)], TRUST),
    await judge([{ ...index, manifest: Buffer.from('{"manifests":[]}').toString("base64") }], TRUST),
    await judge([{ ...index, manifest: Buffer.from('{"layers":[1]}').toString("base64") }], TRUST),
    await judge([{ ...index, manifest: Buffer.from("{").toString("base64") }], TRUST),
  ];
  assert.deepEqual(answers.map(({ verdict }) => verdict), Array(4).fill("rejected"));
  assert.deepEqual(answers.map(({ reason }) => reason), [
    "the manifest has no layer that is a signature",
    "the manifest has no layers",
    "the manifest has a layer that is no descriptor",
    "the manifest is not JSON",
  ]);
});

Deno.test("content that was too large to be read is no signature, and does not spoil others", async () => {
  const artifact = tagged(simpleSigning(OURS, payloadFor(ANOTHER)), simpleSigning(OURS));
  const [large, good] = artifact.layers;
  const answer = await judge([{ ...artifact, layers: [{ descriptor: large.descriptor }, good] }], TRUST);
  assert.deepEqual(fates(answer), ["it is too large for a signature", "good"]);
});

Deno.test("annotations that are asked for have to be there, to the letter, as texts", async () => {
  const optional = { team: "a", build: 7, empty: "" };
  const asked = async (annotations: Record<string, string>) => {
    const artifacts = [tagged(simpleSigning(OURS, payloadFor(IMAGE.digest, optional)))];
    return fates(await judge(artifacts, { ...TRUST, annotations }))[0].replace(/.*, but /, "");
  };
  assert.equal(await asked({ team: "a" }), "good");
  assert.equal(await asked({ team: "a", empty: "" }), "good");
  assert.equal(await asked({ team: "A" }), 'has another value of the annotation "team"');
  assert.equal(await asked({ team: "a", who: "me" }), 'has no annotation "who"');
  assert.equal(await asked({ build: "7" }), 'has another value of the annotation "build"');
  assert.equal(await asked({ constructor: "a" }), 'has no annotation "constructor"');

  const answer = await judge([tagged(simpleSigning(OURS))], { ...TRUST, annotations: { team: "a" } });
  assert.match(answer.reason, /has no annotation "team"/);
});

Deno.test("the evidence of a good signature has its name and its annotations, unless they are much", async () => {
  const found = async (optional: object) => {
    const { evidence: [first] } = await judge([tagged(simpleSigning(OURS, payloadFor(IMAGE.digest, optional)))], TRUST);
    const { name, annotations } = first as Record<string, unknown>;
    return { name, annotations };
  };
  const name = IMAGE.repository;
  assert.deepEqual(await found({ team: "a", build: 7 }), { name, annotations: { team: "a" } });
  assert.deepEqual(await found({ build: 7 }), { name, annotations: undefined });
  assert.deepEqual(await found({ team: "a".repeat(3000) }), { name: undefined, annotations: undefined });
  assert.deepEqual(
    JSON.stringify(await found(JSON.parse('{"__proto__":"a"}'))),
    JSON.stringify({ name, annotations: JSON.parse('{"__proto__":"a"}') }),
  );
});

Deno.test("the name that was signed has to be the image's where that is asked for, and else is not looked at", async () => {
  const asked = async (reference: string, signed: string) => {
    const payload = payloadFor();
    payload.critical.identity = { "docker-reference": signed };
    const artifacts = [tagged(simpleSigning(OURS, payload))];
    assert.equal((await judge(artifacts, TRUST, { reference })).verdict, "verified");
    return (await judge(artifacts, { ...TRUST, checkName: true }, { reference })).verdict;
  };
  const good = [
    ["r.example:5000/a/b:v1", "r.example:5000/a/b"],
    ["r.example:5000/a/b:v1", "r.example:5000/a/b:v1"],
    ["r.example:5000/a/b:v1@sha256:00", "r.example:5000/a/b@sha256:11"],
    ["r.example:5000/a/b", "r.example:5000/a/b"],
    ["docker.io/library/app:v1", "index.docker.io/library/app"],
  ];
  for (const [reference, signed] of good) assert.equal(await asked(reference, signed), "verified", signed);
  const bad = [
    ["r.example:5000/a/b:v1", "r.example:5000/a/c"],
    ["r.example:5000/a/b:v1", "r.example:5000/a/b:v2"],
    ["r.example:5000/a/b:v1", "r.example/a/b"],
    ["r.example:5000/a/b:v1", "r.example"],
    ["r.example:5000/a/b:v1", ""],
    ["r.example:5000/a/b:v1", "r.example:5000/a/b:v1:v1"],
    ["r.example:5000/a/b", "r.example:5000/a/b:v1"],
  ];
  for (const [reference, signed] of bad) assert.equal(await asked(reference, signed), "rejected", signed);
});

Deno.test("an image with a SHA-512 digest is verified by it", async () => {
  const digest = digestOf(IMAGE.manifest, "sha512");
  const subject = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: IMAGE.manifest.length };
  const answer = await judge([referrer(REFERRER_TYPE, simpleSigning(OURS, payloadFor(digest)))], TRUST, { subject });
  assert.equal(answer.verdict, "verified");
  const other = await judge([referrer(REFERRER_TYPE, simpleSigning(OURS))], TRUST, { subject });
  assert.equal(other.verdict, "rejected");
});

Deno.test("a thousand signatures are judged, and what stands behind them is not", async () => {
  const bad = simpleSigning(OTHERS);
  const layers = (count: number) => Array<Layer>(count).fill(bad);
  const last = await judge([tagged(...layers(999), simpleSigning(OURS))], TRUST);
  assert.equal(last.verdict, "verified");
  assert.equal(last.evidence.length, 1000);

  const behind = await judge([tagged(...layers(1000), simpleSigning(OURS))], TRUST);
  assert.equal(behind.verdict, "rejected");
  assert.equal(behind.evidence.length, 1000);
  assert.equal(behind.reason, "none of more than 1000 signatures is good: not signed by any of the public keys");
});

Deno.test("a signature by a key is not good where only an identity is trusted, and says what is missing", async () => {
  const identities = [{ subject: "joe@example.org", issuer: "https://accounts.example.org" }];
  const answer = await judge([tagged(simpleSigning(OURS))], { identities, trustedRoot: "{}" });
  assert.equal(answer.verdict, "rejected");
  assert.equal(answer.reason, "made with a key: give --public-keys");
});
