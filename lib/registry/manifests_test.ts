import { deepEqual, equal, rejects } from "node:assert/strict";
import { MediaType } from "../oci/mod.ts";
import { contentOf } from "../content/mod.ts";
import { answer, collect, repositoryAt, sampleBlob, sampleJson, serve, type TestServer } from "./_server.ts";

const config = sampleJson(MediaType.empty, {});
const image = sampleJson(MediaType.ociManifest, {
  schemaVersion: 2,
  mediaType: MediaType.ociManifest,
  config: config.descriptor,
  layers: [],
});
const { mediaType, digest } = image.descriptor;

/** Answers every request for a manifest with these bytes. */
function hands(body: Uint8Array | string, headers: Record<string, string | undefined> = {}): Promise<TestServer> {
  return serve((_request, response) => answer(response, 200, { "content-type": mediaType, ...headers }, body));
}

Deno.test("a tag resolves to the manifest with its bytes", async () => {
  await using server = await hands(image.bytes, { "docker-content-digest": digest });
  deepEqual(await repositoryAt(server).resolve("v1"), { descriptor: image.descriptor, bytes: image.bytes });
  const [{ method, url, headers }] = server.seen;
  deepEqual([method, url], ["GET", "/v2/team/app/manifests/v1"]);
  for (const type of [MediaType.ociIndex, MediaType.dockerList, MediaType.dockerManifest]) {
    equal(headers.accept?.includes(type), true);
  }
});

Deno.test("a vague or missing content type is settled by the manifest itself", async () => {
  const nameless = sampleJson(MediaType.ociIndex, { schemaVersion: 2, manifests: [] });
  const docker = sampleJson(MediaType.dockerList, {
    schemaVersion: 2,
    mediaType: MediaType.dockerList,
    manifests: [],
  });
  for (const type of ["application/json; charset=utf-8", "text/plain", undefined]) {
    for (const { bytes, descriptor } of [image, nameless, docker]) {
      await using server = await hands(bytes, { "content-type": type });
      equal((await repositoryAt(server).resolve("v1")).descriptor.mediaType, descriptor.mediaType);
    }
  }
});

Deno.test("bytes that are not those of the digest that was asked for, or announced, are an integrity error", async () => {
  await using server = await hands(image.bytes, { "docker-content-digest": config.descriptor.digest });
  await rejects(repositoryAt(server).resolve("v1"), { code: "integrity" });
  await using other = await hands(image.bytes);
  await rejects(repositoryAt(other).resolve(config.descriptor.digest), { code: "integrity" });
});

Deno.test("a manifest by sha512 is checked by sha512", async () => {
  const sha512 = "sha512:" + Buffer.from(await crypto.subtle.digest("SHA-512", image.bytes)).toString("hex");
  await using server = await hands(image.bytes, { "docker-content-digest": sha512 });
  equal((await repositoryAt(server).resolve(sha512)).descriptor.digest, sha512);
  await rejects(repositoryAt(server).resolve(`${sha512.slice(0, -1)}${sha512.endsWith("0") ? "1" : "0"}`), {
    code: "integrity",
  });
});

Deno.test("a content type that contradicts the manifest is refused", async () => {
  for (const type of [MediaType.ociIndex, MediaType.dockerManifest, MediaType.dockerSchema1Signed]) {
    await using server = await hands(image.bytes, { "content-type": type });
    await rejects(repositoryAt(server).resolve("v1"), { code: "invalid" });
  }
});

Deno.test("a manifest of another type than its parent says is refused", async () => {
  await using server = await hands(image.bytes);
  const descriptor = { ...image.descriptor, mediaType: MediaType.dockerManifest };
  await rejects(collect(repositoryAt(server).fetch(descriptor)), { code: "invalid" });
});

Deno.test("a web page is not taken for a manifest", async () => {
  await using server = await hands("<!doctype html><title>Log in</title>", { "content-type": "text/html" });
  await rejects(repositoryAt(server).resolve("v1"), { code: "invalid", message: /it was sent as text\/html/ });
  await using vague = await hands("<!doctype html><title>Log in</title>", { "content-type": "application/json" });
  await rejects(repositoryAt(vague).resolve("v1"), { code: "invalid", message: /is not JSON/ });
});

Deno.test("a manifest of more than 4 MiB is refused, whether it says so or not", async () => {
  const large = new Uint8Array(5 * 1024 * 1024).fill(32);
  await using server = await hands(large);
  await rejects(repositoryAt(server).resolve("v1"), { code: "invalid", message: /too large: 5242880 bytes/ });
  await using chunked = await serve((_request, response) => {
    response.writeHead(200, { "content-type": mediaType });
    response.end(large);
  });
  await rejects(repositoryAt(chunked).resolve("v1"), { code: "invalid", message: /too large/ });
});

Deno.test("errors tell a tag as a tag, which may be a number", async () => {
  await using server = await hands(new Uint8Array(5 * 1024 * 1024));
  await rejects(repositoryAt(server).resolve("1"), { message: /^tag 1 of 127\.0\.0\.1:\d+ is too large/ });
  await rejects(repositoryAt(server).resolve(digest), { message: /^sha256:\w+ of 127\.0\.0\.1:\d+ is too large/ });
});

Deno.test("an index with 100,000 children is refused", async () => {
  const child = { mediaType, digest, size: 1 };
  const index = { schemaVersion: 2, manifests: Array(100_000).fill(child) };
  const bytes = sampleJson(MediaType.ociIndex, index).bytes;
  await using server = await hands(bytes.subarray(0, bytes.length), { "content-type": MediaType.ociIndex });
  await rejects(repositoryAt(server).resolve("v1"), { code: "invalid" });
});

Deno.test("a manifest whose transfer breaks is asked for again", async () => {
  let breaks = 1;
  await using server = await serve((_request, response) => {
    response.writeHead(200, { "content-type": mediaType, "content-length": String(image.bytes.length) });
    if (breaks-- > 0) response.write(image.bytes.subarray(0, 10), () => response.destroy());
    else response.end(image.bytes);
  });
  equal((await repositoryAt(server).resolve("v1")).descriptor.digest, digest);
});

Deno.test("a manifest is fetched from its own endpoint, everything else from that of blobs", async () => {
  await using server = await hands(image.bytes);
  deepEqual(await collect(repositoryAt(server).fetch(image.descriptor)), image.bytes);
  await collect(repositoryAt(server).fetch({ ...image.descriptor, mediaType: "application/json" }));
  deepEqual(server.seen.map(({ url }) => url.split("/")[4]), ["manifests", "blobs"]);
});

Deno.test("an unknown tag is not found, with what was asked for and what the registry said", async () => {
  const body = { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown", detail: { Tag: "v1\u001b[2J" } }] };
  await using server = await serve((_request, response) => answer(response, 404, {}, JSON.stringify(body)));
  await rejects(repositoryAt(server).resolve("v1"), {
    code: "not-found",
    message: `GET /v2/team/app/manifests/v1 at ${server.host}: HTTP 404 Not Found: ` +
      `MANIFEST_UNKNOWN: manifest unknown ({"Tag":"v1\\u001b[2J"})`,
  });
});

Deno.test("an error that is a web page is told as one", async () => {
  await using server = await serve((_request, response) =>
    answer(
      response,
      403,
      { "content-type": "text/html" },
      "<html><title>Blocked \u0007by\nIT</title>" + "x".repeat(1000),
    )
  );
  await rejects(repositoryAt(server).resolve("v1"), {
    code: "denied",
    message: /HTTP 403 Forbidden: the answer is an HTML page \("Blocked \\\\x07by\\\\nIT"\), not a registry's$/,
  });
});

Deno.test("an error without end is read for a bounded part only", async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(400);
    const more = () => {
      while (!response.destroyed) {
        if (!response.write("x".repeat(65_536))) return response.once("drain", more);
      }
    };
    more();
  });
  await rejects(repositoryAt(server).resolve("v1"), { code: "registry", message: /HTTP 400 Bad Request$/ });
});

Deno.test("nobody listening is a network error, told at once", async () => {
  const gone = await serve(() => {});
  await gone[Symbol.asyncDispose]();
  const retried: string[] = [];
  await rejects(repositoryAt(gone, { onRetry: (message) => retried.push(message) }).resolve("v1"), {
    code: "network",
    message: `GET /v2/team/app/manifests/v1 at ${gone.host}: connection refused`,
  });
  equal(retried.length, 0);
});

Deno.test("plain HTTP in answer to TLS is told from other failures", async () => {
  await using server = await serve((_request, response) => answer(response, 200));
  await rejects(repositoryAt(server, { plainHttp: false }).resolve("v1"), {
    code: "network",
    obstacle: { reason: "plain-http", role: "registry", host: server.host },
  });
});

Deno.test("a registry's warnings are passed on once", async () => {
  const heard: string[] = [];
  await using server = await hands(image.bytes, { "warning": '299 - "this registry moves"' });
  const repository = repositoryAt(server, { onWarning: (message) => heard.push(message) });
  await repository.resolve("v1");
  await repository.resolve("v1");
  deepEqual(heard, [`${server.host} says: this registry moves`]);
});

Deno.test("tags are listed over all pages, and a list that goes in circles or elsewhere ends in an error", async () => {
  const pages: Record<string, [string[] | null, string?]> = {
    "/v2/team/app/tags/list?n=1000": [["a", "b"], '</v2/team/app/tags/list?n=1000&last=b%2F>; rel="next"'],
    "/v2/team/app/tags/list?n=1000&last=b%2F": [null],
  };
  await using server = await serve((request, response) => {
    const [tags, link] = pages[request.url ?? ""];
    answer(response, 200, { link }, JSON.stringify({ name: "team/app", tags }));
  });
  const list = async (at: TestServer) => {
    const found: string[] = [];
    for await (const tag of repositoryAt(at).tags()) found.push(tag);
    return found;
  };
  deepEqual(await list(server), ["a", "b"]);

  await using circle = await serve((request, response) =>
    answer(response, 200, { link: `<${request.url}>; rel=next` }, '{"tags":["a"]}')
  );
  await rejects(list(circle), { code: "registry", message: /goes in circles/ });
  await using elsewhere = await serve((_request, response) =>
    answer(response, 200, { link: `<http://${server.host}/>; rel=next` }, '{"tags":["a"]}')
  );
  await rejects(list(elsewhere), { code: "refused" });
});

Deno.test("a list of tags is bounded by the bytes of all its pages", async () => {
  let page = 0;
  await using server = await serve((_request, response) =>
    answer(response, 200, { link: `<?page=${++page}>; rel=next` }, '{"tags":["a"]}'.padEnd(7_000_000))
  );
  const list = async () => {
    for await (const tag of repositoryAt(server).tags()) equal(tag, "a");
  };
  await rejects(list(), { code: "invalid", message: /has more than 16777216 bytes/ });
  equal(page, 3);
});

Deno.test("a manifest is pushed under its digest, and a registry that made other bytes of it is caught", async () => {
  let stored = digest as string;
  await using server = await serve((request, response) => {
    request.resume().on("end", () => answer(response, 201, { "docker-content-digest": stored }));
  });
  const push = () => repositoryAt(server).push(image.descriptor, contentOf(image.bytes));
  await push();
  deepEqual([server.seen[0].method, server.seen[0].url], ["PUT", `/v2/team/app/manifests/${digest}`]);
  equal(server.seen[0].headers["content-type"], mediaType);
  stored = sampleBlob(1).descriptor.digest;
  await rejects(push(), { code: "integrity" });
});
