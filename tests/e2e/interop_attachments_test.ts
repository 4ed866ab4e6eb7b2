import { strict as assert } from "node:assert";
import {
  attachmentTag,
  type Blob,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  oras,
  peerTest,
  pushImage,
  readManifest,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startHttpProxy,
  startReferrersRegistry,
  startRegistry,
  viaProxy,
} from "../harness/mod.ts";

const KINDS = {
  "a registry with fallback tags": { peer: "registry", start: () => startRegistry() },
  "a registry with the referrers API": { peer: "referrers-registry", start: () => startReferrersRegistry() },
} as const;

/** Lets oras attach something to `name@digest`; returns the digest of what it attached. */
async function attach(scratch: Scratch, registry: Registry, repository: string, digest: string, type: string) {
  await Deno.writeTextFile(scratch.at("payload"), crypto.randomUUID());
  const flags = ["--plain-http", "--format", "json", "--artifact-type", type];
  const name = `${registry.host}/${repository}@${digest}`;
  const printed = await oras(["attach", ...flags, name, "payload"], { cwd: scratch.path });
  return String(JSON.parse(printed).digest);
}

/** A tree of digests: what refers to a manifest, and what refers to that. */
interface Referrers {
  [digest: string]: Referrers;
}

/** What refers to a digest, as oras finds it. */
async function discover(registry: Registry, repository: string, digest: string): Promise<Referrers> {
  const printed = await oras([
    "discover",
    "--plain-http",
    "--format",
    "json",
    `${registry.host}/${repository}@${digest}`,
  ]);
  type Node = { digest: string; referrers?: Node[] };
  const tree = ({ referrers = [] }: Node): Referrers =>
    Object.fromEntries(referrers.map((node) => [node.digest, tree(node)]));
  return tree(JSON.parse(printed));
}

/** Lets satchel pull `name` from one registry and push it to `copy` at another. */
async function carry(scratch: Scratch, source: [Registry, string], target: [Registry, string], flags: string[] = []) {
  const store = scratch.at("store");
  const [from, to] = [source, target].map(([{ host }, name]) => `${host}/${name}`);
  await satchelSucceeds(["image", "pull", from, "--insecure-registries", source[0].host, ...flags], { store });
  await satchelSucceeds(["image", "tag", from, to], { store });
  await satchelSucceeds(["image", "push", to, "--insecure-registries", target[0].host, ...flags], { store });
  await satchelSucceeds(["store", "check"], { store });
}

for (const [sourceKind, source] of Object.entries(KINDS)) {
  for (const [targetKind, target] of Object.entries(KINDS)) {
    const peers = [source.peer, target.peer, "oras"] as const;
    peerTest(
      peers,
      `what refers to an image goes from ${sourceKind} to ${targetKind}, and what refers to that`,
      async () => {
        await using scratch = await scratchFolder();
        await using from = await source.start();
        await using to = await target.start();
        const gadget = makeGadget();
        await pushImage(from, "demo/gadget", "latest", gadget);
        const sbom = await attach(scratch, from, "demo/gadget", gadget.root.digest, "test/sbom");
        const signature = await attach(scratch, from, "demo/gadget", sbom, "test/signature");
        const [child] = gadget.manifests;
        const ofChild = await attach(scratch, from, "demo/gadget", child.digest, "test/sbom");

        await carry(scratch, [from, "demo/gadget"], [to, "copies/gadget"]);
        assert.deepEqual(await discover(to, "copies/gadget", gadget.root.digest), { [sbom]: { [signature]: {} } });
        assert.deepEqual(await discover(to, "copies/gadget", child.digest), { [ofChild]: {} });
      },
    );
  }
}

for (const [kind, { peer, start }] of Object.entries(KINDS)) {
  peerTest(peer, `cosign's signature, attestation and SBOM tags travel both ways at ${kind}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const gadget = makeGadget();
    await pushImage(registry, "demo/gadget", "latest", gadget);
    const attached: Record<string, Image> = {};
    for (const suffix of [".sig", ".att", ".sbom"]) {
      attached[suffix] = makeCosignSignature(suffix === ".att" ? gadget.manifests[0] : gadget.root);
      await pushImage(registry, "demo/gadget", attachmentTag(gadget.root.digest, suffix), attached[suffix]);
    }
    await carry(scratch, [registry, "demo/gadget"], [registry, "copies/gadget"]);
    for (const [suffix, { root }] of Object.entries(attached)) {
      const found = await readManifest(registry, "copies/gadget", attachmentTag(gadget.root.digest, suffix));
      assert.equal(found?.digest, root.digest, suffix);
    }
  });

  peerTest(peer, `--referrers=false leaves everything behind at ${kind}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const gadget = await pushSigned(registry);
    await carry(scratch, [registry, "demo/gadget"], [registry, "copies/gadget"], ["--referrers=false"]);
    const store = scratch.at("store");
    const list = JSON.parse(await satchelSucceeds(["image", "list", "--all", "-o", "json"], { store }));
    assert.deepEqual(list.map(({ Digest }: { Digest: string }) => Digest), [gadget.root.digest, gadget.root.digest]);
    assert.deepEqual(await referrersOf(registry, "copies/gadget", gadget.root), []);
    assert.equal(await readManifest(registry, "copies/gadget", attachmentTag(gadget.root.digest, ".sig")), undefined);
  });

  peerTest(peer, `a push with --referrers=false leaves behind what the store has, at ${kind}`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const gadget = await pushSigned(registry);
    const store = scratch.at("store");
    const insecure = ["--insecure-registries", registry.host];
    const names = [`${registry.host}/demo/gadget`, `${registry.host}/copies/gadget`];
    await satchelSucceeds(["image", "pull", names[0], ...insecure], { store });
    await satchelSucceeds(["image", "tag", ...names], { store });
    await satchelSucceeds(["image", "push", names[1], "--referrers=false", ...insecure], { store });
    assert.deepEqual(await referrersOf(registry, "copies/gadget", gadget.root), []);
    assert.equal(await readManifest(registry, "copies/gadget", attachmentTag(gadget.root.digest, ".sig")), undefined);
  });

  peerTest(peer, `an image that nothing refers to is no error and no warning at ${kind}`, async () => {
    await using registry = await start();
    await pushImage(registry, "demo/gadget", "latest", makeGadget());
    const name = `${registry.host}/demo/gadget:latest`;
    const { code, stderr } = await satchel(["image", "pull", name, "--insecure-registries", registry.host]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `Pulling ${name}...\n` });
  });
}

peerTest(["registry", "oras"], "list shows what refers to an image only with --all", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  await pushSigned(registry);
  const store = scratch.at("store");
  const insecure = ["--insecure-registries", registry.host];
  await satchelSucceeds(["image", "pull", `${registry.host}/demo/gadget`, ...insecure], { store });
  const count = async (...flags: string[]) =>
    JSON.parse(await satchelSucceeds(["image", "list", "-o", "json", ...flags], { store })).length;
  assert.equal(await count(), 1);
  assert.equal(await count("--all"), 3);
});

peerTest(["registry", "oras"], "what another client adds to the fallback tag during a push is kept", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const gadget = await pushSigned(registry, "source/gadget");
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const tag = attachmentTag(gadget.root.digest);
  const others: string[] = [];
  const add = async () => {
    others.push(await attach(scratch, registry, "demo/gadget", gadget.root.digest, "test/other"));
  };
  let written = 0;
  await using proxy = await startHttpProxy({
    async onRequest({ method, target }) {
      if (!target.endsWith(`/manifests/${tag}`)) return;
      // Before the first look at the tag, and before the first look that follows the writing.
      if (method === "GET" && others.length === written) await add();
      if (method === "PUT") written++;
    },
  });
  await pushThrough(proxy, scratch, registry, "source/gadget", "demo/gadget");
  const found = Object.keys(await discover(registry, "demo/gadget", gadget.root.digest));
  assert.equal(others.length, 2);
  assert.equal(found.length, 3);
  assert.ok(others.every((digest) => found.includes(digest)));
});

peerTest(
  ["registry", "oras"],
  "an entry of the fallback tag that another client overwrites is added again",
  async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const gadget = await pushSigned(registry, "source/gadget");
    await pushImage(registry, "demo/gadget", "latest", gadget);
    const tag = attachmentTag(gadget.root.digest);
    const other = await attach(scratch, registry, "demo/gadget", gadget.root.digest, "test/other");
    const before = await readIndex(registry, "demo/gadget", tag);
    let overwritten = false;
    let written = false;
    await using proxy = await startHttpProxy({
      async onRequest({ method, target }) {
        if (!target.endsWith(`/manifests/${tag}`)) return;
        if (method === "PUT") written = true;
        // The other client had read the tag before satchel wrote, and writes what it made of it after that.
        if (method !== "PUT" && written && !overwritten) {
          overwritten = true;
          await putIndex(registry, "demo/gadget", tag, before);
        }
      },
    });
    await pushThrough(proxy, scratch, registry, "source/gadget", "demo/gadget");
    assert.ok(overwritten);
    const found = Object.keys(await discover(registry, "demo/gadget", gadget.root.digest));
    assert.equal(found.length, 2);
    assert.ok(found.includes(other));
  },
);

/** Pushes a gadget with an SBOM that refers to it and with a signature of cosign's. */
async function pushSigned(registry: Registry, repository = "demo/gadget"): Promise<Image> {
  const gadget = makeGadget();
  await pushImage(registry, repository, "latest", gadget);
  const sbom = makeReferrer(gadget.root, { artifactType: "test/sbom", payload: "sbom" });
  await pushImage(registry, repository, undefined, sbom);
  if (!await hasReferrersApi(registry, repository)) {
    await writeFallbackTag(registry, repository, gadget.root, sbom.root);
  }
  await pushImage(registry, repository, attachmentTag(gadget.root.digest, ".sig"), makeCosignSignature(gadget.root));
  return gadget;
}

/** Lets satchel pull `from` and push it as `to` through a proxy. */
async function pushThrough(
  proxy: { env: Record<string, string> },
  scratch: Scratch,
  registry: Registry,
  from: string,
  to: string,
) {
  const store = scratch.at("store");
  const names = [`${registry.host}/${from}`, `${viaProxy(registry)}/${to}`];
  await satchelSucceeds(["image", "pull", names[0], "--insecure-registries", registry.host], { store });
  await satchelSucceeds(["image", "tag", ...names], { store });
  const insecure = ["--insecure-registries", viaProxy(registry)];
  await satchelSucceeds(["image", "push", names[1], ...insecure], { store, env: proxy.env });
}

async function hasReferrersApi(registry: Registry, repository: string): Promise<boolean> {
  const { status, body } = await registry.fetch(`/v2/${repository}/referrers/sha256:${"0".repeat(64)}`);
  await body?.cancel();
  return status === 200;
}

/** What refers to a manifest, by the API where the registry has it, else by the fallback tag. */
async function referrersOf(registry: Registry, repository: string, subject: Blob): Promise<string[]> {
  const response = await registry.fetch(`/v2/${repository}/referrers/${subject.digest}`);
  const text = await response.text();
  const index = response.ok ? JSON.parse(text) : await readIndex(registry, repository, attachmentTag(subject.digest));
  return (index.manifests ?? []).map(({ digest }: { digest: string }) => digest);
}

async function readIndex(registry: Registry, repository: string, tag: string): Promise<Record<string, unknown>> {
  return (await readManifest(registry, repository, tag))?.json ?? {};
}

async function writeFallbackTag(registry: Registry, repository: string, subject: Blob, referrer: Blob): Promise<void> {
  const { mediaType, digest, bytes } = referrer;
  const manifests = [{ mediaType, digest, size: bytes.length, artifactType: "test/sbom" }];
  await putIndex(registry, repository, attachmentTag(subject.digest), { schemaVersion: 2, manifests });
}

async function putIndex(registry: Registry, repository: string, tag: string, index: Record<string, unknown>) {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const { status, body } = await registry.fetch(`/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: JSON.stringify({ mediaType, ...index }),
  });
  await body?.cancel();
  assert.equal(status, 201);
}
