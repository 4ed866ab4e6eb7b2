import { strict as assert } from "node:assert";
import { join } from "node:path";
import {
  makeGadget,
  makeReferrer,
  peerTest,
  pushImage,
  ROOT,
  run,
  satchel,
  satchelSucceeds,
  scratchFolder,
  startHttpProxy,
  startRegistry,
  startServedRegistry,
  viaProxy,
} from "../harness/mod.ts";
import { writeModule } from "./plugin_files.ts";
import { judged, newKeys, ownKey, PUBLIC_KEY, sign, SIGNED, storeOf, UNSIGNED, verify } from "./signing_places.ts";

const KEY = Deno.readTextFileSync(PUBLIC_KEY);
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const VERIFIED = { code: 0, stdout: `Verifying image: ${SIGNED}\nImage verified successfully!\n`, stderr: "" };

Deno.test("a key may be a file, a text or a variable, in any form of the flag, and one that fits is enough", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { pub } = await newKeys(scratch, "other");
  const other = await Deno.readTextFile(pub);
  await Deno.writeTextFile(scratch.at("both.pub"), `# two\n${other}${KEY}`);
  const forms: string[][] = [
    ["--public-keys", PUBLIC_KEY],
    ["--public-keys", KEY],
    [`--public-keys=${KEY}`],
    ["--public-keys", "env://SIGNER"],
    ["--public-keys", `${other},${KEY}`],
    ["--public-keys", `${pub}, ${PUBLIC_KEY}`],
    ["--public-keys", PUBLIC_KEY, "--public-keys", pub],
    ["--public-keys", scratch.at("both.pub")],
  ];
  for (const form of forms) {
    const { code, stdout, stderr } = await verify(SIGNED, form, { store, env: { SIGNER: KEY } });
    assert.deepEqual({ code, stdout, stderr }, VERIFIED, form.join(" "));
  }
});

Deno.test("an image that another has signed is refused, with the reason of each signature and without a word of usage", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { pub } = await newKeys(scratch, "other");
  const { code, stdout, stderr } = await verify(SIGNED, ["--public-keys", pub], { store });
  assert.deepEqual({ code, stdout }, { code: 5, stdout: `Verifying image: ${SIGNED}\n` });
  const [first, reason, ...more] = stderr.trimEnd().split("\n");
  assert.equal(first, `Error: ${SIGNED} is not verified: none of its signatures is good`);
  assert.match(reason, /^ {2}cosign tag sha256:[0-9a-f]{64}: not signed by any of the public keys$/);
  assert.deepEqual(more, []);
});

Deno.test("the evidence is there as JSON, of what is verified as of what is not", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { pub } = await newKeys(scratch, "other");
  const good = await judged(SIGNED, ["--public-keys", PUBLIC_KEY], { store });
  const bad = await judged(SIGNED, ["--public-keys", pub], { store });
  assert.deepEqual([good.code, good.verified, good.verdict, good.trusted], [0, true, "verified", "flags"]);
  assert.deepEqual([bad.code, bad.verified, bad.verdict], [5, false, "rejected"]);
  assert.equal(good.digest, bad.digest);
  assert.deepEqual([good, bad].map(({ signatures }) => signatures.map(({ isGood }) => isGood)), [[true], [false]]);
});

Deno.test("an image without a signature is refused", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { code, stderr } = await verify(UNSIGNED, ["--public-keys", PUBLIC_KEY], { store });
  assert.deepEqual([code, stderr], [5, `Error: ${UNSIGNED} is not verified: it has no signature\n`]);
});

Deno.test("without anybody to trust, the release key of Inspektor Gadget is, and it is said", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { code, stderr } = await verify(SIGNED, [], { store });
  assert.equal(code, 5);
  assert.match(stderr, /^Hint: Only the release key of Inspektor Gadget was trusted\. Name others with --public-keys/m);
  assert.equal((await judged(SIGNED, [], { store })).trusted, "release-key");
});

Deno.test("what cannot be a key is refused before anything is looked at", async () => {
  await using scratch = await scratchFolder();
  const key = await ownKey(scratch);
  await Deno.writeTextFile(scratch.at("cut.pub"), KEY.slice(0, 100));
  const cases: [value: string, message: RegExp][] = [
    ["", /--public-keys is empty/],
    [`${KEY},`, /--public-keys is empty/],
    ["/nowhere.pub", /\/nowhere\.pub: it does not exist/],
    [ROOT, /is not a regular file/],
    ["env://NOT_SET", /env:\/\/NOT_SET stands for a variable that is not set/],
    [key, /needs public keys, and an encrypted sigstore private key is in/],
    [scratch.at("cut.pub"), /nothing in PEM is in/],
    ["-----BEGIN PUBLIC KEY-----", /nothing in PEM is in it/],
  ];
  for (const [value, message] of cases) {
    const { code, stdout, stderr } = await verify(SIGNED, [`--public-keys=${value}`]);
    assert.deepEqual([code, stdout], [2, ""], value);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /ENCRYPTED|MFkw/);
  }
});

Deno.test("flags of certificates that say too little are refused", async () => {
  await using scratch = await scratchFolder();
  await Deno.writeTextFile(scratch.at("root.json"), "{}");
  const root = ["--trusted-root", scratch.at("root.json")];
  const identity = ["--certificate-identity", "joe@example.com"];
  const issuer = ["--certificate-oidc-issuer", "https://accounts.example.com"];
  const cases: [flags: string[], message: RegExp][] = [
    [[...identity, ...root], /--certificate-oidc-issuer is missing/],
    [[...issuer, ...root], /--certificate-identity is missing/],
    [[...identity, ...issuer], /an identity needs --trusted-root/],
    [root, /--trusted-root alone trusts nobody/],
    [[...identity, "--certificate-identity-regexp", ".*", ...issuer, ...root], /do not go together/],
    [["--certificate-identity-regexp", "(", ...issuer, ...root], /is no regular expression/],
    [["--certificate-identity", "", ...issuer, ...root], /is empty/],
    [["--trusted-root", PUBLIC_KEY, ...identity, ...issuer], /is not JSON/],
    [["--notation-policy-document", "{"], /is not JSON/],
    [["--notation-certificates", PUBLIC_KEY], /needs certificates, and a public key is in/],
    [["--notation-certificates", CERTIFICATE], /need --notation-policy-document/],
    [["--notation-policy-document", ""], /is empty/],
    [["--public-keys", PUBLIC_KEY, "--annotation", "nothing"], /NAME=VALUE/],
    [["--public-keys", PUBLIC_KEY, "--remote"], /--remote and --offline do not go together/],
  ];
  for (const [flags, message] of cases) {
    const { code, stderr } = await verify(SIGNED, flags);
    assert.equal(code, 2, `${flags.join(" ")}: ${stderr}`);
    assert.match(stderr, message);
  }
});

Deno.test("an image that is not in the store is told with status 3, and no registry is asked for it", async () => {
  const { code, stderr } = await satchel(["image", "verify", "127.0.0.1:1/nothing:here", "--public-keys", PUBLIC_KEY]);
  assert.equal(code, 3);
  assert.match(stderr, /is not in .*\nHint: Pull it, or look at the registry with --remote\.\n$/);
});

Deno.test("a signature that came after the pull is fetched, kept, and found without the registry from then on", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const store = scratch.at("store");
  const key = await ownKey(scratch);
  await pushImage(registry, "team/app", "v1", makeGadget());
  const name = `${registry.host}/team/app:v1`;
  const insecure = ["--insecure-registries", registry.host];
  await satchelSucceeds(["image", "pull", name, ...insecure], { store });
  const flags = ["--public-keys", PUBLIC_KEY, ...insecure];
  assert.equal((await sign(name, key, ["--remote", ...insecure])).code, 0);

  assert.equal((await verify(name, flags, { store })).code, 5);
  const before = registry.requests().length;
  const found = await satchel(["image", "verify", name, ...flags], { store });
  assert.deepEqual([found.code, found.stderr], [
    0,
    "Warning: the store has no signature of it, looking in the registry\n",
  ]);
  // The tag may stand for something else by now: only what refers to the digest is asked for.
  assert.ok(registry.requests().slice(before).every((request) => !request.includes("/manifests/v1")));
  const after = registry.requests().length;
  assert.equal((await satchel(["image", "verify", name, ...flags], { store })).code, 0);
  assert.equal(registry.requests().length, after);
});

Deno.test("what cannot be fetched is told, unless a signature that came is good", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const store = scratch.at("store");
  const gadget = makeGadget();
  await pushImage(registry, "team/app", "v1", gadget);
  const name = `${registry.host}/team/app:v1`;
  const insecure = ["--insecure-registries", registry.host];
  await satchelSucceeds(["image", "pull", name, ...insecure], { store });
  const sbom = makeReferrer(gadget.root, { artifactType: "test/sbom", payload: "lost" });
  await pushImage(registry, "team/app", undefined, sbom);
  const lost = sbom.blobs.at(-1)!.digest.slice("sha256:".length);
  await Deno.remove(join(registry.storage, "blobs/sha256", lost));
  const flags = ["image", "verify", name, "--public-keys", PUBLIC_KEY, ...insecure];
  const unsigned = await satchel(flags, { store });
  assert.equal(unsigned.code, 1, unsigned.stderr);
  assert.match(
    unsigned.stderr,
    new RegExp(`Error: verifying .*: what refers to the image cannot be fetched: .*${lost}`),
  );
  assert.equal((await sign(name, await ownKey(scratch), ["--remote", ...insecure])).code, 0);
  assert.equal((await satchel(flags, { store })).code, 0);
});

peerTest("registry", "in a registry the name is looked up once, and what was found then is judged", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startRegistry();
  const key = await ownKey(scratch);
  const [signed, other] = [makeGadget(), makeGadget()];
  await pushImage(registry, "team/app", "v1", signed);
  const name = `${registry.host}/team/app:v1`;
  const insecure = ["--insecure-registries", registry.host];
  assert.equal((await sign(name, key, ["--remote", ...insecure])).code, 0);
  let lookUps = 0;
  await using proxy = await startHttpProxy({
    async onRequest({ method, target }) {
      if (method !== "GET" || !target.endsWith("/manifests/v1")) return;
      lookUps++;
      // Whoever asks once more gets another image.
      if (lookUps > 1) await pushImage(registry, "team/app", "v1", other);
    },
  });
  const proxied = viaProxy(registry);
  const flags = ["--remote", "--public-keys", PUBLIC_KEY, "-o", "json", "--insecure-registries", proxied];
  const { code, stdout } = await satchel(["image", "verify", `${proxied}/team/app:v1`, ...flags], { env: proxy.env });
  assert.deepEqual([code, lookUps, JSON.parse(stdout).digest], [0, 1, signed.root.digest]);
});

Deno.test("--check-name takes no signature for another name", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const flags = ["--public-keys", PUBLIC_KEY, "--check-name"];
  assert.equal((await verify(SIGNED, flags, { store })).code, 0);
  // The same digest, as it is in the store under another name.
  assert.equal((await verify("hello", flags.slice(0, 2), { store })).code, 0);
  assert.equal((await verify("hello", flags, { store })).code, 5);
});

Deno.test("a plugin of the user judges as well", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const answer = (verdict: string) => `verify: () => ({ verdict: "${verdict}", reason: "says so", evidence: [] })`;
  const yes = await writeModule(scratch, "yes", answer("verified"));
  const no = await writeModule(scratch, "no", answer("rejected"));
  const accepted = await judged(UNSIGNED, ["--plugin", yes], { store });
  assert.deepEqual([accepted.code, accepted.verdicts.find(({ plugin }) => plugin === "yes")?.verdict], [0, "verified"]);
  assert.equal((await verify(UNSIGNED, ["--plugin", yes, "--no-plugins"], { store })).code, 5);
  const { code, stderr } = await verify(UNSIGNED, ["--plugin", no], { store });
  assert.equal(code, 5);
  assert.match(stderr, /none of its signatures is good\n {2}no: says so\n/);
});

Deno.test("a plugin of the user cannot take the place of a built-in one", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const members = `verify: () => ({ verdict: "verified", reason: "says so", evidence: [] })`;
  const cosign = await writeModule(scratch, "cosign", members);
  const { pub } = await newKeys(scratch, "other");
  const { code, stderr } = await verify(SIGNED, ["--plugin", cosign, "--public-keys", pub], { store });
  assert.equal(code, 5);
  assert.match(stderr, /the name cosign belongs to builtin:cosign/);
});

Deno.test("a policy says whom to trust where the command line does not", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { pub } = await newKeys(scratch, "other");
  const config = async (key: string) => {
    const rules = { verify: [{ images: ["127.0.0.1:5001/fixture/*"], keys: [key] }] };
    await Deno.copyFile(key, scratch.at("policy.pub"));
    await Deno.writeTextFile(scratch.at("config.yaml"), JSON.stringify(rules).replace(key, scratch.at("policy.pub")));
    return ["--config", scratch.at("config.yaml")];
  };
  const met = await judged(SIGNED, await config(PUBLIC_KEY), { store });
  assert.deepEqual([met.code, met.trusted], [0, "policy"]);
  const flags = await config(pub);
  assert.equal((await verify(SIGNED, flags, { store })).code, 5);
  assert.equal((await verify(SIGNED, [...flags, "--public-keys", PUBLIC_KEY], { store })).code, 0);
  assert.equal((await verify(SIGNED, [...flags, "--check-name"], { store })).code, 2);
});

Deno.test("--quiet says nothing of what is good", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { code, stdout, stderr } = await verify(SIGNED, ["--public-keys", PUBLIC_KEY, "--quiet"], { store });
  assert.deepEqual([code, stdout, stderr], [0, "", ""]);
});

Deno.test("an archive's images are verified where they are, also out of a stream", async () => {
  await using scratch = await scratchFolder();
  const { pub } = await newKeys(scratch, "other");
  const archive = join(ROOT, "tests/fixtures/ig-export-signed.tar");
  const flags = ["archive", "verify", archive, "--public-keys"];
  const { code, stdout } = await satchel([...flags, PUBLIC_KEY]);
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^Verified: ${SIGNED}\nChecked `));
  const bad = await satchel([...flags, pub]);
  assert.equal(bad.code, 5);
  assert.match(
    bad.stdout,
    new RegExp(`^Not verified: ${SIGNED}: none of its signatures is good\n  cosign tag sha256:`),
  );
  const [ok, signatures] = await Promise.all(["ok", "signatures"].map(async (member) => {
    const script = `gzip < "$1" | "$2" archive verify - --public-keys "$3" -o json`;
    const binary = join(ROOT, "dist/satchel");
    const words = ["-c", script, "sh", archive, binary, PUBLIC_KEY];
    const env = { HOME: scratch.path, SATCHEL_STORE: scratch.at("store") };
    return JSON.parse((await run("/bin/sh", words, { env })).stdout)[member];
  }));
  assert.deepEqual([ok, signatures[0].image, signatures[0].verified], [true, SIGNED, true]);
  const alone = await satchel(["archive", "verify", archive, "--check-name"]);
  assert.deepEqual([alone.code, alone.stdout], [2, ""]);
});

Deno.test("of an archive without images nothing is verified", async () => {
  await using scratch = await scratchFolder();
  await Deno.writeTextFile(scratch.at("oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await Deno.writeTextFile(scratch.at("index.json"), '{"schemaVersion":2,"manifests":[]}');
  const args = ["archive", "verify", scratch.path];
  assert.equal((await satchel(args)).code, 0);
  const { code, stdout } = await satchel([...args, "--public-keys", PUBLIC_KEY]);
  assert.equal(code, 5, stdout);
  assert.match(stdout, /^Not verified: there is no image in it\n/);
});
