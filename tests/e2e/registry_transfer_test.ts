import { strict as assert } from "node:assert";
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  assertHolds,
  attachmentTag,
  type Image,
  makeGadget,
  makeReferrer,
  peerTest,
  pushImage,
  readManifest,
  type Registry,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startReferrersRegistry,
  startRegistry,
} from "../harness/mod.ts";
import { startCuttingProxy } from "./cutting_proxy.ts";

const MIB = 1024 * 1024;

function large(): Image {
  return makeGadget({ architectures: ["amd64"], layerSize: 12 * MIB });
}

/** Puts an image into a store under a name on `host`. */
async function storeAs(registry: Registry, image: Image, name: string, scratch: Scratch): Promise<string> {
  const store = scratch.at("store");
  await pushImage(registry, "team/source", "v1", image);
  const source = `${registry.host}/team/source:v1`;
  await satchelSucceeds(["image", "pull", source, "--insecure-registries", registry.host], { store });
  await satchelSucceeds(["image", "tag", source, name], { store });
  return store;
}

peerTest("registry", "a download that breaks three times goes on where it stopped", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const image = large();
  await pushImage(registry, "team/app", "v1", image);
  const cut = { direction: "down", after: 3 * MIB, times: 3 } as const;
  await using proxy = await startCuttingProxy(registry.host, cut);
  const store = scratch.at("store");
  await satchelSucceeds(["image", "pull", `${proxy.host}/team/app:v1`, "--insecure-registries", proxy.host], { store });
  await satchelSucceeds(["store", "check"], { store });
  assert.equal(proxy.cuts(), 3);
  // Starting anew would take 21 MiB.
  assert.ok(proxy.passed() < 15 * MIB, `${proxy.passed()} bytes`);
  assert.ok(registry.requests().some((line) => /^GET \/v2\/team\/app\/blobs\/.* 206$/.test(line)));
});

peerTest("registry", "an upload that breaks twice goes on where the registry stands", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  await using proxy = await startCuttingProxy(registry.host, { direction: "up", after: 5 * MIB, times: 2 });
  const image = large();
  const name = `${proxy.host}/team/app:v1`;
  const store = await storeAs(registry, image, name, scratch);
  await satchelSucceeds(["image", "push", name, "--insecure-registries", proxy.host], { store });
  await assertHolds(registry, "team/app", "v1", image);
  assert.equal(proxy.cuts(), 2);
  const requests = registry.requests();
  assert.ok(requests.some((line) => /^PATCH \/v2\/team\/app\/blobs\/uploads\/.* 202$/.test(line)), requests.join("\n"));
});

/** A server between satchel and a registry, which answers itself where `meddle` does. */
async function startMeddler(
  registry: Registry,
  meddle: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<{ host: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    if (meddle(request, response)) return;
    const { method, headers } = request;
    const onwards = send(new URL(request.url ?? "", registry.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.destroy());
    request.pipe(onwards);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

peerTest("registry", "where large requests are not taken, a blob is sent in smaller ones", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  let refused = 0;
  await using meddler = await startMeddler(registry, (request, response) => {
    if (Number(request.headers["content-length"] ?? 0) <= 5 * MIB) return false;
    refused++;
    request.resume().on("end", () => response.writeHead(413).end());
    return true;
  });
  const image = large();
  const name = `${meddler.host}/team/app:v1`;
  const store = await storeAs(registry, image, name, scratch);
  await satchelSucceeds(["image", "push", name, "--insecure-registries", meddler.host], { store });
  await assertHolds(registry, "team/app", "v1", image);
  assert.ok(refused > 0);
});

peerTest("registry", "a registry that is busy for a moment is asked again", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const image = makeGadget();
  await pushImage(registry, "team/app", "v1", image);
  const busy = new Set([429, 503, 500]);
  await using meddler = await startMeddler(registry, (_request, response) => {
    const [status] = busy;
    if (status === undefined) return false;
    busy.delete(status);
    response.writeHead(status, { "retry-after": "0" }).end();
    return true;
  });
  const args = ["image", "pull", `${meddler.host}/team/app:v1`, "--insecure-registries", meddler.host];
  await satchelSucceeds(args, { store: scratch.at("store") });
  assert.equal(busy.size, 0);
});

peerTest("registry", "a registry on this host is reached without the proxy of the environment", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  await pushImage(registry, "team/app", "v1", makeGadget());
  // Nobody listens there: a request that went to it would fail.
  const env = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9", ALL_PROXY: "http://127.0.0.1:9" };
  const args = ["image", "pull", `${registry.host}/team/app:v1`, "--insecure-registries", registry.host];
  await satchelSucceeds(args, { store: scratch.at("store"), env });
});

peerTest(
  ["registry", "referrers-registry"],
  "several satchels that push signatures of one image at once lose none of them",
  async () => {
    await using scratch = await scratchFolder();
    await using source = await startReferrersRegistry();
    await using registry = await startRegistry();
    const image = makeGadget();
    const name = `${registry.host}/team/app:v1`;
    const insecure = ["--insecure-registries", `${source.host},${registry.host}`];
    const referrers = Array.from(
      { length: 5 },
      (_, index) => makeReferrer(image.root, { artifactType: "application/x.signature", payload: `signer ${index}` }),
    );
    const stores = referrers.map((_, index) => scratch.at(`store${index}`));
    for (const [index, referrer] of referrers.entries()) {
      const origin = `${source.host}/team/signer${index}:v1`;
      await pushImage(source, `team/signer${index}`, "v1", image);
      await pushImage(source, `team/signer${index}`, undefined, referrer);
      await satchelSucceeds(["image", "pull", origin, ...insecure], { store: stores[index] });
      await satchelSucceeds(["image", "tag", origin, name], { store: stores[index] });
    }
    await Promise.all(stores.map((store) => satchelSucceeds(["image", "push", name, ...insecure], { store })));
    const list = await readManifest(registry, "team/app", attachmentTag(image.root.digest));
    const found = (list?.json.manifests as { digest: string }[]).map(({ digest }) => digest);
    assert.deepEqual(found.toSorted(), referrers.map(({ root }) => root.digest).toSorted());
  },
);
