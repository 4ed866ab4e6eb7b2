import { strict as assert } from "node:assert";
import { makeAuthority, makeCertificate } from "./_certificates_testing.ts";
import { FORMATS, judgeOne, makeSigner } from "./_testing.ts";

const KEYS = { PS256: 2048, PS384: 3072, PS512: 4096, ES256: "P-256", ES384: "P-384", ES512: "P-521" } as const;

for (const format of FORMATS) {
  for (const [algorithm, key] of Object.entries(KEYS)) {
    Deno.test(`a signature by ${algorithm} in ${format} is good`, () => {
      const { isGood, reason, ...found } = judgeOne(makeSigner({ key }), { format });
      assert.ok(isGood, reason);
      assert.deepEqual(found, { ...found, format: `notation ${format}`, algorithm });
    });
  }

  Deno.test(`a signature in ${format} by a chain of three is good, and so is one by a certificate that signed itself`, () => {
    const root = makeAuthority("root");
    const middle = makeAuthority("middle", { issuer: root });
    const leaf = makeCertificate({ issuer: middle });
    assert.ok(judgeOne({ leaf, chain: [leaf, middle, root], root }, { format }).isGood);
    assert.ok(judgeOne({ leaf, chain: [leaf, middle, root], root: middle }, { format }).isGood);
    const own = makeCertificate();
    assert.ok(judgeOne({ leaf: own, chain: [own], root: own }, { format }).isGood);
  });
}
