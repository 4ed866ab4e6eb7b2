/** Pull-through caches of the distribution project as mirrors, the registry behind them reachable or not. */
import { strict as assert } from "node:assert";
import {
  attachmentTag,
  type Image,
  makeCertificates,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  satchelByDeno,
  type SatchelOptions,
  satchelSucceeds,
  scratchFolder,
  startReferrersRegistry,
  startRegistry,
} from "../harness/mod.ts";

/** What a test of mirrors stands on: a configuration, and the pulls that heed it. */
interface Site extends AsyncDisposable {
  pull(image: string, ...flags: string[]): ReturnType<typeof satchel>;
  /** The names and digests of what the store has. */
  stored(): Promise<{ Digest: string; Kind: string }[]>;
}

async function siteWith(mirrors: Record<string, unknown[]>, insecure: readonly string[]): Promise<Site> {
  const scratch = await scratchFolder();
  const config = scratch.at("config.yaml");
  await Deno.writeTextFile(config, JSON.stringify({ mirrors, insecureRegistries: insecure }));
  const options: SatchelOptions = { store: scratch.at("store"), home: scratch.path, env: { SATCHEL_CONFIG: config } };
  return {
    pull: (image, ...flags) => satchel(["image", "pull", "-v", image, ...flags], options),
    stored: async () => JSON.parse(await satchelSucceeds(["image", "list", "--all", "-o", "json"], options)),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

interface Pair extends AsyncDisposable {
  origin: Registry;
  cache: Registry;
  stopOrigin(): Promise<void>;
}

/** A registry with a gadget, and a cache of it. */
async function originAndCache(gadget: Image): Promise<Pair> {
  const origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  const cache = await startRegistry({ proxy: origin.url });
  let stopped: Promise<void> | undefined;
  const stopOrigin = () => stopped ??= Promise.resolve(origin[Symbol.asyncDispose]());
  return {
    origin,
    cache,
    stopOrigin,
    async [Symbol.asyncDispose]() {
      await cache[Symbol.asyncDispose]();
      await stopOrigin();
    },
  };
}

peerTest("registry", "a gadget comes through a cache, and later without its registry, by digest", async () => {
  const gadget = makeGadget();
  await using pair = await originAndCache(gadget);
  const { origin, cache } = pair;
  const mirrors = { [origin.host]: [`http://${cache.host}`] };
  const name = `${origin.host}/team/gadget@${gadget.root.digest}`;
  {
    await using first = await siteWith(mirrors, [origin.host]);
    const { code, stderr } = await first.pull(name);
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`Served: \\d+ blobs \\([^)]+\\) from ${cache.host}/team/gadget$`, "m"));
  }
  await pair.stopOrigin();
  await using second = await siteWith(mirrors, [origin.host]);
  const { code, stderr } = await second.pull(name);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Warning: What refers to the image is not known: .*connection refused/);
  assert.equal((await second.stored())[0].Digest, gadget.root.digest);
});

peerTest("registry", "by tag it comes without its registry only from a cache that is believed about tags", async () => {
  const gadget = makeGadget();
  await using pair = await originAndCache(gadget);
  const { origin, cache } = pair;
  const name = `${origin.host}/team/gadget:v1`;
  const believed = { [origin.host]: [{ endpoint: `http://${cache.host}`, resolveTags: true }] };
  {
    await using first = await siteWith(believed, [origin.host]);
    const { code, stderr } = await first.pull(name);
    assert.equal(code, 0, stderr);
  }
  await pair.stopOrigin();
  await using second = await siteWith(believed, [origin.host]);
  const fromCache = await second.pull(name);
  assert.equal(fromCache.code, 0, fromCache.stderr);
  await using third = await siteWith({ [origin.host]: [`http://${cache.host}`] }, [origin.host]);
  const refused = await third.pull(name);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    new RegExp(`\n  the mirror ${cache.host}/team/gadget: not asked .*\n  the registry: .*connection refused\n`),
  );
  assert.match(refused.stderr, /Hint: .*resolveTags: true/);
});

peerTest("registry", "signatures and other referrers come along through a cache that is believed", async () => {
  const gadget = makeGadget();
  const signature = makeCosignSignature(gadget.root);
  await using pair = await originAndCache(gadget);
  const { origin, cache } = pair;
  await pushImage(origin, "team/gadget", attachmentTag(gadget.root.digest, ".sig"), signature);
  await using site = await siteWith({ [origin.host]: [{ endpoint: `http://${cache.host}`, resolveTags: true }] }, []);
  const before = origin.requests().length;
  const { code, stderr } = await site.pull(`${origin.host}/team/gadget:v1`);
  // The registry is not named insecure: it could not have been asked.
  assert.equal(code, 0, stderr);
  assert.ok((await site.stored()).some(({ Digest }) => Digest === signature.root.digest));
  assert.ok(origin.requests().length > before, "the cache asked nobody");
});

peerTest(
  "referrers-registry",
  "what refers to an image is asked of the mirror that said what its tag means",
  async () => {
    const gadget = makeGadget();
    const sbom = makeReferrer(gadget.root, { artifactType: "application/spdx+json", payload: "{}" });
    await using mirror = await startReferrersRegistry();
    await pushImage(mirror, "team/gadget", "v1", gadget);
    await pushImage(mirror, "team/gadget", undefined, sbom);
    const endpoint = { endpoint: `http://${mirror.host}`, resolveTags: true };
    await using site = await siteWith({ "nowhere.invalid": [endpoint] }, []);
    const { code, stderr } = await site.pull("nowhere.invalid/team/gadget:v1");
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /Warning/);
    assert.ok((await site.stored()).some(({ Digest }) => Digest === sbom.root.digest));
  },
);

peerTest("registry", "a prefix stands for its mirror's path, a registry for the path before its own", async () => {
  const gadget = makeGadget();
  await using mirror = await startRegistry();
  await pushImage(mirror, "copies/gadget", "v1", gadget);
  await pushImage(mirror, "all/other/gadget", "v1", gadget);
  const at = (path: string) => [{ endpoint: `http://${mirror.host}/${path}`, resolveTags: true }];
  await using site = await siteWith({ "nowhere.invalid": at("all"), "nowhere.invalid/team": at("copies") }, []);
  for (const repository of ["team/gadget", "other/gadget"]) {
    const { code, stderr } = await site.pull(`nowhere.invalid/${repository}:v1`);
    assert.equal(code, 0, stderr);
  }
  assert.ok(mirror.requests().some((line) => line.startsWith("GET /v2/copies/gadget/manifests/v1")));
  assert.ok(mirror.requests().some((line) => line.startsWith("GET /v2/all/other/gadget/manifests/v1")));
});

peerTest("registry", "a push goes to the registry, never to its mirrors", async () => {
  const gadget = makeGadget();
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await using mirror = await startRegistry();
  await using scratch = await scratchFolder();
  const config = scratch.at("config.yaml");
  const mirrors = { [origin.host]: [{ endpoint: `http://${mirror.host}`, resolveTags: true }] };
  await Deno.writeTextFile(config, JSON.stringify({ mirrors, insecureRegistries: [origin.host] }));
  const options = { store: scratch.at("store"), env: { SATCHEL_CONFIG: config } };
  await satchelSucceeds(["image", "pull", `${origin.host}/team/gadget:v1`], options);
  await satchelSucceeds(["image", "tag", `${origin.host}/team/gadget:v1`, `${origin.host}/team/copy:v2`], options);
  const asked = mirror.requests().length;
  await satchelSucceeds(["image", "push", `${origin.host}/team/copy:v2`], options);
  assert.equal(mirror.requests().length, asked);
  assert.equal((await origin.fetch("/v2/team/copy/manifests/v2", { method: "HEAD" })).status, 200);
});

peerTest(
  ["registry", "openssl"],
  "a mirror by TLS is trusted by the certificates for its own name, or passed over",
  async () => {
    const gadget = makeGadget();
    await using tls = await makeCertificates();
    await using mirror = await startRegistry({ tls });
    await pushImage(mirror, "team/gadget", "v1", gadget);
    await using origin = await startRegistry();
    await pushImage(origin, "team/gadget", "v1", gadget);
    await using scratch = await scratchFolder();
    const config = scratch.at("config.yaml");
    const mirrors = { [origin.host]: [{ endpoint: mirror.host, resolveTags: true }] };
    await Deno.writeTextFile(config, JSON.stringify({ mirrors, insecureRegistries: [origin.host] }));
    const folder = scratch.at(".config", "containers", "certs.d", mirror.host);
    const args = ["image", "pull", "-v", `${origin.host}/team/gadget:v1`];
    for (const runs of [satchel, satchelByDeno]) {
      const pull = (store: string) =>
        runs(args, { home: scratch.path, store: scratch.at(store), env: { SATCHEL_CONFIG: config } });
      const distrusted = await pull(`${runs.name}-1`);
      assert.equal(distrusted.code, 0, distrusted.stderr);
      assert.match(
        distrusted.stderr,
        new RegExp(`The mirror ${mirror.host}/team/gadget is not asked any more: .*unknown auth`),
      );
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(`${folder}/ca.crt`, "garbage");
      const broken = await runs(args.filter((arg) => arg !== "-v"), {
        home: scratch.path,
        env: { SATCHEL_CONFIG: config },
      });
      assert.equal(broken.code, 0, broken.stderr);
      assert.match(broken.stderr, new RegExp(`^Warning: The mirror .* ${folder}/ca\\.crt holds no certificate`, "m"));
      await Deno.copyFile(tls.authority, `${folder}/ca.crt`);
      const trusted = await pull(`${runs.name}-2`);
      assert.equal(trusted.code, 0, trusted.stderr);
      assert.match(trusted.stderr, new RegExp(`Served: 6 blobs \\([^)]+\\) from ${mirror.host}/team/gadget$`, "m"));
      await Deno.remove(folder, { recursive: true });
    }
  },
);
