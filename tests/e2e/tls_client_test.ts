import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  assertHolds,
  capabilityTest,
  describe,
  makeCertificateFolder,
  makeCertificates,
  makeGadget,
  peerTest,
  pushImage,
  runSucceeds,
  RUNTIMES,
  satchel,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";
import { blobsOf, manifestsOf, startAskingServer } from "./tls_servers.ts";

for (const [name, run] of Object.entries(RUNTIMES)) {
  peerTest(
    ["registry", "openssl"],
    `${name} pulls from and pushes to a registry that wants a client certificate, by --cert-dir`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      await using registry = await startRegistry({ tls, wantsClientCertificate: true });
      const gadget = makeGadget();
      await pushImage(registry, "demo/gadget", "latest", gadget);
      const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["authority", "client"]);
      const [from, to] = [`${registry.host}/demo/gadget`, `${registry.host}/copies/gadget`];
      const options = { store: scratch.at("store") };
      await runSucceeds(run, ["image", "pull", from, "--cert-dir", folder], options);
      await runSucceeds(run, ["image", "tag", from, to], options);
      await runSucceeds(run, ["image", "push", to, "--cert-dir", folder], options);
      await assertHolds(registry, "copies/gadget", "latest", gadget);
    },
  );

  peerTest(["registry", "openssl"], `${name} tells that a client certificate is wanted, or refused`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using others = await makeCertificates();
    await using registry = await startRegistry({ tls, wantsClientCertificate: true });
    const pull = ["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir"];
    const without = await makeCertificateFolder(scratch.at("without"), tls, ["authority"]);
    const wanted = await run([...pull, without]);
    assert.equal(wanted.code, 1, describe(wanted));
    assert.match(wanted.stderr, new RegExp(`at ${registry.host}: it wants a client certificate`));
    assert.match(wanted.stderr, /Hint: .*NAME\.cert and NAME\.key .*--cert-dir/);

    const wrong = await makeCertificateFolder(scratch.at("wrong"), others, ["client"]);
    await makeCertificateFolder(wrong, tls, ["authority"]);
    const refused = await run([...pull, wrong]);
    assert.equal(refused.code, 1, describe(refused));
    assert.ok(refused.stderr.includes(`it refuses the client certificate ${wrong}/client.cert`), refused.stderr);
  });

  peerTest(["registry", "openssl"], `${name} finds a folder by the registry's host and port`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using registry = await startRegistry({ tls, wantsClientCertificate: true });
    await pushImage(registry, "demo/gadget", "latest", makeGadget());
    const places = scratch.at("home", ".config/containers/certs.d");
    await makeCertificateFolder(`${places}/${registry.host}`, tls, ["client", "authority"]);
    await runSucceeds(run, ["image", "pull", `${registry.host}/demo/gadget`], { home: scratch.at("home") });
  });

  peerTest(["registry", "openssl"], `${name} trusts SSL_CERT_FILE also where there is a folder`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using others = await makeCertificates();
    await using registry = await startRegistry({ tls, wantsClientCertificate: true });
    await pushImage(registry, "demo/gadget", "latest", makeGadget());
    const folder = await makeCertificateFolder(scratch.at("folder"), others, ["authority"]);
    await makeCertificateFolder(folder, tls, ["client"]);
    const args = ["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir", folder];
    await runSucceeds(run, args, { env: { SSL_CERT_FILE: tls.authority } });
  });

  peerTest("openssl", `${name} shows a client certificate to the registry, not to a redirect's target`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    const gadget = makeGadget();
    await using storage = await startAskingServer(tls, blobsOf(gadget));
    await using registry = await startAskingServer(tls, manifestsOf(gadget, storage.host));
    const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["client"]);
    const args = ["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir", folder];
    await runSucceeds(run, args, { env: { SSL_CERT_FILE: tls.authority } });
    assert.ok(registry.seen.length > 0 && registry.seen.every((each) => each.startsWith("test client ")));
    assert.deepEqual(new Set(storage.seen), new Set(gadget.blobs.map(({ digest }) => `nobody /${digest}`)));
  });

  peerTest("openssl", `${name} shows a client certificate to no token service of another host`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    const gadget = makeGadget();
    await using other = await startAskingServer(tls, (request, response) => {
      if (request.url?.startsWith("/token")) response.writeHead(200).end(JSON.stringify({ token: "a-token" }));
      else blobsOf(gadget)(request, response);
    });
    const manifests = manifestsOf(gadget, other.host);
    await using registry = await startAskingServer(tls, (request, response) => {
      if (request.headers.authorization === "Bearer a-token") return manifests(request, response);
      response.writeHead(401, { "www-authenticate": `Bearer realm="https://${other.host}/token",service="s"` }).end();
    });
    const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["client"]);
    const args = ["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir", folder];
    await runSucceeds(run, args, { env: { SSL_CERT_FILE: tls.authority } });
    assert.ok(other.seen.includes("nobody /token"), other.seen.join());
    assert.ok(other.seen.every((each) => each.startsWith("nobody ")), other.seen.join());
    assert.ok(registry.seen.every((each) => each.startsWith("test client ")), registry.seen.join());
  });

  peerTest("openssl", `${name} uses no client certificate where a proxy that speaks TLS would see it`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["client"]);
    const args = ["image", "pull", "registry.test/demo/gadget", "--cert-dir", folder];
    const outcome = await run(args, { env: { HTTPS_PROXY: "https://127.0.0.1:1" } });
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(outcome.stderr, /HTTPS_PROXY names a proxy that speaks TLS/);
  });
}

peerTest(["registry", "openssl"], "login tries an account by --cert-dir, with the client certificate", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  await using registry = await startRegistry({ tls, wantsClientCertificate: true, htpasswd: ACCOUNT_LINE });
  const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["authority", "client"]);
  const auth = ["--authfile", scratch.at("auth.json"), "--cert-dir"];
  const args = ["login", registry.host, "-u", ACCOUNT.username, "--password-stdin", ...auth];
  const outcome = await runSucceeds(satchel, [...args, folder], { stdin: ACCOUNT.password });
  assert.match(outcome.stdout, /Login Succeeded!/);

  const without = await makeCertificateFolder(scratch.at("without"), tls, ["authority"]);
  const refused = await satchel([...args, without], { stdin: ACCOUNT.password });
  assert.equal(refused.code, 1, describe(refused));
  assert.match(refused.stderr, /it wants a client certificate/);
});

peerTest("openssl", "a mirror gets the certificates of its own folder, and nothing of --cert-dir", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  await using others = await makeCertificates();
  const gadget = makeGadget();
  await using mirror = await startAskingServer(others, manifestsOf(gadget, "localhost:1"));
  await using storage = await startAskingServer(tls, blobsOf(gadget));
  await using registry = await startAskingServer(tls, manifestsOf(gadget, storage.host));
  const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["authority", "client"]);
  const home = scratch.at("home");
  const places = `${home}/.config/containers/certs.d`;
  await makeCertificateFolder(`${places}/${mirror.host}`, others, ["authority"]);
  await makeCertificateFolder(`${places}/${storage.host}`, tls, ["authority"]);
  const config = scratch.at("config.yaml");
  const mirrors = { [registry.host]: [{ endpoint: mirror.host, resolveTags: true }] };
  await Deno.writeTextFile(config, JSON.stringify({ mirrors }));
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir", folder, "--config", config];
  await runSucceeds(satchel, args, { home });
  assert.ok(mirror.seen.length > 0 && mirror.seen.every((each) => each.startsWith("nobody ")), mirror.seen.join());
  assert.ok(registry.seen.length > 0 && registry.seen.every((each) => each.startsWith("test client ")));
});

capabilityTest(["root", "openssl"], "root believes no authority of another user's HOME, and says so", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  const gadget = makeGadget();
  await using registry = await startAskingServer(tls, manifestsOf(gadget, "localhost:1"));
  const home = scratch.at("home");
  const folder = `${home}/.config/containers/certs.d/${registry.host}`;
  await makeCertificateFolder(folder, tls, ["authority"]);
  await Deno.chown(home, 65534, 65534);
  const { code, stderr } = await satchel(["image", "pull", `${registry.host}/demo/gadget`], { home });
  assert.equal(code, 1, stderr);
  const warning = `Warning: passed over the certificates in ${folder}: ${home} belongs to the user nobody\n`;
  assert.ok(stderr.includes(warning), stderr);
  assert.match(stderr, /signed by an unknown authority/);
  assert.deepEqual(registry.seen, []);
});

capabilityTest(
  ["root", "registry", "openssl"],
  "a folder of /etc/containers/certs.d is found by host and port",
  async () => {
    await using tls = await makeCertificates();
    await using registry = await startRegistry({ tls });
    await pushImage(registry, "demo/gadget", "latest", makeGadget());
    const folder = `/etc/containers/certs.d/${registry.host}`;
    try {
      await makeCertificateFolder(folder, tls, ["authority"]);
      await runSucceeds(satchel, ["image", "pull", `${registry.host}/demo/gadget`]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
