import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync } from "node:crypto";
import { ecdsa, ed25519, fates, judge, rsa, type Signer, simpleSigning, tagged } from "./_testing.ts";
import { readPublicKeys } from "./keys.ts";

const HASHES = ["sha256", "sha384", "sha512"] as const;
const OTHER_RSA = () => rsa("sha256", "pkcs1", undefined, 2);

/** Ways to sign, each with another key of the same kind; by the names that the evidence has. */
const WAYS: { algorithm: string; sign: () => Signer; other: () => Signer }[] = [
  ...["P-256", "P-384", "P-521"].flatMap((curve) =>
    HASHES.map((hash) => ({
      algorithm: `ECDSA ${hash}`,
      sign: () => ecdsa(curve, hash),
      other: () => ecdsa(curve, hash),
    }))
  ),
  ...HASHES.map((hash) => ({ algorithm: `RSA PKCS#1 v1.5 ${hash}`, sign: () => rsa(hash), other: OTHER_RSA })),
  ...HASHES.flatMap((hash) => {
    const length = Number(hash.slice(3)) / 8;
    return [0, 20, length, 256 - length - 2].map((salt) => ({
      algorithm: `RSA-PSS ${hash}`,
      sign: () => rsa(hash, "pss", salt),
      other: OTHER_RSA,
    }));
  }),
  { algorithm: "Ed25519", sign: () => ed25519(), other: () => ed25519() },
  { algorithm: "Ed25519ph", sign: () => ed25519(true), other: () => ed25519(true) },
];

Deno.test("signatures by keys of each kind, over each hash, are good with the key that made them, and with no other", async () => {
  for (const { algorithm, sign, other } of WAYS) {
    const signer = sign();
    const artifacts = [tagged(simpleSigning(signer))];
    const { verdict, evidence } = await judge(artifacts, { publicKeys: [signer.publicKey] });
    assert.equal(verdict, "verified", algorithm);
    const [found] = evidence as { algorithm: string }[];
    assert.equal(found.algorithm, algorithm.replace("sha", "SHA-"));

    const rejected = await judge(artifacts, { publicKeys: [other().publicKey] });
    assert.equal(rejected.verdict, "rejected", algorithm);
    assert.deepEqual(fates(rejected), ["not signed by any of the public keys"]);
  }
});

Deno.test("one key that fits is enough, wherever it stands, also as a further block of one text and among other text", async () => {
  const [first, second, third] = [ecdsa(), ed25519(), rsa()];
  const texts = [
    first.publicKey,
    `# ours\r\n${second.publicKey.replaceAll("\n", "\r\n")}\r\nand\r\n${third.publicKey}`,
  ];
  for (const signer of [first, second, third]) {
    assert.equal((await judge([tagged(simpleSigning(signer))], { publicKeys: texts })).verdict, "verified");
  }
  assert.equal((await judge([tagged(simpleSigning(ecdsa()))], { publicKeys: texts })).verdict, "rejected");
});

Deno.test("an RSA key is read as PKCS#1 too, and is the same key", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const texts = (["pkcs1", "spki"] as const).map((type) => String(publicKey.export({ format: "pem", type })));
  assert.match(texts[0], /BEGIN RSA PUBLIC KEY/);
  const keys = readPublicKeys(texts);
  const spki = publicKey.export({ format: "der", type: "spki" });
  assert.deepEqual(keys.map(({ fingerprint }) => fingerprint), [createHash("sha256").update(spki).digest("hex")]);
});

const GOOD = ecdsa();
const { publicKey } = GOOD;
const body = publicKey.split("\n").slice(1, -2).join("");
const pem = (label: string, content: string) => `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`;
const pemOf = (type: "rsa-pss" | "x25519" | "ec" | "rsa", options: object) =>
  String(
    (generateKeyPairSync as (type: string, options: object) => { publicKey: ReturnType<typeof ecdsa>["key"] })(
      type,
      options,
    ).publicKey.export({ format: "pem", type: "spki" }),
  );

/** An RSA key with the exponent 1, by which anybody can sign, as PKCS#1. */
function rsaWithExponentOne(): string {
  const der = rsa().key.export({ format: "der", type: "pkcs1" });
  const changed = Buffer.concat([der.subarray(0, -"\x02\x03\x01\x00\x01".length), Buffer.from([2, 1, 1])]);
  changed.writeUInt16BE(der.readUInt16BE(2) - 2, 2);
  return pem("RSA PUBLIC KEY", changed.toString("base64"));
}

const BAD_KEYS: Record<string, { text: string; error: RegExp }> = {
  "no text": { text: "", error: /no PEM/ },
  "the name of a file": { text: "cosign.pub", error: /no PEM/ },
  "a block without end": { text: publicKey.replace(/-----END.*/, ""), error: /no PEM/ },
  "a private key": { text: pem("PRIVATE KEY", body), error: /private key/ },
  "a private key of cosign's": { text: pem("ENCRYPTED SIGSTORE PRIVATE KEY", body), error: /private key/ },
  "a certificate": { text: pem("CERTIFICATE", body), error: /PEM block CERTIFICATE/ },
  "base64 with garbage": { text: pem("PUBLIC KEY", body.replace("A", "!")), error: /not base64/ },
  "an empty block": { text: pem("PUBLIC KEY", ""), error: /not base64/ },
  "DER that ends early": {
    text: pem("PUBLIC KEY", Buffer.from(body, "base64").subarray(0, 60).toString("base64")),
    error: /cannot be read/,
  },
  "DER with something behind": {
    text: pem("PUBLIC KEY", Buffer.concat([Buffer.from(body, "base64"), Buffer.alloc(2)]).toString("base64")),
    error: /cannot be read/,
  },
  "a weak RSA key": { text: pemOf("rsa", { modulusLength: 1024 }), error: /1024 bits is too weak/ },
  "an RSA key that is almost strong enough": { text: pemOf("rsa", { modulusLength: 2040 }), error: /2040 bits/ },
  "an RSA key with the exponent 1": { text: rsaWithExponentOne(), error: /cannot be read/ },
  "an RSA key for PSS alone": { text: pemOf("rsa-pss", { modulusLength: 2048 }), error: /kind|cannot be read/ },
  "a key that does not sign": { text: pemOf("x25519", {}), error: /kind x25519|cannot be read/ },
  "a curve that is too small": { text: pemOf("ec", { namedCurve: "P-224" }), error: /secp224r1/ },
  "a curve of coins": { text: pemOf("ec", { namedCurve: "secp256k1" }), error: /secp256k1|cannot be read/ },
  "a good key and a bad one": { text: publicKey + pem("PUBLIC KEY", "AAAA"), error: /cannot be read/ },
};

for (const [name, { text, error }] of Object.entries(BAD_KEYS)) {
  Deno.test(`what is trusted has to be a key: with ${name} nothing is good, even if another key fits`, async () => {
    const artifacts = [tagged(simpleSigning(GOOD))];
    const { verdict, reason } = await judge(artifacts, { publicKeys: [GOOD.publicKey, text] });
    assert.equal(verdict, "rejected");
    assert.match(reason, error);
  });
}

Deno.test("a hundred keys are the most", () => {
  const texts = Array.from({ length: 101 }, () => ed25519().publicKey);
  assert.equal(readPublicKeys(texts.slice(0, 100)).length, 100);
  assert.throws(() => readPublicKeys(texts), /more than 100/);
  assert.equal(readPublicKeys(Array(200).fill(texts[0])).length, 1);
});
