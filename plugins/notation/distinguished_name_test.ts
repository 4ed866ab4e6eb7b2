import { strict as assert } from "node:assert";
import { ASN1Obj } from "@sigstore/core";
import { Buffer } from "node:buffer";
import { der, makeCertificate, utf8 } from "./_certificates_testing.ts";
import { fitsIdentity, nameOf, parseName } from "./distinguished_name.ts";

function nameWith(...more: readonly (readonly [string, string | Buffer])[]) {
  const { name } = makeCertificate({ name: [["C", "US"], ["ST", "WA"], ["O", "Example, Inc."], ...more] });
  return nameOf(ASN1Obj.parseBuffer(name as Buffer<ArrayBuffer>));
}

Deno.test("names are read as RFC 4514 has them", () => {
  const names = {
    "C=US,ST=WA,O=x": "x",
    " C = US , S = WA , O = x y ": "x y",
    "C=US,ST=WA,O=a\\,b": "a,b",
    "C=US,ST=WA,O=a\\2Cb": "a,b",
    "C=US,ST=WA,O=\\C3\\A4ä": "ää",
    "C=US,ST=WA,O=x\\ ": "x ",
    "C=US,ST=WA,O=a=b": "a=b",
    "C=US,ST=WA,O=😀": "😀",
  };
  for (const [text, expected] of Object.entries(names)) {
    assert.deepEqual([...parseName(text)], [["C", "US"], ["ST", "WA"], ["O", expected]]);
  }
});

Deno.test("a name that leaves open what it means is refused", () => {
  const broken = [
    "",
    "C=US",
    "C=US,ST=WA,O=",
    "C=US,ST=WA,O=x,",
    "C=US,ST=WA,O=x,O=y",
    "C=US,ST=WA,S=WA,O=x",
    "C=US,ST=WA,O=#0403",
    "C=US+ST=WA,O=x",
    'C=US,ST=WA,O="x"',
    "C=US,ST=WA,O=x\\",
    "C=US,ST=WA,O=\\FF",
    "c=US,ST=WA,O=x",
    "C=US;ST=WA;O=x",
  ];
  for (const text of broken) assert.throws(() => parseName(text), /the name "/, text);
});

Deno.test("a certificate's name may have more than the identity, and what is there twice fits nothing", () => {
  const identity = parseName("C=US, ST=WA, O=Example\\, Inc., CN=signer");
  assert.ok(fitsIdentity(nameWith(["CN", "signer"]), identity));
  assert.ok(fitsIdentity(nameWith(["CN", "signer"], ["email", "a@example.org"], ["OU", "x"]), identity));
  assert.ok(!fitsIdentity(nameWith(["CN", "other"]), identity));
  assert.ok(!fitsIdentity(nameWith(["CN", "signer"], ["CN", "other"]), identity));
  assert.ok(!fitsIdentity(nameWith(["CN", "other"], ["CN", "signer"]), identity));
  assert.ok(!fitsIdentity(nameWith(), identity));
});

Deno.test("each kind of text in a name is read as what it is, and what is no text fits nothing", () => {
  const identity = parseName("C=US, ST=WA, O=Example\\, Inc., CN=añ");
  const utf16 = Buffer.from([0, 0x61, 0, 0xf1]);
  assert.ok(fitsIdentity(nameWith(["CN", utf8("añ")]), identity));
  assert.ok(fitsIdentity(nameWith(["CN", der(30, utf16)]), identity));
  const latin1 = Buffer.from([0x61, 0xf1]);
  for (const tag of [12, 19, 22, 20, 4, 0x80]) {
    assert.ok(!fitsIdentity(nameWith(["CN", der(tag, latin1)]), identity), `tag ${tag}`);
  }
});
