import { strict as assert } from "node:assert";
import fc from "fast-check";
import { basicCredentials, withoutSecrets } from "./credential.ts";

const JOE = { username: "joe", password: 'Pa<ss&wo"rd/+é%41' };

Deno.test("a secret is taken out of a text in every form that it is written in", () => {
  const basic = basicCredentials(JOE.username, JOE.password);
  const forms = [
    JOE.password,
    JOE.password.toLowerCase(),
    basic,
    basic.replace(/=+$/, ""),
    btoa(String.fromCharCode(...new TextEncoder().encode(JOE.password))),
    encodeURIComponent(JOE.password),
    encodeURIComponent(JOE.password).toLowerCase(),
    new URLSearchParams({ p: JOE.password }).toString().slice(2),
    JSON.stringify(JOE.password).slice(1, -1),
    'Pa\\u003css\\u0026wo\\"rd/+\\u00e9%41',
    'Pa<ss&wo\\"rd/+\\u00e9%41',
    "Pa&lt;ss&amp;wo&quot;rd/+é%41",
    "Pa&lt;ss&amp;wo&#34;rd/+é%41",
  ];
  for (const form of forms) {
    const text = withoutSecrets(`it was <${form}>, twice: ${form}`, JOE);
    assert.match(text, /^it was <\*\*\*=*>, twice: \*\*\*=*$/, form);
  }
});

Deno.test("the longest secret goes first, and short ones stay: they would tear words apart", () => {
  assert.equal(withoutSecrets("token-secret-end", { password: "secret", identityToken: "token-secret-end" }), "***");
  assert.equal(withoutSecrets("a cat sat", { username: "u", password: "at" }), "a cat sat");
  assert.equal(withoutSecrets("nothing", {}), "nothing");
});

Deno.test("no password is left in a text, whatever it is made of", () => {
  fc.assert(fc.property(fc.string({ minLength: 4, maxLength: 30, unit: "binary" }), (password) => {
    const text = withoutSecrets(`it is ${password} here`, { username: "u", password });
    assert.ok(!text.includes(password) || "it is *** here".includes(password), JSON.stringify([password, text]));
  }));
});
