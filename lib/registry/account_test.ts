import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { SatchelError } from "../error.ts";
import { answer, serve } from "./_server.ts";
import { tryAccount } from "./mod.ts";

const ALICE = { username: "alice", password: "geheim-ü" };
const BASIC = `Basic ${Buffer.from("alice:geheim-ü").toString("base64")}`;
const options = { plainHttp: true, retryDelay: 0, retries: 0 };
const { signal } = new AbortController();

Deno.test("an account is accepted by HTTP Basic only after the registry has asked for it", async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization === BASIC) return answer(response, 200);
    answer(response, 401, { "www-authenticate": 'Basic realm="x"' });
  });
  equal(await tryAccount(server.host, ALICE, options, signal), "accepted");
  deepEqual(server.seen.map(({ url, headers }) => [url, headers.authorization]), [["/v2/", undefined], [
    "/v2/",
    BASIC,
  ]]);
});

Deno.test("with a token service the account goes there alone, and the token is tried on the registry", async () => {
  await using server = await serve((request, response) => {
    if (request.url?.startsWith("/token?service=reg")) {
      return answer(response, 200, {}, JSON.stringify({ token: "t1" }));
    }
    if (request.headers.authorization === "Bearer t1") return answer(response, 200);
    answer(response, 401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token",service="reg"` });
  });
  equal(await tryAccount(server.host, ALICE, options, signal), "accepted");
  deepEqual(server.seen.map(({ headers }) => headers.authorization), [undefined, BASIC, "Bearer t1"]);
});

Deno.test("a registry that asks for nothing is not sent the account", async () => {
  await using server = await serve((_request, response) => answer(response, 200));
  equal(await tryAccount(server.host, ALICE, options, signal), "not asked");
  deepEqual(server.seen.map(({ headers }) => headers.authorization), [undefined]);
});

Deno.test("another host that a registry redirects to gets no account", async () => {
  await using thief = await serve((_request, response) => answer(response, 401, { "www-authenticate": "Basic" }));
  await using server = await serve((_request, response) =>
    answer(response, 307, { location: `http://${thief.host}/v2/` })
  );
  await rejects(tryAccount(server.host, ALICE, options, signal));
  ok(thief.seen.every(({ headers }) => headers.authorization === undefined));
});

Deno.test("a registry that says back what it was sent does not get it into the error", async () => {
  await using server = await serve((request, response) => {
    const said = `wrong: ${request.headers.authorization} geheim-ü`;
    answer(
      response,
      401,
      { "www-authenticate": "Basic", "content-type": "application/json" },
      JSON.stringify({ errors: [{ code: "DENIED", message: said }] }),
    );
  });
  await rejects(tryAccount(server.host, ALICE, options, signal), (error) => {
    ok(error instanceof SatchelError && error.code === "denied");
    match(error.message, /^Cannot log in to 127.*wrong: Basic \*\*\* \*\*\*/);
    equal(error.cause, undefined);
    return true;
  });
});

Deno.test("only a refusal of the account asks whether the account is right", async () => {
  const header = (value: string | undefined): Record<string, string> => value ? { "www-authenticate": value } : {};
  for (const value of [undefined, "Negotiate"]) {
    await using server = await serve((_request, response) => answer(response, 401, header(value)));
    await rejects(tryAccount(server.host, ALICE, options, signal), (error) => {
      ok(error instanceof SatchelError && error.code === "denied");
      ok(!error.hint?.includes("password"), error.hint);
      return true;
    });
  }
  await using service = await serve((request, response) => {
    if (request.url?.startsWith("/token")) return answer(response, 401);
    answer(response, 401, header(`Bearer realm="http://${request.headers.host}/token"`));
  });
  await rejects(tryAccount(service.host, ALICE, options, signal), { hint: /Are user name and password those/ });
});
