import fc from "fast-check";
import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ENCRYPTED, OTHERWISE_ENCRYPTED, PLAIN } from "./_keys_testing.ts";
import { readPrivateKey } from "./private_key.ts";

const KEY = createPrivateKey(PLAIN);

function pem(label: string, content: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(content).toString("base64")}\n-----END ${label}-----\n`;
}

function contentOf(text: string): Uint8Array {
  return Buffer.from(text.replace(/-----.*-----/g, ""), "base64");
}

function assertSame(read: KeyObject, expected: KeyObject): void {
  const der = (key: KeyObject) => key.export({ format: "der", type: "pkcs8" });
  assert.deepEqual(der(read), der(expected));
}

/** An element of DER. */
function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from(head), content]);
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const object = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const octets = (size: number) => der(0x04, new Uint8Array(size));
const integer = (hex: string) => der(0x02, Buffer.from(hex, "hex"));
const aes256 = sequence(object("60864801650304012a"), octets(16));

/** A key encrypted by PBES2, with its derivation as asked. */
function encryptedBy(...derivation: Uint8Array[]): string {
  const scheme = sequence(object("2a864886f70d01050d"), sequence(sequence(...derivation), aes256));
  return pem("ENCRYPTED PRIVATE KEY", sequence(scheme, octets(32)));
}

Deno.test("keys are read in PKCS #8, SEC 1 and PKCS #1", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ed25519 = generateKeyPairSync("ed25519").privateKey;
  for (
    const [key, type, label] of [
      [KEY, "pkcs8", "PRIVATE KEY"],
      [KEY, "sec1", "EC PRIVATE KEY"],
      [rsa, "pkcs8", "PRIVATE KEY"],
      [rsa, "pkcs1", "RSA PRIVATE KEY"],
      [ed25519, "pkcs8", "PRIVATE KEY"],
    ] as const
  ) {
    const content = type === "pkcs1"
      ? key.export({ type, format: "der" })
      : key.export({ type: type as "pkcs8" | "sec1", format: "der" });
    assertSame(readPrivateKey(pem(label, content)).key, key);
  }
});

Deno.test("what stands around a key is passed over: text, parameters, certificates, Windows' line ends", () => {
  const parameters = pem("EC PARAMETERS", Uint8Array.of(6, 1, 1));
  assertSame(readPrivateKey(`my key\n${parameters}\n${PLAIN}${pem("CERTIFICATE", Uint8Array.of(1))}`).key, KEY);
  assertSame(readPrivateKey(PLAIN.replaceAll("\n", "\r\n")).key, KEY);
});

for (const [flags, text] of Object.entries(ENCRYPTED)) {
  Deno.test(`a key that openssl pkcs8 ${flags} encrypted is read with its password`, () => {
    assertSame(readPrivateKey(text, "pw").key, KEY);
    assert.throws(() => readPrivateKey(text, "Pw"), /^Error: the password of the private key is wrong$/);
    assert.throws(() => readPrivateKey(text), /is encrypted, and there is no password$/);
  });
}

for (const [flags, text] of Object.entries(OTHERWISE_ENCRYPTED)) {
  Deno.test(`of a key that openssl pkcs8 ${flags} encrypted it is told that this is not known`, () => {
    assert.throws(() => readPrivateKey(text, "pw"), /that is not known/);
  });
}

Deno.test("a password that a plain key does not need makes no difference", () => {
  assertSame(readPrivateKey(PLAIN, "pw").key, KEY);
});

const REFUSED: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["nothing", "", /there is no private key/],
  ["a public key", pem("PUBLIC KEY", Uint8Array.of(1)), /there is a public key, and no private one/],
  ["two keys", PLAIN + PLAIN, /more than one private key/],
  ["a key that is cut off", PLAIN.slice(0, 150), /the PEM block PRIVATE KEY has no end/],
  ["an end alone", PLAIN.slice(40), /the PEM block PRIVATE KEY has no beginning/],
  ["other ends than beginnings", PLAIN.replace("END PRIVATE", "END EC PRIVATE"), /EC PRIVATE KEY has no beginning/],
  ["no base64", PLAIN.replace("MIGH", "M*GH"), /PRIVATE KEY has is not base64/],
  ["no content", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", /is not base64/],
  ["truncated DER", pem("PRIVATE KEY", contentOf(PLAIN).subarray(0, 100)), /is damaged, or of a kind/],
  [
    "a key of SSH",
    pem("OPENSSH PRIVATE KEY", Uint8Array.of(1)),
    /OPENSSH PRIVATE KEY is no private key of a known kind/,
  ],
  [
    "a key in the box of others",
    pem("ENCRYPTED SIGSTORE PRIVATE KEY", Uint8Array.of(1)),
    /no private key of a known kind/,
  ],
  [
    "the old encryption of PEM",
    PLAIN.replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00\n\n").replaceAll(
      /PRIVATE KEY/g,
      "RSA PRIVATE KEY",
    ),
    /in the old way of PEM, which is weak/,
  ],
  ["something enormous", "x".repeat(70_000), /longer than 64 KiB/],
  [
    "a weak RSA key",
    pem(
      "PRIVATE KEY",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "der" }),
    ),
    /the RSA key has 1024 bits, and has to have 2048 to 16384/,
  ],
  [
    "years of PBKDF2",
    encryptedBy(object("2a864886f70d01050c"), sequence(octets(8), integer("7fffffff"))),
    /asks for more than 10000000 rounds of PBKDF2, which is too many/,
  ],
  [
    "a number of rounds that is none",
    encryptedBy(object("2a864886f70d01050c"), sequence(octets(8), integer("7fffffffffffffffff"))),
    /asks for more than 10000000 rounds/,
  ],
  [
    "no round of PBKDF2",
    encryptedBy(object("2a864886f70d01050c"), sequence(octets(8), integer("00"))),
    /is damaged/,
  ],
  [
    "all of the memory for scrypt",
    encryptedBy(object("2b06010401da47040b"), sequence(octets(8), integer("40000000"), integer("08"), integer("01"))),
    /asks for scrypt with N=1073741824, r=8, p=1, which is too much/,
  ],
  [
    "years of scrypt",
    encryptedBy(object("2b06010401da47040b"), sequence(octets(8), integer("4000"), integer("08"), integer("7fffff"))),
    /which is too much/,
  ],
  [
    "scrypt with an N that is no power of two",
    encryptedBy(object("2b06010401da47040b"), sequence(octets(8), integer("4001"), integer("08"), integer("01"))),
    /is damaged/,
  ],
  ["DER without an end", pem("ENCRYPTED PRIVATE KEY", Uint8Array.of(0x30, 0x80)), /is damaged/],
];

for (const [what, text, message] of REFUSED) {
  Deno.test(`${what} is refused as a private key`, () => {
    assert.throws(() => readPrivateKey(text, "pw"), message);
  });
}

const SECRET = "a password that is told to nobody";

/** What a message may not have: the password, and pieces of the key. */
function assertDiscreet(error: unknown): void {
  assert.ok(error instanceof Error, String(error));
  assert.ok(!error.message.includes(SECRET), error.message);
  assert.doesNotMatch(error.message, /[A-Za-z0-9+/]{24}/);
}

Deno.test("whatever happened to a key file, it is read or told of in words without secrets", () => {
  const texts = [PLAIN, ...Object.values(ENCRYPTED)];
  const change = fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean());
  fc.assert(
    fc.property(change, ([text, at, byte, isText]) => {
      const bytes = isText ? Buffer.from(text) : Buffer.from(contentOf(text));
      bytes[at % bytes.length] = byte;
      const changed = isText ? bytes.toString("latin1") : pem(/BEGIN (.*)-----/.exec(text)![1], bytes);
      try {
        readPrivateKey(changed, SECRET);
      } catch (error) {
        assertDiscreet(error);
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("no text makes the reader of keys fail otherwise than in words", () => {
  const words = fc.constantFrom(
    "-----BEGIN ",
    "-----END ",
    "PRIVATE KEY",
    "ENCRYPTED ",
    "-----",
    "\n",
    "MIGH",
    ":",
    "=",
    " ",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 30 }), (parts) => {
      assert.throws(() => readPrivateKey(parts.join(""), SECRET), (error) => (assertDiscreet(error), true));
    }),
    { numRuns: 1000 },
  );
});
