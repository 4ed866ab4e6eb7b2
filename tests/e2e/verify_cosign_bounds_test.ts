import { strict as assert } from "node:assert";
import { generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { peer, peerTest, ROOT, run, satchelSucceeds, scratchFolder, startServedRegistry } from "../harness/mod.ts";
import { unpackIgStore } from "./cli_stores.ts";
import { pushGadget, pushTagged, simpleSigning, verify, verifyRemote } from "./verify_cosign.ts";

const FIXTURES = join(ROOT, "tests/fixtures");

Deno.test("a good signature behind 999 others is found, and one behind 1,000 is not looked at", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await Deno.writeTextFile(scratch.at("key.pub"), String(publicKey.export({ format: "pem", type: "spki" })));
  for (const [count, code] of [[999, 0], [1000, 5]]) {
    const { image } = await pushGadget(registry, `many/${count}`);
    const bad = simpleSigning(image.root.digest, () => new Uint8Array(70));
    const good = simpleSigning(image.root.digest, (payload) => sign("sha256", payload, privateKey));
    await pushTagged(registry, `many/${count}`, image, [...Array(count).fill(bad), good]);
    const outcome = await verifyRemote(registry, `many/${count}:v1`, [scratch.at("key.pub")]);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.equal(outcome.signatures.length, 1000);
  }
});

peerTest("openssl", "a signature by P-521 over SHA-256, as cosign 2 makes it, is good", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const openssl = async (...args: string[]) => {
    const outcome = await run(peer("openssl"), args, { cwd: scratch.path });
    assert.equal(outcome.code, 0, outcome.stderr);
  };
  await openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", "key.pem");
  await openssl("pkey", "-in", "key.pem", "-pubout", "-out", "key.pub");
  const { image } = await pushGadget(registry, "p521");
  const { layer } = simpleSigning(image.root.digest, () => new Uint8Array(1));
  await Deno.writeFile(scratch.at("payload"), layer.bytes);
  await openssl("dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "payload");
  const signature = await Deno.readFile(scratch.at("signature"));
  await pushTagged(registry, "p521", image, [simpleSigning(image.root.digest, () => signature)]);
  const { code, signatures } = await verifyRemote(registry, "p521:v1", [scratch.at("key.pub")]);
  assert.equal(code, 0);
  assert.equal(signatures[0].algorithm, "ECDSA SHA-256");
});

Deno.test("what ig has stored and exported is verified by the key that signed it, and by no other", async () => {
  await using scratch = await scratchFolder();
  const key = join(FIXTURES, "cosign.pub");
  const name = "127.0.0.1:5001/fixture/hello:v1";
  const imported = scratch.at("imported");
  await satchelSucceeds(["image", "import", join(FIXTURES, "ig-export-signed.tar")], { store: imported });
  const igStore = await unpackIgStore(scratch.path);
  const other = scratch.at("other.pub");
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await Deno.writeTextFile(other, String(publicKey.export({ format: "pem", type: "spki" })));
  for (const store of [imported, igStore]) {
    assert.equal((await verify(["--offline", "--check-name", name], [other, key], store)).code, 0);
    assert.equal((await verify(["--offline", name], [other], store)).code, 5);
  }
  const unsigned = await verify(["--offline", "127.0.0.1:5001/fixture/other:v2"], [key], igStore);
  assert.equal(unsigned.code, 5);
  assert.match(unsigned.stderr, /it has no signature/);
});
