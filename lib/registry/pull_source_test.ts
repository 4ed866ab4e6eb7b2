import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { copy, MemoryRepository } from "../content/mod.ts";
import { MediaType } from "../oci/mod.ts";
import { fakeRegistry } from "./_fake_registry.ts";
import { sampleBlob, sampleJson } from "./_server.ts";
import { openPullSource, type PullSourceOptions } from "./mod.ts";

/** A registry with an image `v1` of a few layers. */
async function registryWithImage({ layers: sizes = [1, 2, 3, 4] } = {}) {
  const registry = await fakeRegistry();
  const layers = sizes.map((size) => sampleBlob(size));
  const config = sampleJson("application/vnd.oci.empty.v1+json", {});
  const manifest = sampleJson(MediaType.ociManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  for (const { bytes, descriptor } of [config, ...layers]) registry.state.blobs.set(descriptor.digest, bytes);
  for (const name of ["v1", manifest.descriptor.digest]) {
    registry.state.manifests.set(name, { type: MediaType.ociManifest, bytes: manifest.bytes });
  }
  return registry;
}

/** A server that takes connections and says nothing. */
async function silentServer() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The source of `team/app:v1` behind one mirror. */
function open(registry: string, mirror: string, options: Partial<PullSourceOptions> = {}) {
  const mirrors = [{
    registry,
    prefix: "",
    mirrors: [{ registry: mirror, path: "", scheme: "http" as const, resolveTags: true }],
  }];
  const reference = { registry, repository: "team/app", tag: "v1" };
  return openPullSource(reference, {
    mirrors,
    isPlainHttp: () => true,
    retryDelay: 0,
    onDetail: () => {},
    onWarning: assert.fail,
    ...options,
  });
}

Deno.test("a mirror that never answers is waited for once, and asked nothing more", async () => {
  await using registry = await registryWithImage();
  await using silent = await silentServer();
  const details: string[] = [];
  const source = open(registry.host, silent.host, {
    mirrorIdleTimeout: 50,
    onDetail: (message) => details.push(message),
  });
  await copy(source, "v1", new MemoryRepository());
  assert.equal(silent.sockets.length, 1);
  assert.equal(details.length, 1);
  assert.match(details[0], /^The mirror \S+ is not asked any more: .*no byte came for 0.05 s$/);
  assert.deepEqual(source.served?.().map(({ blobs }) => blobs), [6]);
});

/** Has a registry send each blob a byte at a time, without end. */
function drip({ state }: Awaited<ReturnType<typeof registryWithImage>>, every: number): void {
  state.intercept = (request, response) => {
    const bytes = state.blobs.get(request.url?.match(/blobs\/(sha256:[0-9a-f]+)/)?.[1] ?? "");
    if (!bytes) return false;
    response.writeHead(200, { "content-length": bytes.length });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < bytes.length - 1) response.write(bytes.slice(sent, ++sent));
    }, every);
    response.on("close", () => clearInterval(timer));
    return true;
  };
}

Deno.test("a mirror that sends a byte now and then is passed over, and the registry goes on from there", async () => {
  await using registry = await registryWithImage({ layers: [5000] });
  await using mirror = await registryWithImage({ layers: [5000] });
  drip(mirror, 10);
  const details: string[] = [];
  const source = open(registry.host, mirror.host, {
    mirrorIdleTimeout: 2000,
    mirrorSlowest: { bytes: 1000, time: 300 },
    onDetail: (message) => details.push(message),
  });
  await copy(source, "v1", new MemoryRepository());
  assert.match(details[0], /^The mirror \S+ is not asked any more: .*fewer than 1000 bytes came in 0.3 s$/);
  const ranges = registry.seen.flatMap(({ headers: { range } }) => range ?? []);
  assert.ok(ranges.some((range) => /^bytes=[1-9]\d*-$/.test(range)), ranges.join());
});

Deno.test("each place is told for whom it stands in, and asked by its own account", async () => {
  await using registry = await registryWithImage();
  await using mirror = await fakeRegistry();
  mirror.state.intercept = (request, response) => {
    if (request.headers.authorization !== undefined) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  const subjects: string[] = [];
  const credentials = (subject: { registry: string; repository?: string }) => {
    subjects.push(`${subject.registry}/${subject.repository}`);
    return Promise.resolve({ username: "joe", password: "secret" });
  };
  await copy(open(registry.host, mirror.host, { credentials }), "v1", new MemoryRepository());
  assert.deepEqual(subjects, [`${mirror.host}/team/app`]);
  assert.ok(mirror.seen.every(({ url }) => url.endsWith(`?ns=${encodeURIComponent(registry.host)}`)));
  assert.ok(registry.seen.every(({ url, headers }) => !url.includes("ns=") && headers.authorization === undefined));
});

Deno.test("without mirrors it is the registry's repository", async () => {
  await using registry = await registryWithImage();
  const source = openPullSource({ registry: registry.host, repository: "team/app", tag: "v1" }, {
    mirrors: [],
    isPlainHttp: () => true,
    onDetail: assert.fail,
    onWarning: assert.fail,
  });
  await copy(source, "v1", new MemoryRepository());
  assert.equal(source.served, undefined);
});
