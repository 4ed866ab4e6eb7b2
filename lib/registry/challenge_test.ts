import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { parseChallenges } from "./challenge.ts";

function parsed(header: string) {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

Deno.test("a challenge keeps commas inside of quotes together", () => {
  deepEqual(parsed('Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push"'), [
    ["bearer", { realm: "https://auth.example/token", service: "r", scope: "repository:a:pull,push" }],
  ]);
});

Deno.test("several challenges stand in one header", () => {
  deepEqual(parsed('Basic realm="a, b" , Bearer realm="https://c", scope=d,Negotiate, Digest nonce=x'), [
    ["basic", { realm: "a, b" }],
    ["bearer", { realm: "https://c", scope: "d" }],
    ["negotiate", {}],
    ["digest", { nonce: "x" }],
  ]);
});

Deno.test("schemes and parameter names do not depend on case", () => {
  deepEqual(parsed('BEARER Realm="x",SERVICE=y'), [["bearer", { realm: "x", service: "y" }]]);
});

Deno.test("escapes in quotes are undone", () => {
  deepEqual(parsed(String.raw`Basic realm="say \"hi\\\", ok"`), [["basic", { realm: String.raw`say "hi\", ok` }]]);
});

Deno.test("spaces around the equals sign and empty list members are taken", () => {
  deepEqual(parsed(', , Basic realm = "x" ,, charset = UTF-8,'), [["basic", { realm: "x", charset: "UTF-8" }]]);
});

Deno.test("an opaque value in place of parameters does not hide the next challenge", () => {
  deepEqual(parsed('Negotiate YWJj==, Basic realm="x"'), [["negotiate", {}], ["basic", { realm: "x" }]]);
});

Deno.test("the first of two parameters of the same name counts", () => {
  deepEqual(parsed('Bearer realm="https://good",realm="https://evil"'), [["bearer", { realm: "https://good" }]]);
});

Deno.test("what cannot be read ends the reading and keeps what came before", () => {
  deepEqual(parsed('Basic realm="x", Bearer realm="unfinished'), [["basic", { realm: "x" }], ["bearer", {}]]);
  deepEqual(parsed(""), []);
  deepEqual(parsed('"'), []);
  deepEqual(parsed("x".repeat(20_000)), []);
});

const tokenText = fc.stringMatching(/^[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,10}$/);
const anyValue = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });

Deno.test("challenges that were written by the grammar are read back", () => {
  const challenge = fc.record({
    scheme: tokenText,
    parameters: fc.uniqueArray(fc.tuple(tokenText, anyValue), {
      selector: ([name]) => name.toLowerCase(),
      minLength: 1,
      maxLength: 5,
    }),
  });
  fc.assert(fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
    const header = challenges.map(({ scheme, parameters }) =>
      `${scheme} ${parameters.map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`).join(", ")}`
    ).join(", ");
    deepEqual(
      parseChallenges(header).map(({ scheme, parameters }) => ({ scheme, parameters: [...parameters] })),
      challenges.map(({ scheme, parameters }) => ({
        scheme: scheme.toLowerCase(),
        parameters: parameters.map(([name, value]) => [name.toLowerCase(), value]),
      })),
    );
  }));
});

Deno.test("any text is read without an error, and quickly", () => {
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => {
    for (const { scheme } of parseChallenges(text)) equal(scheme, scheme.toLowerCase());
  }));
  const started = performance.now();
  for (const part of ['a="', "a=b,", "a ", ",", '\\"', "a= ", "=", "a=b ", '"x", ']) {
    parseChallenges(part.repeat(3_000));
  }
  equal(performance.now() - started < 2_000, true);
});
