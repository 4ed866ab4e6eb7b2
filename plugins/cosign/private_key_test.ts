import fc from "fast-check";
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { makeKeyPair } from "./key_pair.ts";
import { readCosignKey } from "./private_key.ts";

const FIXTURES = new URL("../../tests/fixtures/", import.meta.url);

/** Made by cosign 3, with an empty password. */
const KEY = Deno.readTextFileSync(new URL("cosign.key", FIXTURES));
const PUBLIC_KEY = Deno.readTextFileSync(new URL("cosign.pub", FIXTURES));

const BOX = JSON.parse(Buffer.from(KEY.replace(/-----.*-----/g, ""), "base64").toString());

function pemOf(content: string): string {
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${
    Buffer.from(content).toString("base64")
  }\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
}

function der(key: KeyObject): string {
  return key.export({ format: "der", type: "spki" }).toString("hex");
}

Deno.test("a key file of cosign's is read with its password, which is an empty one here", () => {
  assert.equal(der(readCosignKey(KEY, "").public), der(createPublicKey(PUBLIC_KEY)));
});

Deno.test("the label that older versions of cosign wrote is the same", () => {
  const old = KEY.replaceAll("SIGSTORE", "COSIGN");
  assert.equal(der(readCosignKey(old, "").public), der(createPublicKey(PUBLIC_KEY)));
});

Deno.test("a wrong password and a missing one are told apart", () => {
  assert.throws(() => readCosignKey(KEY, "guess"), /^Error: the password of the private key is wrong$/);
  assert.throws(() => readCosignKey(KEY), /is encrypted, and there is no password$/);
});

const params = (change: object) => ({ kdf: { ...BOX.kdf, params: { ...BOX.kdf.params, ...change } } });

const REFUSED: readonly (readonly [what: string, change: object, message: RegExp])[] = [
  ["an N that takes all of the memory", params({ N: 2 ** 30 }), /other parameters than cosign's/],
  ["an N that is hardly any work", params({ N: 2 }), /other parameters than cosign's/],
  ["an r of others", params({ r: 2 ** 20 }), /other parameters than cosign's/],
  ["a p that takes years", params({ p: 2 ** 30 }), /other parameters than cosign's/],
  ["parameters that are texts", params({ N: "65536" }), /other parameters than cosign's/],
  ["no parameters", { kdf: { name: "scrypt", salt: BOX.kdf.salt } }, /no object "params"/],
  ["another derivation", { kdf: { ...BOX.kdf, name: "argon2" } }, /not encrypted with scrypt/],
  ["another cipher", { cipher: { ...BOX.cipher, name: "aes" } }, /not encrypted by nacl\/secretbox/],
  ["no cipher", { cipher: null }, /no object "cipher"/],
  ["a short nonce", { cipher: { ...BOX.cipher, nonce: "AAAA" } }, /nonce of the private key is too short/],
  ["a salt that is not base64", { kdf: { ...BOX.kdf, salt: "#" } }, /salt of the private key is not base64/],
  ["no content", { ciphertext: "" }, /the private key is missing/],
  ["a content that is shorter than its tag", { ciphertext: "AAAA" }, /password of the private key is wrong/],
];

for (const [what, change, message] of REFUSED) {
  Deno.test(`a key file with ${what} is refused`, () => {
    assert.throws(() => readCosignKey(pemOf(JSON.stringify({ ...BOX, ...change })), ""), message);
  });
}

Deno.test("what is in a key file is one JSON object, in which nothing stands twice", () => {
  assert.throws(() => readCosignKey(pemOf("[]"), ""), /is no JSON object/);
  assert.throws(() => readCosignKey(pemOf(JSON.stringify(BOX).slice(0, -5)), ""), /is not JSON/);
  const twice = JSON.stringify(BOX).replace('"kdf":', '"ciphertext":"AAAA","kdf":');
  assert.throws(() => readCosignKey(pemOf(twice), ""), /has "ciphertext" twice/);
});

Deno.test("whatever happened to a key file of cosign's, it is told of in words without secrets", () => {
  const password = "a password that is told to nobody";
  const text = JSON.stringify(BOX);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ unit: "grapheme-ascii", maxLength: 4 }), (at, change) => {
      const changed = pemOf(text.slice(0, at) + change + text.slice(at + change.length));
      assert.throws(() => readCosignKey(changed, password), (error: unknown) => {
        assert.ok(error instanceof Error && !error.message.includes(password));
        assert.doesNotMatch(error.message, /[A-Za-z0-9+/]{24}/);
        return true;
      });
    }),
    { numRuns: 30 },
  );
});

for (const type of ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"] as const) {
  Deno.test(`a pair of keys ${type} that was made is read again, with its password alone`, async () => {
    const { privateKey, publicKey } = await makeKeyPair(type, "pässword");
    assert.match(privateKey, /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n([A-Za-z0-9+/]{64}\n)+/);
    assert.equal(der(readCosignKey(privateKey, "pässword").public), der(createPublicKey(publicKey)));
    assert.throws(() => readCosignKey(privateKey, ""), /is wrong$/);
  });
}

Deno.test("a pair of keys has the parameters of cosign 3, and a salt and a nonce of its own", async () => {
  const boxes = [];
  for (let count = 0; count < 2; count++) {
    const { privateKey } = await makeKeyPair("ed25519", "");
    boxes.push(JSON.parse(Buffer.from(privateKey.replace(/-----.*-----/g, ""), "base64").toString()));
  }
  for (const box of boxes) {
    assert.deepEqual(box.kdf.params, BOX.kdf.params);
    assert.deepEqual([box.kdf.name, box.cipher.name], [BOX.kdf.name, BOX.cipher.name]);
    assert.deepEqual([box.kdf.salt.length, box.cipher.nonce.length], [BOX.kdf.salt.length, BOX.cipher.nonce.length]);
  }
  assert.notEqual(boxes[0].kdf.salt, boxes[1].kdf.salt);
  assert.notEqual(boxes[0].cipher.nonce, boxes[1].cipher.nonce);
});
