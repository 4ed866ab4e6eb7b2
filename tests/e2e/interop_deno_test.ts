import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  assertHolds,
  attachmentTag,
  describe,
  makeCertificates,
  makeCosignSignature,
  makeGadget,
  peerTest,
  pushImage,
  readManifest,
  satchelByDeno,
  satchelSucceeds,
  scratchFolder,
  startHttpProxy,
  startReferrersRegistry,
  startRegistry,
  startTokenService,
  viaProxy,
  writeAuthFile,
} from "../harness/mod.ts";

/** Runs satchel by `deno run`, which must end with status 0; returns what it wrote to stdout. */
async function succeed(args: string[], options: Parameters<typeof satchelByDeno>[1]): Promise<string> {
  const outcome = await satchelByDeno(args, options);
  assert.equal(outcome.code, 0, `satchel ${args.join(" ")}: ${describe(outcome)}`);
  return outcome.stdout;
}

const KINDS = {
  "distribution v3": { peer: "registry", start: () => startRegistry() },
  "a registry with the referrers API": { peer: "referrers-registry", start: () => startReferrersRegistry() },
} as const;

for (const [kind, { peer, start }] of Object.entries(KINDS)) {
  peerTest(peer, `run by Deno: pulls from, tags and pushes to ${kind}, signatures included`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const gadget = makeGadget({ layerSize: 3_000_000 });
    const signature = makeCosignSignature(gadget.root);
    await pushImage(registry, "demo/gadget", "latest", gadget);
    await pushImage(registry, "demo/gadget", attachmentTag(gadget.root.digest, ".sig"), signature);
    const store = scratch.at("store");
    const insecure = ["--insecure-registries", registry.host];
    const names = [`${registry.host}/demo/gadget:latest`, `${registry.host}/copies/gadget:v1`];

    const pulled = await succeed(["image", "pull", names[0], ...insecure], { store });
    assert.equal(pulled, `Successfully pulled ${names[0]}@${gadget.root.digest}\n`);
    await succeed(["image", "tag", ...names], { store });
    await succeed(["image", "push", names[1], ...insecure], { store });
    await assertHolds(registry, "copies/gadget", "v1", gadget);
    const found = await readManifest(registry, "copies/gadget", attachmentTag(gadget.root.digest, ".sig"));
    assert.equal(found?.digest, signature.root.digest);
  });
}

peerTest("registry", "a store written by Deno is read by the binary, and the other way round", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const store = scratch.at("store");
  const insecure = ["--insecure-registries", registry.host];
  for (const name of ["a", "b"]) await pushImage(registry, `demo/${name}`, "latest", makeGadget());
  await succeed(["image", "pull", `${registry.host}/demo/a`, ...insecure], { store });
  await satchelSucceeds(["image", "pull", `${registry.host}/demo/b`, ...insecure], { store });
  const list = ["image", "list", "-o", "json"];
  assert.equal(await succeed(list, { store }), await satchelSucceeds(list, { store }));
  await satchelSucceeds(["store", "check"], { store });
  await succeed(["store", "check"], { store });
  await succeed(["image", "remove", `${registry.host}/demo/a`], { store });
  await succeed(["image", "remove", `${registry.host}/demo/b`], { store });
  assert.equal(await satchelSucceeds(list, { store }), "[]\n");
});

peerTest(["registry", "openssl"], "run by Deno: TLS by an authority of SSL_CERT_FILE, with tokens", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  await using service = await startTokenService({ tls });
  await using registry = await startRegistry({ tls, token: service });
  const access = [{ type: "repository", name: "demo/gadget", actions: ["pull", "push"] }];
  const gadget = makeGadget();
  const headers = { authorization: `Bearer ${await service.sign("test", access)}` };
  await pushImage(registry, "demo/gadget", "latest", gadget, headers);
  const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--authfile", file];
  await succeed(args, { store: scratch.at("store"), env: registry.env });

  const untrusted = await satchelByDeno(args);
  assert.equal(untrusted.code, 1, describe(untrusted));
  assert.match(untrusted.stderr, /certificate|UnknownIssuer/i);
});

peerTest("registry", "run by Deno: a download whose connection breaks goes on where it stopped", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const gadget = makeGadget({ architectures: ["amd64"], layerSize: 8 << 20 });
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const layer = gadget.blobs[1];
  let cuts = 0;
  await using proxy = await startHttpProxy({
    cutResponse: ({ target }) =>
      target.endsWith(layer.digest) && cuts++ < 1 ? { after: 2 << 20, then: "break" } : undefined,
  });
  const store = scratch.at("store");
  const host = viaProxy(registry);
  await succeed(["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host], { store, env: proxy.env });
  await registry.waitForRequest(new RegExp(`^GET /v2/demo/gadget/blobs/${layer.digest} 206$`));
  await succeed(["store", "check"], { store });
});
