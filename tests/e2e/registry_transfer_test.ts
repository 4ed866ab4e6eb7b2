import { strict as assert } from "node:assert";
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
  startHttpProxy,
  startReferrersRegistry,
  startRegistry,
  startTcpProxy,
  viaProxy,
} from "../harness/mod.ts";

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
  await using proxy = await startTcpProxy(registry.host, cut);
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
  await using proxy = await startTcpProxy(registry.host, { direction: "up", after: 5 * MIB, times: 2 });
  const image = large();
  const name = `${proxy.host}/team/app:v1`;
  const store = await storeAs(registry, image, name, scratch);
  await satchelSucceeds(["image", "push", name, "--insecure-registries", proxy.host], { store });
  await assertHolds(registry, "team/app", "v1", image);
  assert.equal(proxy.cuts(), 2);
  const requests = registry.requests();
  assert.ok(requests.some((line) => /^PATCH \/v2\/team\/app\/blobs\/uploads\/.* 202$/.test(line)), requests.join("\n"));
});

peerTest("registry", "where large requests are not taken, a blob is sent in smaller ones", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  let refused = 0;
  await using proxy = await startHttpProxy({
    answer: ({ headers }) => {
      if (Number(headers["content-length"] ?? 0) <= 5 * MIB) return undefined;
      refused++;
      return { status: 413 };
    },
  });
  const image = large();
  const host = viaProxy(registry);
  const name = `${host}/team/app:v1`;
  const store = await storeAs(registry, image, name, scratch);
  await satchelSucceeds(["image", "push", name, "--insecure-registries", host], { store, env: proxy.env });
  await assertHolds(registry, "team/app", "v1", image);
  assert.ok(refused > 0);
});

peerTest("registry", "a registry that is busy for a moment is asked again", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const image = makeGadget();
  await pushImage(registry, "team/app", "v1", image);
  const busy = [429, 503, 500];
  await using proxy = await startHttpProxy({
    answer: () => {
      const status = busy.shift();
      return status === undefined ? undefined : { status, headers: { "retry-after": "0" } };
    },
  });
  const host = viaProxy(registry);
  const args = ["image", "pull", `${host}/team/app:v1`, "--insecure-registries", host];
  await satchelSucceeds(args, { store: scratch.at("store"), env: proxy.env });
  assert.deepEqual(busy, []);
});

peerTest("registry", "a registry on this host is reached without the proxy of the environment", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  await pushImage(registry, "team/app", "v1", makeGadget());
  await using proxy = await startHttpProxy();
  const env = { ...proxy.env, ALL_PROXY: proxy.url, all_proxy: proxy.url };
  const args = ["image", "pull", `${registry.host}/team/app:v1`, "--insecure-registries", registry.host];
  await satchelSucceeds(args, { store: scratch.at("store"), env });
  assert.deepEqual(proxy.requests, []);
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
