import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Credential } from "../credential.ts";
import type { SatchelError } from "../error.ts";
import { answer, bodyOf, collect, repositoryAt, sampleBlob, serve, type TestServer } from "./_server.ts";

const blob = sampleBlob(100);
const ALICE = { username: "alice", password: "hunter2hunter2" };
const account: Credential = { username: "alice", password: "geheim:ü" };
const BASIC = `Basic ${Buffer.from("alice:geheim:ü").toString("base64")}`;

/** A registry that wants a token whose text is the scopes it was made for, and hands out blobs. */
function tokenRegistry(
  token: (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>,
  accepts: (authorization: string) => boolean = (authorization) => authorization.startsWith("Bearer "),
): Promise<TestServer> {
  return serve(async (request, response) => {
    const url = new URL(request.url ?? "", `http://${request.headers.host}`);
    if (url.pathname === "/token") return await token(request, response, url);
    if (!accepts(request.headers.authorization ?? "")) {
      const [, name] = /^\/v2\/(.*)\/blobs/.exec(url.pathname) ?? [];
      const challenge = `Bearer realm="${url.origin}/token",service="reg, the",scope="repository:${name}:pull"`;
      return answer(response, 401, { "www-authenticate": ["Negotiate", challenge] });
    }
    answer(response, 200, {}, blob.bytes);
  });
}

function tokenRequests(server: TestServer) {
  return server.seen.filter(({ url }) => url.startsWith("/token"));
}

Deno.test("without an account an anonymous token is fetched, once for many requests at a time", async () => {
  await using server = await tokenRegistry((_request, response, url) => {
    answer(response, 200, {}, JSON.stringify({ token: `for:${url.searchParams.get("scope")}` }));
  });
  const repository = repositoryAt(server);
  await Promise.all(Array.from({ length: 10 }, () => collect(repository.fetch(blob.descriptor))));
  await collect(repository.fetch(blob.descriptor));
  const asked = tokenRequests(server);
  equal(asked.length, 1);
  equal(asked[0].headers.authorization, undefined);
  const query = new URLSearchParams(asked[0].url.split("?")[1]);
  deepEqual([query.get("service"), query.getAll("scope")], ["reg, the", ["repository:team/app:pull"]]);
  equal(server.seen.at(-1)?.headers.authorization, "Bearer for:repository:team/app:pull");
});

Deno.test("name and password go to the token service by GET, and never to the registry itself", async () => {
  await using server = await tokenRegistry((_request, response) => answer(response, 200, {}, '{"access_token":"t"}'));
  await collect(repositoryAt(server, { credentials: () => Promise.resolve(account) }).fetch(blob.descriptor));
  equal(tokenRequests(server)[0].headers.authorization, BASIC);
  const others = server.seen.filter(({ url }) => !url.startsWith("/token"));
  deepEqual(others.map(({ headers }) => headers.authorization), [undefined, "Bearer t"]);
});

Deno.test("a refresh token is exchanged by POST, in the body", async () => {
  let form = "";
  await using server = await tokenRegistry(async (request, response) => {
    form = new TextDecoder().decode(await bodyOf(request));
    answer(response, 200, {}, '{"access_token":"t"}');
  });
  const credentials = () => Promise.resolve({ identityToken: "refresh me" });
  await collect(repositoryAt(server, { credentials }).fetch(blob.descriptor));
  const [{ method, url }] = tokenRequests(server);
  deepEqual([method, url], ["POST", "/token"]);
  const fields = new URLSearchParams(form);
  deepEqual(
    [fields.get("grant_type"), fields.get("refresh_token"), fields.get("scope"), fields.get("service")],
    ["refresh_token", "refresh me", "repository:team/app:pull", "reg, the"],
  );
});

Deno.test("where the token service has no POST, name and password are used", async () => {
  await using server = await tokenRegistry((request, response) => {
    if (request.method === "POST") answer(response, 405);
    else answer(response, 200, {}, '{"token":"t"}');
  });
  const credentials = () => Promise.resolve({ ...account, identityToken: "r" });
  await collect(repositoryAt(server, { credentials }).fetch(blob.descriptor));
  deepEqual(tokenRequests(server).map(({ method }) => method), ["POST", "GET"]);
});

Deno.test("a refresh token is not sent on by a redirect", async () => {
  await using thief = await serve((_request, response) => answer(response, 200, {}, '{"token":"t"}'));
  await using server = await tokenRegistry((_request, response) =>
    answer(response, 307, { location: `http://${thief.host}/` })
  );
  const credentials = () => Promise.resolve({ identityToken: "r" });
  await rejects(collect(repositoryAt(server, { credentials }).fetch(blob.descriptor)), { code: "refused" });
  equal(thief.seen.length, 0);
});

Deno.test("a token service's redirect to another host does not see the password", async () => {
  await using other = await serve((_request, response) => answer(response, 200, {}, '{"token":"anonymous"}'));
  await using server = await tokenRegistry((_request, response) =>
    answer(response, 302, { location: `http://${other.host}/` })
  );
  await collect(repositoryAt(server, { credentials: () => Promise.resolve(account) }).fetch(blob.descriptor));
  equal(other.seen[0].headers.authorization, undefined);
});

Deno.test("a token service that redirects without end, or without saying where to, is given up", async () => {
  for (const [location, asked] of [["/token", 11], [undefined, 1]] as const) {
    await using server = await tokenRegistry((_request, response) => answer(response, 302, { location }));
    await rejects(collect(repositoryAt(server).fetch(blob.descriptor)), { code: "registry", message: /redirects/ });
    equal(tokenRequests(server).length, asked);
  }
});

Deno.test("a token of the auth file is sent as it is", async () => {
  await using server = await tokenRegistry((_request, response) => answer(response, 500));
  const credentials = () => Promise.resolve({ registryToken: "mine" });
  await collect(repositoryAt(server, { credentials }).fetch(blob.descriptor));
  equal(server.seen.at(-1)?.headers.authorization, "Bearer mine");
  equal(tokenRequests(server).length, 0);
});

Deno.test("an expired token is replaced before it is used again", async () => {
  let made = 0;
  await using server = await tokenRegistry((_request, response) => {
    const issued = new Date(Date.now() - 3_600_000).toISOString();
    answer(response, 200, {}, JSON.stringify({ token: `t${++made}`, expires_in: 3_599, issued_at: issued }));
  });
  const repository = repositoryAt(server);
  await collect(repository.fetch(blob.descriptor));
  await collect(repository.fetch(blob.descriptor));
  deepEqual(
    server.seen.filter(({ url }) => !url.startsWith("/token")).map(({ headers }) => headers.authorization),
    [undefined, "Bearer t1", "Bearer t2"],
  );
});

Deno.test("a token that the registry took back is replaced", async () => {
  let made = 0;
  let valid = "Bearer t1";
  await using server = await tokenRegistry(
    (_request, response) => answer(response, 200, {}, JSON.stringify({ token: `t${++made}`, expires_in: 300 })),
    (authorization) => authorization === valid,
  );
  const repository = repositoryAt(server);
  await collect(repository.fetch(blob.descriptor));
  valid = "Bearer t2";
  await collect(repository.fetch(blob.descriptor));
  equal(made, 2);
});

Deno.test("a token that never suffices ends in a clear error after few requests", async () => {
  await using server = await tokenRegistry(
    (_request, response) => answer(response, 200, {}, '{"token":"t"}'),
    () => false,
  );
  const attempt = collect(repositoryAt(server).fetch(blob.descriptor));
  await rejects(attempt, (error: SatchelError) => {
    equal(error.code, "denied");
    match(error.message, /GET \/v2\/team\/app\/blobs\/sha256:\w+ at 127.0.0.1:\d+: HTTP 401 Unauthorized/);
    deepEqual(error.obstacle, { reason: "account-missing", role: "registry", host: server.host, byPlainHttp: true });
    return true;
  });
  ok(server.seen.length <= 4);
});

Deno.test("scopes of uploads are wider, a mount's name the other repository, and tokens are kept for each", async () => {
  const scopes: string[][] = [];
  await using server = await tokenRegistry((_request, response, url) => {
    scopes.push(url.searchParams.getAll("scope"));
    answer(response, 200, {}, JSON.stringify({ token: scopes.length.toString(), expires_in: 300 }));
  });
  const repository = repositoryAt(server, { mountFrom: () => ["team/base"], retries: 0 });
  await collect(repository.fetch(blob.descriptor));
  // This server knows no uploads: what counts is what the token was asked for.
  await rejects(repository.push(blob.descriptor, { open: () => collectable(blob.bytes) }));
  await collect(repository.fetch(blob.descriptor));
  deepEqual(scopes, [
    ["repository:team/app:pull"],
    ["repository:team/app:pull,push", "repository:team/base:pull"],
  ]);
});

async function* collectable(bytes: Uint8Array) {
  yield await Promise.resolve(bytes);
}

Deno.test("with access push, the first token is for both", async () => {
  await using server = await tokenRegistry((_request, response) => answer(response, 200, {}, '{"token":"t"}'));
  await collect(repositoryAt(server, { access: "push" }).fetch(blob.descriptor));
  match(decodeURIComponent(tokenRequests(server)[0].url), /scope=repository:team\/app:pull,push/);
});

Deno.test("Basic is used where it is all that is offered, from then on without being asked", async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization === BASIC) answer(response, 200, {}, blob.bytes);
    else answer(response, 401, { "www-authenticate": 'Basic realm="a, b"' });
  });
  const repository = repositoryAt(server, { credentials: () => Promise.resolve(account) });
  await collect(repository.fetch(blob.descriptor));
  await collect(repository.fetch(blob.descriptor));
  deepEqual(server.seen.map(({ headers }) => headers.authorization), [undefined, BASIC, BASIC]);
});

Deno.test("a wrong password is refused after one try, and is not in the message", async () => {
  await using server = await serve((_request, response) =>
    answer(
      response,
      401,
      { "www-authenticate": "Basic realm=x" },
      '{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}',
    )
  );
  const attempt = collect(repositoryAt(server, { credentials: () => Promise.resolve(account) }).fetch(blob.descriptor));
  await rejects(attempt, (error: Error & { code: string }) => {
    equal(error.code, "denied");
    match(error.message, /HTTP 401 Unauthorized: UNAUTHORIZED: who\?$/);
    ok(!JSON.stringify([error.message, String(error.cause)]).includes("geheim"));
    return true;
  });
  equal(server.seen.length, 2);
});

Deno.test("a 401 that does not say how to log in is denied", async () => {
  for (const headers of [{}, { "www-authenticate": "" }, { "www-authenticate": "Negotiate, NTLM" }]) {
    await using server = await serve((_request, response) => answer(response, 401, headers));
    await rejects(collect(repositoryAt(server).fetch(blob.descriptor)), { code: "denied" });
    equal(server.seen.length, 1);
  }
});

Deno.test("a realm of another scheme or with an account in it is not asked", async () => {
  for (const realm of ["file:///etc/shadow", "ftp://x/", "http://u:p@127.0.0.1/", "gopher://x"]) {
    await using server = await serve((_request, response) =>
      answer(response, 401, { "www-authenticate": `Bearer realm="${realm}"` })
    );
    const repository = repositoryAt(server, { credentials: () => Promise.resolve(account) });
    await rejects(collect(repository.fetch(blob.descriptor)), { code: "refused" });
  }
});

Deno.test("an error of the token service is shown with what it said", async () => {
  await using server = await tokenRegistry((_request, response) =>
    answer(response, 403, {}, '{"error":"access_denied","error_description":"no \\u001b[31mway"}')
  );
  await rejects(collect(repositoryAt(server).fetch(blob.descriptor)), {
    code: "denied",
    message: `GET /token at ${server.host}: HTTP 403 Forbidden: access_denied: no \\x1b[31mway`,
  });
});

Deno.test("an answer of the token service that is no token, or would break a header, is refused", async () => {
  const bad = ["[]", "{}", '{"token":""}', '{"token":"a\\r\\nX: y"}', '{"token":"ä"}', '{"token":7}'];
  for (const [body, code] of [["", "invalid"], ["<html>", "invalid"], ...bad.map((text) => [text, "registry"])]) {
    await using server = await tokenRegistry((_request, response) => answer(response, 200, {}, body));
    await rejects(collect(repositoryAt(server).fetch(blob.descriptor)), { code });
  }
});

Deno.test("a token of the auth file that would break a header is refused, and not shown", async () => {
  await using server = await tokenRegistry((_request, response) => answer(response, 500));
  const credentials = () => Promise.resolve({ registryToken: "secret\n" });
  const attempt = collect(repositoryAt(server, { credentials }).fetch(blob.descriptor));
  await rejects(attempt, (error: Error & { code: string }) => error.code === "denied" && !/secret/.test(error.message));
});

Deno.test("a token service that fails for a moment is asked again", async () => {
  let asked = 0;
  await using server = await tokenRegistry((_request, response) => {
    if (++asked < 3) answer(response, 503);
    else answer(response, 200, {}, '{"token":"t"}');
  });
  await collect(repositoryAt(server).fetch(blob.descriptor));
  equal(asked, 3);
});

Deno.test("secrets are in no line of the log", async () => {
  const lines: string[] = [];
  await using server = await tokenRegistry((_request, response) => answer(response, 200, {}, '{"token":"topsecret"}'));
  const options = { credentials: () => Promise.resolve(account), log: (line: string) => lines.push(line) };
  await collect(repositoryAt(server, options).fetch(blob.descriptor));
  equal(lines.length, 3);
  ok(!/topsecret|geheim|alice/.test(lines.join("\n")));
});

Deno.test("a token service that refuses is an obstacle of the registry's, as a refusal by HTTP Basic is", async () => {
  await using server = await serve((request, response) => {
    if (request.url?.startsWith("/token")) return answer(response, 401);
    answer(response, 401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token"` });
  });
  for (const [reason, credential] of [["account-missing", undefined], ["account-refused", ALICE]] as const) {
    const repository = repositoryAt(server, { credentials: async () => credential });
    await rejects(collect(repository.fetch(blob.descriptor)), (error: SatchelError) => {
      equal(error.code, "denied");
      deepEqual(error.obstacle, { reason, role: "registry", host: server.host, byPlainHttp: true });
      return true;
    });
  }
});

Deno.test("no error and no warning repeats the account or the token that was sent, however it is written or cut", async () => {
  const secrets = [ALICE.password, btoa(`${ALICE.username}:${ALICE.password}`), "t0ken-of-alice"];
  const pad = "x".repeat(280);
  const echoes = (sent: string): [number, string][] => [
    [401, JSON.stringify({ errors: [{ code: "DENIED", message: `${pad} ${sent}` }] })],
    [403, JSON.stringify({ errors: [{ code: "DENIED", detail: { sent } }] })],
    [500, `oops ${sent}`],
    [404, `<html><title>${sent}</title>`],
  ];
  for (const scheme of ["Basic", "Bearer"]) {
    for (const at of [0, 1, 2, 3]) {
      const warnings: string[] = [];
      await using server = await serve((request, response) => {
        const { host, authorization } = request.headers;
        const isToken = request.url?.startsWith("/token");
        if (isToken && at !== 2) return answer(response, 200, {}, JSON.stringify({ token: "t0ken-of-alice" }));
        if (!authorization) {
          return answer(response, 401, { "www-authenticate": `${scheme} realm="http://${host}/token"` });
        }
        const [status, body] = echoes(`${authorization} ${ALICE.password}`)[at];
        const headers = { "www-authenticate": scheme === "Basic" ? "Basic" : `Bearer realm="http://${host}/token"` };
        answer(response, status, { ...headers, warning: `299 - "${authorization}"` }, body);
      });
      const credentials = async () => ALICE;
      const onWarning = (text: string) => warnings.push(text);
      const attempt = collect(repositoryAt(server, { credentials, onWarning }).fetch(blob.descriptor));
      await rejects(attempt, ({ message }: Error) => {
        match(message, at === 0 ? /HTTP 401/ : /\*\*\*/);
        for (const secret of secrets) {
          for (let length = 6; length <= secret.length; length++) {
            ok(!message.includes(`${secret.slice(0, length)}`), `${scheme} ${at}: ${message}`);
          }
        }
        return true;
      });
      for (const secret of secrets) ok(!warnings.join().includes(secret), warnings.join());
    }
  }
});

Deno.test("the look-up of an account ends with whoever waits for it, and is done again for the next", async () => {
  await using server = await serve((_request, response) => answer(response, 401, { "www-authenticate": "Basic" }));
  const controller = new AbortController();
  const seen: AbortSignal[] = [];
  const repository = repositoryAt(server, {
    credentials: (_subject, options) => {
      seen.push(options!.signal!);
      controller.abort();
      return new Promise((_resolve, reject) => {
        options!.signal!.addEventListener("abort", () => reject(options!.signal!.reason));
      });
    },
  });
  await rejects(collect(repository.fetch(blob.descriptor, { signal: controller.signal })), { code: "cancelled" });
  deepEqual(seen.map(({ aborted }) => aborted), [true]);
});
