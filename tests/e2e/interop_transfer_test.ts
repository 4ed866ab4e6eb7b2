import { strict as assert } from "node:assert";
import {
  assertHolds,
  binary,
  describe,
  makeCertificates,
  makeGadget,
  peerTest,
  pushImage,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startHttpProxy,
  startInBackground,
  startRegistry,
  viaProxy,
} from "../harness/mod.ts";

/** One layer of 8 MiB, so that a transfer can break in the middle. */
const LARGE = { architectures: ["amd64"], layerSize: 8 << 20 };

peerTest("registry", "a download that was killed goes on where it stopped", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const gadget = makeGadget(LARGE);
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const layer = gadget.blobs[1];
  await using proxy = await startHttpProxy({
    cutResponse: ({ target }) => target.endsWith(layer.digest) ? { after: 3 << 20, then: "stall" } : undefined,
  });
  const store = scratch.at("store");
  const host = viaProxy(registry);
  const args = ["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host];
  const env = { ...satchelEnvironment(store, scratch.path), ...proxy.env };
  {
    await using killed = await startInBackground(await binary(), args, { env, ready: (line) => line || undefined });
    await until(() => partSize(store) > 1 << 20);
    killed.kill("SIGKILL");
    await killed.status;
  }

  await using through = await startHttpProxy();
  await satchelSucceeds(args, { store, env: through.env });
  const again = through.requests.filter(({ target }) => target.endsWith(layer.digest));
  assert.equal(again.length, 1);
  const start = Number(/^bytes=(\d+)-$/.exec(again[0].headers.range ?? "")?.[1]);
  assert.ok(start > 1 << 20, `Range: ${again[0].headers.range}`);
  await registry.waitForRequest(new RegExp(`^GET /v2/demo/gadget/blobs/${layer.digest} 206$`));
  await satchelSucceeds(["store", "check"], { store });
});

peerTest(
  "registry",
  "a push mounts blobs that another repository of the registry has, and sends none of them",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const gadget = makeGadget();
    await pushImage(registry, "demo/gadget", "latest", gadget);
    const store = scratch.at("store");
    const insecure = ["--insecure-registries", registry.host];
    const copy = `${registry.host}/copies/gadget:latest`;
    await satchelSucceeds(["image", "pull", `${registry.host}/demo/gadget`, ...insecure], { store });
    await satchelSucceeds(["image", "tag", `${registry.host}/demo/gadget`, copy], { store });
    await satchelSucceeds(["image", "push", copy, ...insecure], { store });
    await registry.waitForRequest(/^PUT \/v2\/copies\/gadget\/manifests\/latest 201$/);

    const uploads = registry.requests().filter((request) => request.includes("/v2/copies/gadget/blobs/uploads/"));
    for (const { digest } of gadget.blobs) {
      const mount = uploads.find((request) => decodeURIComponent(request).includes(`mount=${digest}`));
      assert.match(decodeURIComponent(mount ?? ""), /from=demo\/gadget/);
      assert.match(mount ?? "", /^POST .* 201$/);
    }
    assert.equal(uploads.length, gadget.blobs.length, uploads.join("\n"));
    await assertHolds(registry, "copies/gadget", "latest", gadget);
  },
);

peerTest("registry", "pulling again fetches no blob", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const store = scratch.at("store");
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--insecure-registries", registry.host];
  const blobs = () => registry.requests().filter((request) => /^GET .*\/blobs\//.test(request)).length;
  await satchelSucceeds(args, { store });
  assert.equal(blobs(), gadget.blobs.length);
  await satchelSucceeds(args, { store });
  assert.equal(blobs(), gadget.blobs.length);
});

peerTest("registry", "plain HTTP goes through the proxy of HTTP_PROXY, pulls and pushes alike", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  await using proxy = await startHttpProxy();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const options = { store: scratch.at("store"), env: proxy.env };
  const host = viaProxy(registry);
  await satchelSucceeds(["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host], options);
  await satchelSucceeds(["image", "tag", `${host}/demo/gadget`, `${host}/copies/gadget`], options);
  await satchelSucceeds(["image", "push", `${host}/copies/gadget`, "--insecure-registries", host], options);
  await assertHolds(registry, "copies/gadget", "latest", gadget);
  assert.ok(proxy.requests.some(({ target }) => target === `http://${host}/v2/demo/gadget/manifests/latest`));
});

peerTest(["registry", "openssl"], "TLS goes through a tunnel of the proxy of HTTPS_PROXY", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  await using registry = await startRegistry({ tls });
  await using proxy = await startHttpProxy();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const options = { store: scratch.at("store"), env: { ...proxy.env, ...registry.env } };
  await satchelSucceeds(["image", "pull", `${viaProxy(registry)}/demo/gadget`], options);
  assert.deepEqual(
    new Set(proxy.requests.map(({ method, target }) => `${method} ${target}`)),
    new Set([
      `CONNECT ${viaProxy(registry)}`,
    ]),
  );
});

peerTest("registry", "a host of NO_PROXY is not asked for through the proxy", async () => {
  await using registry = await startRegistry();
  await using proxy = await startHttpProxy();
  const host = viaProxy(registry);
  const env = { ...proxy.env, NO_PROXY: "registry.test", no_proxy: "registry.test" };
  const outcome = await satchel(["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host], { env });
  assert.equal(outcome.code, 1, describe(outcome)); // the name exists for the proxy alone
  assert.deepEqual(proxy.requests, []);
});

/** The size of the largest file below the store's scratch folder, in bytes. */
function partSize(store: string): number {
  try {
    return Math.max(
      0,
      ...Array.from(Deno.readDirSync(`${store}/ingest`), ({ name }) => Deno.statSync(`${store}/ingest/${name}`).size),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Looks again and again until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error("What the test waits for did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
