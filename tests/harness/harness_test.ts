import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  basic,
  cosignWithKeys,
  crane,
  makeCertificates,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  readManifest,
  scratchFolder,
  SIGNATURE_FORMATS,
  skopeo,
  startDockerRegistry,
  startReferrersRegistry,
  startRegistry,
  startTokenService,
} from "./mod.ts";

peerTest(["registry", "crane", "oras", "skopeo"], "a gadget made in memory is read by every client", async () => {
  await using registry = await startRegistry();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  const name = `${registry.host}/demo/gadget:latest`;

  assert.equal((await crane(["digest", name])).trim(), gadget.root.digest);
  assert.equal((await oras(["resolve", "--plain-http", name])).trim(), gadget.root.digest);
  const raw = await skopeo(["inspect", "--raw", "--tls-verify=false", `docker://${name}`]);
  assert.equal(raw, new TextDecoder().decode(gadget.root.bytes));
  assert.match(await registry.waitForRequest(/HEAD \/v2\/demo/), /^HEAD \/v2\/demo\/gadget\/manifests\/latest 200$/);
});

peerTest("docker-registry", "Debian's docker-registry takes the same gadget", async () => {
  await using registry = await startDockerRegistry();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  assert.equal((await readManifest(registry, "demo/gadget", "latest"))?.digest, gadget.root.digest);
  assert.ok(registry.requests().some((line) => line === "PUT /v2/demo/gadget/manifests/latest 201"));
});

peerTest(["referrers-registry", "oras"], "the referrers registry answers the referrers API", async () => {
  await using registry = await startReferrersRegistry();
  await using scratch = await scratchFolder();
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget);
  await Deno.writeTextFile(scratch.at("sbom"), "sbom");
  const name = `${registry.host}/demo/gadget:latest`;
  await oras(["attach", "--plain-http", "--artifact-type", "test/sbom", name, "sbom"], { cwd: scratch.path });
  const response = await fetch(`${registry.url}/v2/demo/gadget/referrers/${gadget.root.digest}`);
  assert.equal((await response.json()).manifests.length, 1);
  assert.match(await registry.waitForRequest(/referrers/), /^GET \/v2\/demo\/gadget\/referrers\/sha256:/);
});

peerTest(["registry", "crane", "openssl"], "a registry speaks TLS by the test's own authority", async () => {
  await using tls = await makeCertificates();
  await using registry = await startRegistry({ tls });
  assert.equal((await crane(["catalog", registry.host], { env: registry.env })).trim(), "");
  await assert.rejects(crane(["catalog", registry.host]), /certificate/);
});

peerTest(["registry", "oras"], "a registry asks for an account of its htpasswd file", async () => {
  await using registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const tags = ["repo", "ls", "--plain-http", registry.host];
  await assert.rejects(oras(tags), /credential/);
  await oras([...tags, "-u", ACCOUNT.username, "-p", ACCOUNT.password]);
});

peerTest(["registry", "oras"], "a registry believes tokens of the token service, and no expired one", async () => {
  await using service = await startTokenService();
  await using registry = await startRegistry({ token: service });
  const gadget = makeGadget();
  const scope = "repository:demo/gadget:pull,push";
  const ask = async () => {
    const url = `${service.realm}?service=${service.service}&scope=${scope}`;
    return (await (await fetch(url, { headers: basic() })).json()).token;
  };
  await pushImage(registry, "demo/gadget", "latest", gadget, { authorization: `Bearer ${await ask()}` });
  const name = `${registry.host}/demo/gadget:latest`;
  const account = ["-u", ACCOUNT.username, "-p", ACCOUNT.password];
  assert.equal((await oras(["resolve", "--plain-http", name, ...account])).trim(), gadget.root.digest);
  assert.deepEqual(service.requests.at(-1)?.account, ACCOUNT.username);

  service.lifetime = -120; // distribution allows clocks to differ by 60 seconds
  const expired = { authorization: `Bearer ${await ask()}` };
  await assert.rejects(readManifest(registry, "demo/gadget", "latest", expired), /401/);
});

for (const format of SIGNATURE_FORMATS) {
  peerTest(["registry", "cosign"], `cosign finds a signature that it made in the format "${format}"`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startRegistry();
    const gadget = makeGadget();
    await pushImage(registry, "demo/gadget", "latest", gadget);
    const image = `${registry.host}/demo/gadget@${gadget.root.digest}`;
    const cosign = await cosignWithKeys(scratch);
    await cosign.sign(image, format);
    for (const other of SIGNATURE_FORMATS) {
      // Where there is no other signature, it looks for the tag in any case.
      if (other === format || format === "tag") {
        assert.deepEqual(await cosign.verify(image, other), [gadget.root.digest]);
      } else await assert.rejects(cosign.verify(image, other), /no signatures found/);
    }
  });
}
