import { strict as assert } from "node:assert";
import { ApiError } from "./api_error.ts";
import { type Accounts, authorize } from "./authorization.ts";

const PEER = { address: "192.0.2.1" };

/** Knows one account, and keeps what it was asked. */
function accounts(): Accounts & { asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    check(user, password, client) {
      asked.push([user, password, client]);
      return Promise.resolve(user === "jane" && password === "s:crét");
    },
  };
}

function basic(text: string): Record<string, string> {
  return { Authorization: `Basic ${new TextEncoder().encode(text).toBase64()}` };
}

function request(method: string, headers: Record<string, string> = {}): Request {
  return new Request("http://registry.test/v2/", { method, headers });
}

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("it was let in");
}

Deno.test("a request without an account is asked for one", async () => {
  for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
    const { status, options } = await refusal(authorize(request(method), PEER, { accounts: accounts() }));
    assert.equal(status, 401);
    assert.deepEqual(options.headers, { "WWW-Authenticate": 'Basic realm="satchel"' });
  }
});

Deno.test("the right password lets a request in; it may have colons and letters of all languages", async () => {
  const known = accounts();
  assert.equal(await authorize(request("PUT", basic("jane:s:crét")), PEER, { accounts: known }), "jane");
  assert.deepEqual(known.asked, [["jane", "s:crét", "192.0.2.1"]]);
});

Deno.test("a wrong user and a wrong password are told alike", async () => {
  const rules = { accounts: accounts() };
  const user = await refusal(authorize(request("GET", basic("joe:s:crét")), PEER, rules));
  const password = await refusal(authorize(request("GET", basic("jane:wrong")), PEER, rules));
  assert.equal(await user.response().text(), await password.response().text());
  assert.equal(user.status, 401);
});

Deno.test("what is no Basic credentials is refused before anybody looks for an account", async () => {
  const known = accounts();
  const wrong = [
    "Bearer abc",
    "Basic",
    "Basic !!!",
    "Basic amFuZQ==",
    "Basic Om5hbWVsZXNz",
    `Basic ${"A".repeat(5000)}`,
  ];
  for (const header of wrong) {
    const error = await refusal(authorize(request("GET", { Authorization: header }), PEER, { accounts: known }));
    assert.equal(error.status, 401, header);
  }
  assert.deepEqual(known.asked, []);
});

Deno.test("with anonymous pull, reading takes no account, writing does, and a wrong account is refused anyway", async () => {
  const rules = { accounts: accounts(), anonymousPull: true };
  assert.equal(await authorize(request("GET"), PEER, rules), undefined);
  assert.equal(await authorize(request("HEAD"), PEER, rules), undefined);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    assert.equal((await refusal(authorize(request(method), PEER, rules))).status, 401);
  }
  assert.equal((await refusal(authorize(request("GET", basic("jane:wrong")), PEER, rules))).status, 401);
});

Deno.test("a page of another site that has a browser write here is refused, also where nobody needs an account", async () => {
  const sent: Record<string, string>[] = [
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
  ];
  for (const headers of sent) {
    assert.equal((await refusal(authorize(request("POST", headers), PEER, {}))).status, 403);
  }
  assert.equal(await authorize(request("GET", { Origin: "https://evil.example" }), PEER, {}), undefined);
  assert.equal(await authorize(request("POST"), PEER, {}), undefined);
});
