import { strict as assert } from "node:assert";
import {
  assertHolds,
  type Certificates,
  describe,
  makeCertificateFolder,
  makeCertificates,
  makeGadget,
  peerTest,
  pushImage,
  run as runProgram,
  RUNTIMES,
  satchel,
  satchelByDeno,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";
import { blobsOf, manifestsOf, startAskingServer } from "./tls_servers.ts";

const MOMENT = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d UTC`;

/** Which certificate it is, as every error tells it. */
function certificate(names: string): string {
  return String.raw`\(CN=test server for ${names}, signed by CN=Test CA, valid from ${MOMENT} to ${MOMENT}\)`;
}

async function startServer(tls: Certificates) {
  return await startAskingServer(tls, (_, response) => void response.writeHead(404).end());
}

for (const [name, run] of Object.entries(RUNTIMES)) {
  peerTest("openssl", `${name} tells which certificate has an unknown authority, and what would help`, async () => {
    await using tls = await makeCertificates();
    await using server = await startServer(tls);
    const { code, stderr } = await run(["image", "pull", `${server.host}/demo/gadget`]);
    assert.equal(code, 1, stderr);
    const which = certificate("localhost, 127.0.0.1, registry.test");
    assert.match(stderr, new RegExp(`at ${server.host}: its certificate is signed by an unknown authority ${which}\n`));
    const hint = /Hint: .*/.exec(stderr)?.[0] ?? "";
    const told = ["--cert-dir", `/etc/containers/certs.d/${server.host}`, "SSL_CERT_FILE", "--tls-verify=false"];
    assert.deepEqual(told.map((each) => hint.indexOf(each)).filter((at) => at < 0), [], hint);
    assert.ok(hint.indexOf("--tls-verify=false") > hint.indexOf("SSL_CERT_FILE"), "the last thing to try");
    assert.deepEqual(server.seen, []);
  });

  peerTest("openssl", `${name} tells since when a certificate is expired`, async () => {
    await using tls = await makeCertificates({ days: -1 });
    await using server = await startServer(tls);
    const { code, stderr } = await run(["image", "pull", `${server.host}/demo/gadget`], {
      env: { SSL_CERT_FILE: tls.authority },
    });
    assert.equal(code, 1, stderr);
    const which = certificate("localhost, 127.0.0.1, registry.test");
    assert.match(stderr, new RegExp(`at ${server.host}: its certificate expired on ${MOMENT} ${which}\nHint: .*clock`));
  });

  peerTest("openssl", `${name} tells for which names a certificate is, control characters shown`, async () => {
    await using tls = await makeCertificates({ names: "DNS:other.test,IP:192.0.2.1,DNS:a\u001b[2Jb" });
    await using server = await startServer(tls);
    const { code, stderr } = await run(["image", "pull", `${server.host}/demo/gadget`], {
      env: { SSL_CERT_FILE: tls.authority },
    });
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /its certificate is not for the name localhost \(CN=test server for other\.test, 192\.0\.2\.1/,
    );
    assert.ok(!stderr.includes("\u001b"), JSON.stringify(stderr));
  });

  peerTest(
    "openssl",
    `${name} tells of a host that is not the registry without flags that are not for it`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      await using others = await makeCertificates();
      const gadget = makeGadget();
      await using storage = await startAskingServer(others, blobsOf(gadget));
      await using registry = await startAskingServer(tls, manifestsOf(gadget, storage.host));
      const folder = await makeCertificateFolder(scratch.at("folder"), tls, ["authority"]);
      const { code, stderr } = await run(["image", "pull", `${registry.host}/demo/gadget`, "--cert-dir", folder]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`at ${storage.host}: its certificate is signed by an unknown authority`));
      assert.match(stderr, new RegExp(`Hint: .*/etc/containers/certs\\.d/${storage.host}`));
      assert.doesNotMatch(stderr, /Hint: .*--(cert-dir|tls-verify)/);
      assert.deepEqual(storage.seen, []);
    },
  );

  peerTest("openssl", `${name} does not try a certificate error again`, async () => {
    await using tls = await makeCertificates();
    await using server = await startServer(tls);
    const { stderr } = await run(["image", "pull", `${server.host}/demo/gadget`, "--verbose", "--debug"]);
    assert.equal(stderr.match(/GET https:/g)?.length, 1, stderr);
  });

  peerTest("openssl", `${name} says what is wrong with the file of SSL_CERT_FILE`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using server = await startServer(tls);
    await runProgram("mkfifo", [scratch.at("fifo")]);
    await Deno.writeTextFile(scratch.at("garbage"), "not a certificate");
    const problems = { fifo: "is not a regular file", missing: "it does not exist", garbage: "holds no certificate" };
    for (const [file, problem] of Object.entries(problems)) {
      const { code, stderr } = await run(["image", "pull", `${server.host}/demo/gadget`], {
        env: { SSL_CERT_FILE: scratch.at(file) },
      });
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`SSL_CERT_FILE, ${scratch.at(file)}\\b.*${problem}`));
    }
  });

  Deno.test(`${name} says what is wrong with --cert-dir, of a registry by plain HTTP too`, async () => {
    await using scratch = await scratchFolder();
    await Deno.writeTextFile(scratch.at("file"), "");
    for (const [path, problem] of [["missing", "it does not exist"], ["file", "it is not a folder"]]) {
      for (const flags of [[], ["--insecure-registries", "localhost:1"]]) {
        const args = ["image", "pull", "localhost:1/demo/gadget", "--cert-dir", scratch.at(path), ...flags];
        const { code, stderr } = await run(args);
        assert.equal(code, 2, stderr);
        assert.match(stderr, new RegExp(`cannot read the folder of certificates ${scratch.at(path)}: ${problem}\n`));
      }
    }
  });
}

peerTest(
  ["registry", "openssl"],
  "--tls-verify=false pulls and pushes by any certificate, with a warning",
  async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await using registry = await startRegistry({ tls });
    const gadget = makeGadget();
    await pushImage(registry, "demo/gadget", "latest", gadget);
    const [from, to] = [`${registry.host}/demo/gadget`, `${registry.host}/copies/gadget`];
    const options = { store: scratch.at("store") };
    for (const args of [["pull", from], ["tag", from, to], ["push", to]]) {
      const isRemote = args[0] !== "tag";
      const outcome = await satchel(["image", ...args, ...isRemote ? ["--tls-verify=false"] : []], options);
      assert.equal(outcome.code, 0, describe(outcome));
      const warnings = outcome.stderr.match(
        new RegExp(`Warning: The certificate of ${registry.host} is not checked`, "g"),
      );
      assert.equal(warnings?.length ?? 0, isRemote ? 1 : 0, outcome.stderr);
    }
    await assertHolds(registry, "copies/gadget", "latest", gadget);
  },
);

peerTest("openssl", "--tls-verify=false takes an expired certificate of another name", async () => {
  await using tls = await makeCertificates({ days: -1, names: "DNS:other.test" });
  await using good = await makeCertificates();
  const gadget = makeGadget();
  await using storage = await startAskingServer(good, blobsOf(gadget));
  await using registry = await startAskingServer(tls, manifestsOf(gadget, storage.host));
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--tls-verify=false"];
  const outcome = await satchel(args, { env: { SSL_CERT_FILE: good.authority } });
  assert.equal(outcome.code, 0, describe(outcome));
});

peerTest("openssl", "--tls-verify=false leaves the check of a redirect's target on", async () => {
  await using tls = await makeCertificates();
  const gadget = makeGadget();
  await using storage = await startAskingServer(tls, blobsOf(gadget));
  await using registry = await startAskingServer(tls, manifestsOf(gadget, storage.host));
  const { code, stderr } = await satchel(["image", "pull", `${registry.host}/demo/gadget`, "--tls-verify=false"]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, new RegExp(`at ${storage.host}: its certificate is signed by an unknown authority`));
  assert.deepEqual(storage.seen, []);
});

Deno.test("run by Deno, --tls-verify=false is an error that names the binary", async () => {
  const { code, stderr } = await satchelByDeno(["image", "pull", "localhost:1/demo/gadget", "--tls-verify=false"]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /Hint: Use the binary/);
});

peerTest(["registry", "openssl"], "what to do about a wrong scheme is said in the flags of the command", async () => {
  await using tls = await makeCertificates();
  await using speaksTls = await startRegistry({ tls });
  await using registry = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("", { status: 404 }),
  );
  const plain = `127.0.0.1:${registry.addr.port}`;
  const login = (host: string, ...flags: string[]) =>
    satchel(["login", host, "-u", "joe", "--password-stdin", ...flags], { stdin: "secret" });
  const hints = [
    [await login(plain), `If ${plain} is meant to speak plain HTTP: --plain-http`],
    [
      await satchel(["image", "pull", `${plain}/demo/gadget`]),
      `If ${plain} is meant to speak plain HTTP: --insecure-registries ${plain}`,
    ],
    [
      await login(speaksTls.host, "--plain-http"),
      `If ${speaksTls.host} speaks TLS, what says otherwise has to go: --plain-http, `,
    ],
  ] as const;
  for (const [{ code, stderr }, hint] of hints) {
    assert.equal(code, 1, stderr);
    assert.ok(stderr.includes(`\nHint: ${hint}`), stderr);
  }
});
