import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Commit, contentOf } from "../content/mod.ts";
import { type Digest, MediaType } from "../oci/mod.ts";
import { fakeRegistry } from "./_fake_registry.ts";
import { answer, repositoryAt, type Sample, sampleBlob, sampleJson, serve } from "./_server.ts";

const config = sampleJson(MediaType.empty, {});
const image = sampleJson(MediaType.ociManifest, {
  schemaVersion: 2,
  mediaType: MediaType.ociManifest,
  config: config.descriptor,
  layers: [],
});
const subject = image.descriptor;
const TAG = subject.digest.replace(":", "-");

function referrer(name: string, of = subject): Sample {
  return sampleJson(MediaType.ociManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: "application/x.signature",
    config: config.descriptor,
    layers: [],
    subject: of,
    annotations: { name },
  });
}

function index(entries: unknown[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: entries });
}

function commitOf(referrers: Sample[]): Commit {
  return { manifests: referrers.map(({ descriptor }) => ({ descriptor, subject })), blobs: [], names: [] };
}

async function pushAll(repository: ReturnType<typeof repositoryAt>, referrers: Sample[]): Promise<void> {
  for (const { descriptor, bytes } of referrers) await repository.push(descriptor, contentOf(bytes));
  await repository.commit(commitOf(referrers));
}

const json = { "content-type": MediaType.ociIndex };

Deno.test("referrers come from the API where there is one, over all its pages, each once", async () => {
  const [a, b] = [referrer("a"), referrer("b")].map(({ descriptor }) => descriptor);
  await using server = await serve((request, response) => {
    if (!request.url?.includes("/referrers/")) return answer(response, 404);
    if (request.url.includes("page=2")) return answer(response, 200, json, index([a, b]));
    answer(response, 200, { ...json, link: '<?page=2>; rel="next"' }, index([a]));
  });
  const repository = repositoryAt(server);
  deepEqual((await repository.referrers(subject)).map(({ digest }) => digest), [a.digest, b.digest]);
  server.seen.length = 0;
  await repository.referrers(subject);
  deepEqual(server.seen.map(({ url }) => url.includes("/referrers/")), [true, true]);
});

Deno.test("every page is asked of a mirror for the registry that it stands in for", async () => {
  await using server = await serve((request, response) => {
    if (request.url?.includes("page=2")) return answer(response, 200, json, index([]));
    answer(response, 200, { ...json, link: '<?page=2&state=a%2Fb==>; rel="next"' }, index([]));
  });
  await repositoryAt(server, { standsFor: "ghcr.io:443" }).referrers(subject);
  const pages = server.seen.map(({ url }) => url).filter((url) => url.includes("/referrers/"));
  deepEqual(pages.map((url) => url.split("?")[1]), ["ns=ghcr.io%3A443", "page=2&state=a%2Fb==&ns=ghcr.io%3A443"]);
});

Deno.test("without the API they come from the fallback tag, which alone is asked from then on", async () => {
  const { descriptor } = referrer("a");
  const unsupported: [number, Record<string, string>, string][] = [
    [404, {}, ""],
    [400, {}, "no"],
    [405, {}, ""],
    [501, {}, ""],
    [200, { "content-type": "text/html" }, "<html>"],
    [200, { "content-type": "application/json" }, "{}"],
    [200, {}, "hello"],
  ];
  for (const [status, headers, body] of unsupported) {
    await using server = await serve((request, response) => {
      if (request.url?.includes("/referrers/")) return answer(response, status, headers, body);
      answer(response, 200, json, index([descriptor]));
    });
    const repository = repositoryAt(server);
    deepEqual(await repository.referrers(subject), [descriptor]);
    equal(server.seen.length, 2);
    server.seen.length = 0;
    deepEqual(await repository.referrers(subject), [descriptor]);
    deepEqual(server.seen.map(({ url }) => url), [`/v2/team/app/manifests/${TAG}`]);
  }
});

Deno.test("the first question asks both at the same time", async () => {
  const waiting: (() => void)[] = [];
  await using server = await serve(async (_request, response) => {
    // Nobody is answered before both have asked.
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 2) waiting.forEach((go) => go());
    });
    answer(response, 404);
  });
  deepEqual(await repositoryAt(server).referrers(subject), []);
});

Deno.test("an image that nothing refers to has an empty list and no warning", async () => {
  const heard: string[] = [];
  for (const referrersApi of [true, false]) {
    await using server = await fakeRegistry({ referrersApi });
    const repository = repositoryAt(server, { onWarning: (message) => heard.push(message) });
    deepEqual(await repository.referrers(subject), []);
  }
  deepEqual(heard, []);
});

Deno.test("a look-up that is forbidden is warned about, and what the tag has still counts", async () => {
  const { descriptor } = referrer("a");
  const heard: string[] = [];
  await using server = await serve((request, response) => {
    if (request.url?.includes("/referrers/")) return answer(response, 403, {}, '{"errors":[{"code":"DENIED"}]}');
    answer(response, 200, json, index([descriptor]));
  });
  const repository = repositoryAt(server, { onWarning: (message) => heard.push(message) });
  deepEqual(await repository.referrers(subject), [descriptor]);
  equal(heard.length, 1);
  equal(heard[0].startsWith(`What refers to ${subject.digest} may be missing: GET /v2/team/app/referrers/`), true);
});

Deno.test("a registry that fails is an error, not an empty list", async () => {
  await using server = await serve((request, response) =>
    answer(response, request.url?.includes("/referrers/") ? 500 : 404)
  );
  await rejects(repositoryAt(server).referrers(subject), { code: "registry" });
});

Deno.test("a list without end, or one that is malformed, is an error", async () => {
  let page = 0;
  await using server = await serve((request, response) => {
    if (!request.url?.includes("/referrers/")) return answer(response, 404);
    answer(response, 200, { ...json, link: `<?page=${++page}>; rel=next` }, index([]));
  });
  await rejects(repositoryAt(server).referrers(subject), { code: "registry", message: /more than 100 pages/ });

  await using malformed = await serve((request, response) => {
    if (!request.url?.includes("/referrers/")) return answer(response, 404);
    answer(response, 200, json, index([{ mediaType: "a/b", digest: "sha256:x", size: 1 }]));
  });
  await rejects(repositoryAt(malformed).referrers(subject), { code: "invalid" });
});

Deno.test("too many referrers are an error", async () => {
  const entries = (from: number) =>
    Array.from({ length: 6_000 }, (_, i) => ({
      mediaType: "a/b",
      digest: `sha256:${(from + i).toString(16).padStart(64, "0")}`,
      size: 1,
    }));
  await using server = await serve((request, response) => {
    if (!request.url?.includes("/referrers/")) return answer(response, 404);
    const second = request.url.includes("page=2");
    answer(
      response,
      200,
      { ...json, link: second ? undefined : "<?page=2>;rel=next" },
      index(entries(second ? 6_000 : 0)),
    );
  });
  await rejects(repositoryAt(server).referrers(subject), { code: "invalid", message: /more than 10000/ });
});

Deno.test("of a list's entries only type, digest, size and an artifact type of sane length are kept", async () => {
  const [a, b] = [referrer("a"), referrer("b")].map(({ descriptor }) => descriptor);
  const annotations = { much: "x".repeat(100_000) };
  const list = index([
    { ...a, artifactType: "application/x.signature", annotations, platform: { os: "o", architecture: "a" } },
    { ...b, artifactType: "a".repeat(256), annotations, urls: ["https://x/"] },
  ]);
  for (const api of [true, false]) {
    await using server = await serve((request, response) => {
      if (request.url?.includes("/referrers/") !== api) return answer(response, 404);
      answer(response, 200, json, list);
    });
    deepEqual(await repositoryAt(server).referrers(subject), [{ ...a, artifactType: "application/x.signature" }, b]);
  }
});

Deno.test("a list of referrers is bounded by the bytes of all its pages", async () => {
  await using server = await serve((request, response) => {
    if (!request.url?.includes("/referrers/")) return answer(response, 404);
    const page = Number(/page=(\d+)/.exec(request.url)?.[1] ?? 0);
    answer(response, 200, { ...json, link: `<?page=${page + 1}>; rel=next` }, index([]).padEnd(1_500_000));
  });
  await rejects(repositoryAt(server).referrers(subject), { code: "invalid", message: /has more than 4194304 bytes/ });
  equal(server.seen.filter(({ url }) => url.includes("/referrers/")).length, 3);
});

Deno.test("what was pushed is listed by the registry where it has the API, without a fallback tag", async () => {
  await using server = await fakeRegistry({ referrersApi: true });
  const repository = repositoryAt(server);
  await pushAll(repository, [referrer("a"), referrer("b")]);
  equal(server.state.manifests.has(TAG), false);
  deepEqual((await repository.referrers(subject)).length, 2);
});

Deno.test("where it has not, a push maintains the fallback tag, with types and annotations", async () => {
  await using server = await fakeRegistry();
  const a = referrer("a");
  await pushAll(repositoryAt(server), [a]);
  const stored = JSON.parse(new TextDecoder().decode(server.state.manifests.get(TAG)?.bytes));
  deepEqual(stored.manifests, [
    { ...a.descriptor, artifactType: "application/x.signature", annotations: { name: "a" } },
  ]);
});

Deno.test("a fallback tag keeps the entries and members that others wrote", async () => {
  await using server = await fakeRegistry();
  const other = { ...referrer("old").descriptor, "x-unknown": { of: "another client" } };
  const bytes = new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [other],
      annotations: { by: "other" },
    }),
  );
  server.state.manifests.set(TAG, { type: MediaType.ociIndex, bytes });
  await pushAll(repositoryAt(server), [referrer("a")]);
  const stored = JSON.parse(new TextDecoder().decode(server.state.manifests.get(TAG)?.bytes));
  deepEqual([stored.manifests.length, stored.manifests[0], stored.annotations], [2, other, { by: "other" }]);
});

Deno.test("pushing what is listed already writes nothing", async () => {
  await using server = await fakeRegistry();
  await pushAll(repositoryAt(server), [referrer("a")]);
  server.seen.length = 0;
  await repositoryAt(server).commit(commitOf([referrer("a")]));
  equal(server.seen.some(({ method }) => method === "PUT"), false);
});

Deno.test("a referrer that the registry has but does not list is added to the tag", async () => {
  await using server = await fakeRegistry();
  const a = referrer("a");
  server.state.manifests.set(a.descriptor.digest, { type: a.descriptor.mediaType, bytes: a.bytes });
  const repository = repositoryAt(server);
  await repository.commit(commitOf([a]));
  deepEqual((await repository.referrers(subject)).map(({ digest }) => digest), [a.descriptor.digest]);
});

for (const etags of [false, true]) {
  Deno.test(`many clients that push at once lose no entry, ${etags ? "with" : "without"} ETags`, async () => {
    await using server = await fakeRegistry({ etags });
    const referrers = Array.from({ length: 8 }, (_, i) => referrer(`client ${i}`));
    await Promise.all(referrers.map((one) => pushAll(repositoryAt(server), [one])));
    const found = (await repositoryAt(server).referrers(subject)).map(({ digest }) => digest).sort();
    deepEqual(found, referrers.map(({ descriptor }) => descriptor.digest).sort());
  });
}

Deno.test("a write on condition that another client was faster than is done again", async () => {
  await using server = await fakeRegistry({ etags: true });
  const [early, other, mine] = ["early", "other", "mine"].map((name) => referrer(name));
  const set = (...entries: Sample[]) => {
    const bytes = new TextEncoder().encode(index(entries.map(({ descriptor }) => descriptor)));
    server.state.manifests.set(TAG, { type: MediaType.ociIndex, bytes });
  };
  set(early);
  const conditions: (string | undefined)[] = [];
  server.state.intercept = (request) => {
    if (request.method !== "PUT" || !request.url?.endsWith(TAG)) return false;
    if (conditions.length === 0) set(early, other);
    conditions.push(request.headers["if-match"]);
    return false;
  };
  const repository = repositoryAt(server);
  await pushAll(repository, [mine]);
  const found = (await repository.referrers(subject)).map(({ digest }) => digest);
  deepEqual(found, [early, other, mine].map(({ descriptor }) => descriptor.digest));
  deepEqual([conditions.length, conditions.includes(undefined)], [2, false]);
});

Deno.test("something else under the fallback tag is not overwritten", async () => {
  await using server = await fakeRegistry();
  server.state.manifests.set(TAG, { type: image.descriptor.mediaType, bytes: image.bytes });
  await rejects(pushAll(repositoryAt(server), [referrer("a")]), { code: "invalid" });
  equal(server.state.manifests.get(TAG)?.bytes, image.bytes);
});

Deno.test("a registry that takes the subject for another is caught", async () => {
  const other: Digest = sampleBlob(1).descriptor.digest;
  await using server = await serve((request, response) => {
    request.resume().on("end", () => answer(response, 201, { "oci-subject": other }));
  });
  await rejects(pushAll(repositoryAt(server), [referrer("a")]), { code: "registry" });
});

Deno.test("names are set after the lists of referrers, the image's own last", async () => {
  await using server = await fakeRegistry();
  const repository = repositoryAt(server);
  const a = referrer("a");
  await repository.push(a.descriptor, contentOf(a.bytes));
  server.seen.length = 0;
  const names = ["sha256-x.sig", "v1"].map((tag) => ({ tag, descriptor: image.descriptor, bytes: image.bytes }));
  await repository.commit({ ...commitOf([a]), names });
  const written = server.seen.filter(({ method }) => method === "PUT").map(({ url }) => url.split("/").at(-1));
  deepEqual(written, [TAG, "sha256-x.sig", "v1"]);
});
