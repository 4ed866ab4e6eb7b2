import { p256, p384, p521 } from "@noble/curves/nist.js";
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { curveOf, type HashName, signEcdsa } from "./ecdsa.ts";

/** From RFC 6979, appendices A.2.5 to A.2.7: numbers in hexadecimal, for the message "sample". */
const VECTORS = [
  {
    curve: "P-256",
    hash: "sha256",
    key: "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    r: "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
    s: "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
  },
  {
    curve: "P-384",
    hash: "sha256",
    key: "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
    r: "21B13D1E013C7FA1392D03C5F99AF8B30C570C6F98D4EA8E354B63A21D3DAA33BDE1E888E63355D92FA2B3C36D8FB2CD",
    s: "F3AA443FB107745BF4BD77CB3891674632068A10CA67E3D45DB2266FA7D1FEEBEFDC63ECCD1AC42EC0CB8668A4FA0AB0",
  },
  {
    curve: "P-521",
    hash: "sha256",
    key:
      "0FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC" +
      "0C08B0E996B83538",
    r: "1511BB4D675114FE266FC4372B87682BAECC01D3CC62CF2303C92B3526012659D16876E25C7C1E57648F23B73564D67F61C6F14D527D54972810421" +
      "E7D87589E1A7",
    s: "04A171143A83163D6DF460AAF61522695F207A58B95C0644D87E52AA1A347916E4F7A72930B1BC06DBE22CE3F58264AFD23704CBB63B29B931F7DE6" +
      "C9D949A7ECFC",
  },
] as const;

const SIZES = { "P-256": 32, "P-384": 48, "P-521": 66 };
const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 };

function bytesOf(hex: string, size: number): Buffer {
  return Buffer.from(hex.padStart(2 * size, "0").slice(-2 * size), "hex");
}

function keyOf(curve: keyof typeof SIZES, hex: string): { key: KeyObject; public: KeyObject } {
  const size = SIZES[curve];
  const point = CURVES[curve].getPublicKey(bytesOf(hex, size), false);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const jwk = {
    kty: "EC",
    crv: curve,
    d: base64(bytesOf(hex, size)),
    x: base64(point.subarray(1, 1 + size)),
    y: base64(point.subarray(1 + size)),
  };
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  return { key, public: createPublicKey(key) };
}

for (const { curve, hash, key, r, s } of VECTORS) {
  Deno.test(`a signature on ${curve} is the one of RFC 6979`, () => {
    const signature = signEcdsa(keyOf(curve, key), Buffer.from("sample"), hash, "ieee-p1363");
    const size = SIZES[curve];
    assert.equal(
      Buffer.from(signature).toString("hex"),
      Buffer.concat([bytesOf(r, size), bytesOf(s, size)]).toString("hex"),
    );
  });
}

for (const [curve, hash] of [["P-256", "sha256"], ["P-384", "sha384"], ["P-521", "sha512"], ["P-384", "sha256"]]) {
  Deno.test(`node:crypto verifies what is signed on ${curve} over ${hash}, in both encodings`, () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
    const message = Buffer.from("a message");
    for (const dsaEncoding of ["der", "ieee-p1363"] as const) {
      const signature = signEcdsa({ key: privateKey, public: publicKey }, message, hash as HashName, dsaEncoding);
      assert.ok(verify(hash, message, { key: publicKey, dsaEncoding }, signature), dsaEncoding);
      assert.ok(!verify(hash, Buffer.from("another"), { key: publicKey, dsaEncoding }, signature), dsaEncoding);
    }
  });
}

Deno.test("a key whose public half is another's signs nothing", () => {
  const one = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.throws(
    () => signEcdsa({ key: one.privateKey, public: other.publicKey }, Buffer.from("a"), "sha256"),
    /is that of another one$/,
  );
});

Deno.test("curves of others are not known", () => {
  assert.equal(curveOf(generateKeyPairSync("ed25519").privateKey), undefined);
  assert.equal(curveOf(generateKeyPairSync("ec", { namedCurve: "secp224r1" }).privateKey), undefined);
});
