import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { answer, collect, repositoryAt, sampleBlob, serve } from "./_server.ts";

const blob = sampleBlob(200_000);
const { descriptor } = blob;

Deno.test("a blob is downloaded, also from an offset", async () => {
  await using server = await serve((request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined) return answer(response, 200, {}, blob.bytes);
    const part = blob.bytes.subarray(Number(from));
    answer(response, 206, { "content-range": `bytes ${from}-${blob.bytes.length - 1}/${blob.bytes.length}` }, part);
  });
  const repository = repositoryAt(server);
  deepEqual(await collect(repository.fetch(descriptor)), blob.bytes);
  deepEqual(await collect(repository.fetch(descriptor, { offset: 150_000 })), blob.bytes.slice(150_000));
  equal(server.seen[0].headers["accept-encoding"], "identity");
  equal(server.seen[0].headers.range, undefined);
});

Deno.test("a download that breaks goes on where it stopped", async () => {
  const messages: string[] = [];
  await using server = await serve((request, response) => {
    const [, from = "0"] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const rest = blob.bytes.subarray(Number(from));
    const headers: Record<string, string> = { "content-length": String(rest.length) };
    if (from !== "0") headers["content-range"] = `bytes ${from}-${blob.bytes.length - 1}/*`;
    response.writeHead(from === "0" ? 200 : 206, headers);
    response.write(rest.subarray(0, 70_000), () => rest.length > 70_000 ? response.destroy() : response.end());
  });
  const repository = repositoryAt(server, { retries: 1, onRetry: (message) => messages.push(message) });
  deepEqual(await collect(repository.fetch(descriptor)), blob.bytes);
  // More breaks than there are retries: each of them came after progress.
  equal(messages.length, 2);
});

Deno.test("a server that does not know Range sends what was had already, and it is skipped", async () => {
  let breaks = 1;
  await using server = await serve((_request, response) => {
    if (breaks-- <= 0) return answer(response, 200, {}, blob.bytes);
    response.writeHead(200, { "content-length": String(blob.bytes.length) });
    response.write(blob.bytes.subarray(0, 70_000), () => response.destroy());
  });
  deepEqual(await collect(repositoryAt(server).fetch(descriptor)), blob.bytes);
  deepEqual(await collect(repositoryAt(server).fetch(descriptor, { offset: 7 })), blob.bytes.slice(7));
});

Deno.test("a body without a length that ends too soon is asked for again, and then is an integrity error", async () => {
  await using server = await serve((request, response) => {
    const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
    response.writeHead(from ? 206 : 200, from ? { "content-range": `bytes ${from}-${descriptor.size - 1}/*` } : {});
    response.end(blob.bytes.subarray(from, Math.max(from, 1000)));
  });
  await rejects(collect(repositoryAt(server).fetch(descriptor)), {
    code: "integrity",
    message: `${descriptor.digest} is shorter than announced: 1000 of 200000 bytes came from ${server.host}`,
  });
  equal(server.seen.length, 3);
});

Deno.test("an endless body is dropped as soon as it is longer than the descriptor says", async () => {
  let sent = 0;
  await using server = await serve((_request, response) => {
    response.writeHead(200);
    const chunk = new Uint8Array(64 * 1024);
    const more = () => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return response.once("drain", more);
      }
    };
    more();
  });
  await rejects(collect(repositoryAt(server).fetch(descriptor)), {
    code: "integrity",
    message: `${descriptor.digest} is longer than announced: more than 200000 bytes came`,
  });
  equal(sent < 64 * 1024 * 1024, true);
});

Deno.test("an announced length that contradicts the descriptor is an error before any byte is taken", async () => {
  for (const length of [descriptor.size - 1, descriptor.size + 1]) {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { "content-length": String(length) });
      response.flushHeaders();
    });
    await rejects(collect(repositoryAt(server).fetch(descriptor)), { code: "integrity" });
    equal(server.seen.length, 1);
  }
});

Deno.test("another range than the one that was asked for is refused", async () => {
  for (const range of ["bytes 0-199999/200000", "bytes 11-199999/200000", "", "bytes 10-299999/*", "bytes 10-x/*"]) {
    await using server = await serve((_request, response) =>
      answer(response, 206, { "content-range": range }, blob.bytes.subarray(10))
    );
    await rejects(collect(repositoryAt(server).fetch(descriptor, { offset: 10 })), { code: "registry" });
  }
});

Deno.test("a range of something of another length is an integrity error", async () => {
  await using server = await serve((_request, response) =>
    answer(response, 206, { "content-range": "bytes 10-199999/300000" }, blob.bytes.subarray(10))
  );
  await rejects(collect(repositoryAt(server).fetch(descriptor, { offset: 10 })), { code: "integrity" });
});

Deno.test("a registry that has nothing at the offset is an integrity error", async () => {
  await using server = await serve((_request, response) => answer(response, 416));
  await rejects(collect(repositoryAt(server).fetch(descriptor, { offset: 10 })), { code: "integrity" });
});

Deno.test("a blob in another encoding is refused", async () => {
  await using server = await serve((_request, response) =>
    answer(response, 200, { "content-encoding": "gzip" }, Uint8Array.of(31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0))
  );
  await rejects(collect(repositoryAt(server).fetch(descriptor)), {
    code: "registry",
    message: /Content-Encoding gzip/,
  });
});

Deno.test("a server that stays silent is given up, however long the whole may take", async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(200, { "content-length": String(descriptor.size) });
    response.write(blob.bytes.subarray(0, 10));
  });
  const repository = repositoryAt(server, { idleTimeout: 40, retries: 0 });
  await rejects(collect(repository.fetch(descriptor)), {
    code: "network",
    message: /no byte came for 0.04 s/,
    hint: /reachable/,
  });
});

Deno.test("who takes long over a chunk is not taken for a silent server", async () => {
  await using server = await serve((_request, response) => answer(response, 200, {}, blob.bytes));
  let size = 0;
  for await (const chunk of repositoryAt(server, { idleTimeout: 300, retries: 0 }).fetch(descriptor)) {
    if (size === 0) await new Promise((resolve) => setTimeout(resolve, 600));
    size += chunk.length;
  }
  equal(size, descriptor.size);
});

Deno.test("a cancelled download ends at once, also while it waits", async () => {
  const controller = new AbortController();
  await using server = await serve((_request, response) => {
    response.writeHead(200, { "content-length": String(descriptor.size) });
    response.write(blob.bytes.subarray(0, 10));
    controller.abort();
  });
  const { signal } = controller;
  await rejects(collect(repositoryAt(server).fetch(descriptor, { signal })), { code: "cancelled" });
  await rejects(collect(repositoryAt(server).fetch(descriptor, { signal })), { code: "cancelled" });
});

Deno.test("a redirect to another host is followed without the token", async () => {
  await using storage = await serve((_request, response) => answer(response, 200, {}, blob.bytes));
  await using server = await serve((request, response) => {
    if (request.headers.authorization) answer(response, 307, { location: `http://${storage.host}/x?sig=abc%2Fd` });
    else answer(response, 401, { "www-authenticate": "Basic realm=x" });
  });
  const credentials = () => Promise.resolve({ username: "u", password: "p" });
  deepEqual(await collect(repositoryAt(server, { credentials }).fetch(descriptor)), blob.bytes);
  equal(storage.seen[0].url, "/x?sig=abc%2Fd");
  equal(storage.seen[0].headers.authorization, undefined);
});

Deno.test("a redirect's target that asks for an account gets none", async () => {
  await using thief = await serve((_request, response) =>
    answer(response, 401, { "www-authenticate": "Basic realm=x" })
  );
  await using server = await serve((_request, response) =>
    answer(response, 307, { location: `http://${thief.host}/` })
  );
  const credentials = () => Promise.resolve({ username: "u", password: "p" });
  const attempt = collect(repositoryAt(server, { credentials }).fetch(descriptor));
  await rejects(attempt, { code: "denied", message: new RegExp(`refers to ${thief.host}, which refuses`) });
  deepEqual(thief.seen.map(({ headers }) => headers.authorization), [undefined]);
});

Deno.test("a redirect that leads back to itself ends in an error", async () => {
  await using server = await serve((request, response) => answer(response, 302, { location: request.url ?? "" }));
  await rejects(collect(repositoryAt(server).fetch(descriptor)), {
    code: "registry",
    message: /more than 10 redirects/,
  });
  equal(server.seen.length, 11);
});

Deno.test("a redirect without a target, or to another scheme, is an error", async () => {
  for (const headers of [{}, { location: "file:///etc/passwd" }]) {
    await using server = await serve((_request, response) => answer(response, 307, headers));
    await rejects(collect(repositoryAt(server).fetch(descriptor)), { name: "SatchelError" });
  }
});

Deno.test("a registry that is busy is asked again after the time that it says", async () => {
  let busy = 1;
  const messages: string[] = [];
  await using server = await serve((_request, response) => {
    if (busy-- > 0) answer(response, 429, { "retry-after": "0" }, '{"errors":[{"code":"TOOMANYREQUESTS"}]}');
    else answer(response, 200, {}, blob.bytes);
  });
  const repository = repositoryAt(server, { onRetry: (message) => messages.push(message) });
  deepEqual(await collect(repository.fetch(descriptor)), blob.bytes);
  match(messages[0], /HTTP 429 Too Many Requests: TOOMANYREQUESTS; trying again in 0.0 s \(1 of 2\)/);
});

Deno.test("an empty blob needs no request", async () => {
  await using server = await serve((_request, response) => answer(response, 500));
  equal((await collect(repositoryAt(server).fetch(sampleBlob(0).descriptor))).length, 0);
  equal(server.seen.length, 0);
});

Deno.test("has tells what is there with the right size", async () => {
  await using server = await serve((_request, response) => answer(response, 200, {}, blob.bytes));
  equal(await repositoryAt(server).has(descriptor), true);
  equal(await repositoryAt(server).has({ ...descriptor, size: 5 }), false);
  await using empty = await serve((_request, response) => answer(response, 404));
  equal(await repositoryAt(empty).has(descriptor), false);
});
