import assert from "node:assert/strict";
import {
  describe,
  makeCertificateFolder,
  makeCertificates,
  makeGadget,
  peerTest,
  satchel,
  satchelByDeno,
  satchelSucceeds,
  scratchFolder,
  startServe,
  WRITABLE,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget/trace_open:latest";

peerTest("openssl", "an image is pulled and pushed by TLS with the server's certificate", async () => {
  await using scratch = await scratchFolder();
  await using certificates = await makeCertificates();
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget({ layerSize: 3_000_000 }), name: NAME }]);
  const { certificate, key } = certificates;
  await Deno.chmod(key, 0o600);
  const flags = ["--tls-cert", certificate, "--tls-key", key, "--writable", "--allow-anonymous-push"];
  await using served = await startServe({ store, flags });
  assert.ok(served.url.startsWith("https://127.0.0.1:"));
  const trust = ["--cert-dir", await makeCertificateFolder(scratch.at("certs"), certificates, ["authority"])];
  const other = { store: scratch.at("other") };
  await satchelSucceeds(["image", "pull", `${served.host}/${NAME}`, ...trust], other);
  await satchelSucceeds(["image", "tag", `${served.host}/${NAME}`, `${served.host}/demo/copy:v1`], other);
  await satchelSucceeds(["image", "push", `${served.host}/demo/copy:v1`, ...trust], other);
  const distrusting = await satchel(["image", "pull", `${served.host}/${NAME}`], { store: scratch.at("third") });
  assert.equal(distrusting.code, 1, describe(distrusting));
  assert.ok(!served.process.lines.some((line) => line.startsWith("Warning: the key")));
  for (const run of [satchel, satchelByDeno]) {
    const plain = ["--insecure-registries", served.host];
    const outcome = await run(["image", "pull", `${served.host}/${NAME}`, ...plain], { store: scratch.at("third") });
    assert.equal(outcome.code, 1, describe(outcome));
    assert.match(outcome.stderr, /Hint: Does 127\.0\.0\.1:\d+ speak TLS\? Then it is no insecure registry/);
  }
});

peerTest("openssl", "a key that everybody can read, and a certificate whose time is over, are warned of", async () => {
  await using scratch = await scratchFolder();
  await using certificates = await makeCertificates({ days: -1 });
  const { certificate, key } = certificates;
  await Deno.chmod(key, 0o644);
  await using served = await startServe({ store: scratch.path, flags: ["--tls-cert", certificate, "--tls-key", key] });
  await served.process.waitFor((line) => /^Warning: the key .* can be read by every user/.test(line) || undefined);
  await served.process.waitFor((line) => /^Warning: the certificate .* is valid until/.test(line) || undefined);
});

peerTest("openssl", "files that are no certificate, no key, or of two pairs keep it from starting", async () => {
  await using scratch = await scratchFolder();
  await using one = await makeCertificates();
  await using other = await makeCertificates();
  await Deno.writeTextFile(scratch.at("none.pem"), "nothing\n");
  const cases: [string, string, RegExp][] = [
    [one.certificate, other.key, /is not the one of the certificate/],
    [scratch.at("none.pem"), one.key, /none\.pem is not a certificate in PEM/],
    [one.certificate, scratch.at("none.pem"), /none\.pem is not a key in PEM/],
    [scratch.at("missing.pem"), one.key, /cannot read the certificate .*missing\.pem: it does not exist/],
  ];
  for (const run of [satchel, satchelByDeno]) {
    for (const [certificate, key, text] of cases) {
      const outcome = await run(["serve", "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key]);
      assert.equal(outcome.code, 1, describe(outcome));
      assert.match(outcome.stderr, text);
    }
  }
});

peerTest(
  "openssl",
  "on all addresses the commands that are printed name the server as its certificate does",
  async () => {
    await using scratch = await scratchFolder();
    await using certificates = await makeCertificates();
    const { certificate, key } = certificates;
    const flags = ["--tls-cert", certificate, "--tls-key", key, "--listen", "0.0.0.0:0", ...WRITABLE];
    await using served = await startServe({ store: scratch.path, flags });
    const line = await served.process.waitFor((line) => line.startsWith("Push with: ") ? line : undefined);
    assert.match(line, / (localhost|127\.0\.0\.1):\d+\/NAME:TAG$/);
  },
);
