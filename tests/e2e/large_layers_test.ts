import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  assertHolds,
  describe,
  digestOf,
  peerTest,
  RUNTIMES,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { pack } from "./import_archives.ts";
import { imageOf, largeLayer } from "./large_images.ts";

const NAME = "example.org/app:v1";

/** A registry that keeps nothing but the digests of what it got, and takes it slowly. */
interface SlowRegistry extends AsyncDisposable {
  host: string;
  /** What was announced for each blob, and what its bytes were. */
  got: [announced: string | null, found: string][];
}

async function startSlowRegistry(): Promise<SlowRegistry> {
  const got: SlowRegistry["got"] = [];
  const uploads = new Map<string, { hash: Hash; size: number }>();
  const server = createServer((request, response) => {
    // A sender that breaks off is told by its own error.
    answer(request, response, uploads, got).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  uploads: Map<string, { hash: Hash; size: number }>,
  got: SlowRegistry["got"],
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url!, "http://localhost");
  const end = (status: number, headers: Record<string, string> = {}) => void response.writeHead(status, headers).end();
  if (request.method === "POST") return end(202, { location: `${pathname}${crypto.randomUUID()}` });
  if (request.method === "GET" && pathname === "/v2/") return end(200);
  if (request.method === "GET" || request.method === "HEAD") return end(404);
  const upload = uploads.get(pathname) ?? { hash: createHash("sha256"), size: 0 };
  uploads.set(pathname, upload);
  for await (const chunk of request) {
    upload.hash.update(chunk);
    upload.size += chunk.length;
    // Until then the sender has to keep what it has got.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (request.method === "PATCH") return end(202, { location: pathname, range: `0-${upload.size - 1}` });
  if (!pathname.includes("/blobs/")) return end(201);
  const found = `sha256:${upload.hash.digest("hex")}`;
  got.push([searchParams.get("digest"), found]);
  end(201, { "docker-content-digest": found });
}

for (const [runtime, run] of Object.entries(RUNTIMES)) {
  for (const from of ["archive:x.tar", "dir:near", `store:${NAME}`]) {
    Deno.test(`${runtime}: a registry that is slow to take them gets the right bytes out of ${from}`, async () => {
      await using scratch = await scratchFolder();
      await using registry = await startSlowRegistry();
      const image = imageOf(Array.from({ length: 3 }, (_, at) => largeLayer(20_000_000 + at)));
      const store = scratch.at("near");
      await writeStore(store, [{ image, name: NAME }]);
      await pack(scratch, store);
      const to = [`${registry.host}/app:v1`, "--insecure-registries", registry.host];
      const outcome = await run(["image", "copy", from, ...to], { store, cwd: scratch.path });
      assert.equal(outcome.code, 0, describe(outcome));
      const digests = image.blobs.map(({ digest }) => digest);
      assert.deepEqual(registry.got.sort(), digests.map((digest) => [digest, digest]).sort());
    });
  }
}

peerTest("registry", "layers of 64 MB are the same behind an archive, a registry, a store and an archive", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const image = imageOf([largeLayer(64_000_000), largeLayer(64 * 1024 * 1024)]);
  await writeStore(scratch.at("near"), [{ image, name: NAME }]);
  await satchelSucceeds(["image", "export", NAME, scratch.at("near.tar")], { store: scratch.at("near") });
  const copy = (...args: string[]) =>
    satchelSucceeds(["image", "copy", ...args, "--insecure-registries", registry.host], {
      store: scratch.at("far"),
      cwd: scratch.path,
    });
  await copy("archive:near.tar", `${registry.host}/app:v1`);
  await assertHolds(registry, "app", "v1", image);
  await copy(`${registry.host}/app:v1`, `store:${NAME}`);
  await copy(`store:${NAME}`, "archive:far.tar");
  await copy(`${registry.host}/app:v1`, `archive:direct.tar#${NAME}`);
  const [near, far, direct] = await Promise.all(
    ["near.tar", "far.tar", "direct.tar"].map((name) => Deno.readFile(scratch.at(name))),
  );
  assert.deepEqual([digestOf(far), digestOf(direct)], [digestOf(near), digestOf(near)]);
});
