import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Content } from "../content/mod.ts";
import { fakeRegistry } from "./_fake_registry.ts";
import { answer, bodyOf, repositoryAt, type Sample, sampleBlob, serve } from "./_server.ts";
import { canStream } from "./upload_body.ts";

const MIB = 1024 * 1024;

/** Content in chunks, which counts how it is opened. */
function chunked({ bytes }: Sample, opened: number[] = [], chunk = 100_000): Content {
  return {
    async *open(offset = 0) {
      opened.push(offset);
      for (let i = offset; i < bytes.length; i += chunk) yield await Promise.resolve(bytes.subarray(i, i + chunk));
    },
  };
}

Deno.test("blobs of every size arrive whole, an empty one too", async () => {
  await using server = await fakeRegistry();
  const repository = repositoryAt(server);
  for (const size of [0, 1, 65_536, 65_537, 300_000, 17 * MIB]) {
    const blob = sampleBlob(size);
    await repository.push(blob.descriptor, chunked(blob));
    ok(Buffer.from(blob.bytes).equals(server.state.blobs.get(blob.descriptor.digest)!), `${size} bytes`);
  }
  ok(server.seen.every(({ headers }) => headers["transfer-encoding"] === undefined));
});

Deno.test("a small blob takes two requests", async () => {
  await using server = await fakeRegistry();
  const blob = sampleBlob(1000);
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  deepEqual(server.seen.map(({ method }) => method), ["POST", "PUT"]);
});

Deno.test("content that is not what its descriptor says is not left in the registry", async () => {
  const blob = sampleBlob(200_000);
  for (
    const other of [sampleBlob(199_999), sampleBlob(200_001), { ...blob, bytes: blob.bytes.slice().fill(1, 150_000) }]
  ) {
    await using server = await fakeRegistry();
    await rejects(repositoryAt(server).push(blob.descriptor, chunked(other)), { code: "integrity" });
    equal(server.state.blobs.size, 0);
  }
});

Deno.test("an error of the content's source comes out as it is", async () => {
  const blob = sampleBlob(200_000);
  await using server = await fakeRegistry();
  const content: Content = {
    async *open() {
      yield await Promise.resolve(blob.bytes.subarray(0, 10));
      throw new Deno.errors.NotFound("the disk is gone");
    },
  };
  await rejects(repositoryAt(server).push(blob.descriptor, content), {
    code: "storage",
    message: "reading what is uploaded: the disk is gone",
  });
  equal(server.seen.filter(({ method }) => method === "POST").length, 1);
});

Deno.test("a registry that takes a few bytes at a time and then breaks is given up", async () => {
  const blob = sampleBlob(200_000);
  await using server = await fakeRegistry();
  server.state.intercept = async (request, response) => {
    if (!["PUT", "PATCH"].includes(request.method ?? "")) return false;
    const had = server.state.uploads.get("u0") ?? new Uint8Array(0);
    const more = (await bodyOf(request)).subarray(0, 10);
    server.state.uploads.set("u0", new Uint8Array([...had, ...more]));
    answer(response, 500);
    return true;
  };
  await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), { code: "registry" });
  equal(server.seen.filter(({ method }) => method === "PUT" || method === "PATCH").length, 3);
});

Deno.test("a registry that says of each chunk that it took a few bytes is given up", async () => {
  const blob = sampleBlob(20 * MIB);
  for (const taken of [10, 70_000]) {
    await using server = await fakeRegistry();
    server.state.intercept = async (request, response) => {
      if (!["PUT", "PATCH"].includes(request.method ?? "")) return false;
      if (request.method === "PUT") return request.resume().on("end", () => answer(response, 413)), true;
      const id = /u\d+/.exec(request.url ?? "")?.[0] ?? "";
      const more = (await bodyOf(request)).subarray(0, taken);
      const now = new Uint8Array([...server.state.uploads.get(id)!, ...more]);
      server.state.uploads.set(id, now);
      answer(response, 202, { location: request.url, range: `0-${now.length - 1}` });
      return true;
    };
    await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), {
      code: "registry",
      message: /was sent bytes \d+ to \d+ of sha256:\w+ and says that it has \d+$/,
    });
    equal(server.seen.filter(({ method }) => method === "PATCH").length, 3);
  }
});

Deno.test("a registry that forgets again and again what it had is given up", async () => {
  const blob = sampleBlob(20 * MIB);
  await using server = await fakeRegistry();
  let chunks = 0;
  server.state.intercept = async (request, response) => {
    const length = Number(request.headers["content-length"] ?? 0);
    if (request.method === "PATCH" && length === 16 * MIB) chunks++;
    // Whole blobs are too large, first chunks are taken, and the second ones make it lose everything.
    if (!["PUT", "PATCH"].includes(request.method ?? "") || length === 16 * MIB) return false;
    await bodyOf(request);
    if (request.method === "PUT") return answer(response, 413), true;
    server.state.uploads.clear();
    return answer(response, 500), true;
  };
  await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), { code: "registry" });
  // The first one was progress, so it did not count.
  equal(chunks, 3);
});

Deno.test("an upload that breaks goes on where the registry stands", async () => {
  const blob = sampleBlob(40 * MIB);
  const opened: number[] = [];
  await using server = await fakeRegistry({ chunkMinimum: 10 });
  let breaks = 2;
  server.state.intercept = (request, response) => {
    if (request.method !== "PATCH" && request.method !== "PUT" || breaks === 0) return false;
    if (Number(request.headers["content-length"]) < MIB) return false;
    const from = Number(/^\d+/.exec(request.headers["content-range"] ?? "0")?.[0]);
    // Deno sends a request again by itself if its connection was closed.
    if (from !== server.state.uploads.get("u0")?.length) return false;
    breaks--;
    const id = /u\d+/.exec(request.url ?? "")?.[0] ?? "";
    const parts = [server.state.uploads.get(id)!];
    request.on("data", (chunk) => {
      parts.push(chunk);
      if (parts.length < 4) return;
      server.state.uploads.set(id, Buffer.concat(parts));
      request.removeAllListeners("data");
      response.destroy();
      request.destroy();
    });
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob, opened));
  ok(Buffer.from(blob.bytes).equals(server.state.blobs.get(blob.descriptor.digest)!));
  equal(breaks, 0);
  equal(server.seen.filter(({ method }) => method === "POST").length, 1);
  ok(opened.filter((offset) => offset === 0).length === 1, `opened at ${opened}`);
});

Deno.test("where the registry kept something wrong of a broken upload it starts anew, once", async () => {
  const blob = sampleBlob(200_000);
  await using server = await fakeRegistry();
  let breaks = 1;
  server.state.intercept = async (request, response) => {
    if (!["PUT", "PATCH"].includes(request.method ?? "") || breaks-- <= 0) return false;
    await bodyOf(request);
    server.state.uploads.set("u0", new Uint8Array(100_000));
    answer(response, 500);
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  equal(server.state.blobs.size, 1);
  equal(server.seen.filter(({ method }) => method === "POST").length, 2);
});

Deno.test("where the registry forgot the upload it starts anew", async () => {
  const blob = sampleBlob(200_000);
  await using server = await fakeRegistry();
  let breaks = 1;
  server.state.intercept = async (request, response) => {
    if (!["PUT", "PATCH"].includes(request.method ?? "") || breaks-- <= 0) return false;
    await bodyOf(request);
    server.state.uploads.clear();
    answer(response, 500);
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  equal(server.state.blobs.size, 1);
  equal(server.seen.filter(({ method }) => method === "POST").length, 2);
});

Deno.test("where only the last answer was lost, the upload is done", async () => {
  const blob = sampleBlob(1000);
  await using server = await fakeRegistry();
  server.state.intercept = (request, response) => {
    if (request.method !== "PUT") return false;
    server.state.uploads.clear();
    server.state.blobs.set(blob.descriptor.digest, blob.bytes);
    response.destroy();
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  // Deno sends a PUT again by itself if its connection was closed.
  match(server.seen.map(({ method }) => method).join(), /^POST(,PUT)+,GET,HEAD$/);
});

Deno.test("a registry that takes no large requests gets smaller ones", async () => {
  const blob = sampleBlob(20 * MIB);
  await using server = await fakeRegistry();
  server.state.intercept = (request, response) => {
    if (Number(request.headers["content-length"] ?? 0) <= 5 * MIB) return false;
    request.resume().on("end", () => answer(response, 413));
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  ok(Buffer.from(blob.bytes).equals(server.state.blobs.get(blob.descriptor.digest)!));
});

Deno.test("chunks are as long as the registry wants them at least", async () => {
  const blob = sampleBlob(40 * MIB);
  await using server = await fakeRegistry({ chunkMinimum: 20 * MIB });
  let whole = 0;
  server.state.intercept = (request, response) => {
    if (request.method !== "PUT" || Number(request.headers["content-length"]) === 0) return false;
    whole++;
    request.resume().on("end", () => answer(response, 413));
    return true;
  };
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
  equal(whole, canStream ? 1 : 0, "without streams there is no whole to try first");
  const sizes = server.seen.filter(({ method }) => method === "PATCH").map(({ headers }) => headers["content-length"]);
  deepEqual(sizes, [String(20 * MIB), String(20 * MIB)]);
});

Deno.test("a blob that another repository has is mounted, without being read", async () => {
  const blob = sampleBlob(200_000);
  await using server = await fakeRegistry({ blobs: new Map([[blob.descriptor.digest, blob.bytes]]) });
  const opened: number[] = [];
  let mounted = false;
  const repository = repositoryAt(server, { mountFrom: () => ["team/app", "team/base", "team/other"] });
  await repository.push(blob.descriptor, chunked(blob, opened), { onMounted: () => mounted = true });
  deepEqual([mounted, opened.length, server.seen.length], [true, 0, 1]);
  match(server.seen[0].url, /uploads\/\?mount=sha256%3A\w+&from=team%2Fbase$/);
});

Deno.test("a mount that does not work is an upload, in the same session or a new one", async () => {
  const blob = sampleBlob(1000);
  for (const status of [202, 403, 404]) {
    await using server = await fakeRegistry();
    server.state.intercept = (request, response) => {
      if (status === 202 || !request.url?.includes("mount=")) return false;
      answer(response, status);
      return true;
    };
    let mounted = false;
    const repository = repositoryAt(server, { mountFrom: () => ["team/base"] });
    await repository.push(blob.descriptor, chunked(blob), { onMounted: () => mounted = true });
    deepEqual([mounted, server.state.blobs.size, server.seen.length], [false, 1, status === 202 ? 2 : 3]);
  }
});

Deno.test("an upload that goes on at another host takes no credentials there", async () => {
  const blob = sampleBlob(1000);
  await using storage = await serve((request, response) => {
    request.resume().on("end", () => answer(response, 201));
  });
  await using server = await serve((request, response) => {
    if (!request.headers.authorization) return answer(response, 401, { "www-authenticate": "Basic realm=x" });
    answer(response, 202, { location: `http://${storage.host}/put?sig=x%2By` });
  });
  const credentials = () => Promise.resolve({ username: "u", password: "p" });
  await repositoryAt(server, { credentials }).push(blob.descriptor, chunked(blob));
  equal(storage.seen[0].url, `/put?sig=x%2By&digest=${encodeURIComponent(blob.descriptor.digest)}`);
  equal(storage.seen[0].headers.authorization, undefined);
});

Deno.test("a redirect of what is written to another host is not followed", async () => {
  const blob = sampleBlob(10);
  await using other = await serve((_request, response) => answer(response, 201));
  for (const method of ["POST", "PUT"]) {
    await using server = await serve((request, response) => {
      if (request.method === method) answer(response, 307, { location: `http://${other.host}/v2/prod/app` });
      else answer(response, 202, { location: "/upload" });
    });
    await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), {
      code: "refused",
      message: new RegExp(`to another host, ${other.host}$`),
    });
  }
  deepEqual(other.seen, []);
});

Deno.test("an upload without an address to go on at is an error", async () => {
  const blob = sampleBlob(10);
  await using server = await serve((_request, response) => answer(response, 202));
  await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), { code: "registry", message: /Location/ });
});

Deno.test("a registry that stored a blob as another is caught, one that hashes in its own way is not", async () => {
  const blob = sampleBlob(10);
  const storing = (stored: string) =>
    serve((request, response) => {
      const headers = request.method === "POST" ? { location: "/put" } : { "docker-content-digest": stored };
      request.resume().on("end", () => answer(response, request.method === "POST" ? 202 : 201, headers));
    });
  for (const stored of [sampleBlob(11).descriptor.digest, "sha256:"]) {
    await using server = await storing(stored);
    await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), { code: "integrity", message: /stored/ });
  }
  await using server = await storing(`sha512:${"0".repeat(128)}`);
  await repositoryAt(server).push(blob.descriptor, chunked(blob));
});

Deno.test("a registry's refusal of an upload is shown in its words", async () => {
  const blob = sampleBlob(200_000);
  await using server = await serve((_request, response) =>
    answer(response, 403, {}, '{"errors":[{"code":"DENIED","message":"quota exceeded"}]}')
  );
  await rejects(repositoryAt(server).push(blob.descriptor, chunked(blob)), {
    code: "denied",
    message: `POST /v2/team/app/blobs/uploads/ at ${server.host}: HTTP 403 Forbidden: DENIED: quota exceeded`,
  });
});

Deno.test("a cancelled upload ends, and its source is let go", async () => {
  const blob = sampleBlob(10 * MIB);
  const controller = new AbortController();
  let closed = false;
  await using server = await fakeRegistry();
  const content: Content = {
    async *open() {
      try {
        for (let i = 0; i < blob.bytes.length; i += MIB) {
          if (i === 3 * MIB) controller.abort();
          yield await Promise.resolve(blob.bytes.subarray(i, i + MIB));
        }
      } finally {
        closed = true;
      }
    },
  };
  await rejects(repositoryAt(server).push(blob.descriptor, content, { signal: controller.signal }), {
    code: "cancelled",
  });
  equal(closed, true);
  equal(server.state.blobs.size, 0);
});
