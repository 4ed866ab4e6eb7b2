import { strict as assert } from "node:assert";
import { join } from "node:path";
import {
  binary,
  makeGadget,
  peerTest,
  pushImage,
  type Registry,
  runSucceeds,
  RUNTIMES,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import { openTerminal } from "./cli_terminal.ts";
import { runAndKill } from "./kill.ts";
import { writeModule } from "./plugin_files.ts";
import {
  copyFolder,
  judged,
  newKeys,
  ownKey,
  PUBLIC_KEY,
  sign,
  SIGNED,
  storeOf,
  UNSIGNED,
  verify,
} from "./signing_places.ts";

const FORMATS = ["bundle", "oci-1.1", "legacy"] as const;
const TRUST = ["--public-keys", PUBLIC_KEY];

/** With the referrers API, and without. */
const REGISTRIES: Readonly<Record<string, () => Promise<Registry>>> = {
  "satchel serve": startServedRegistry,
  "distribution v3": startRegistry,
};

/** The entries of a store's index.json that are not platforms of images, without what differs from key to key. */
async function attachmentEntries(store: string) {
  const { manifests } = JSON.parse(await Deno.readTextFile(join(store, "index.json")));
  type Entry = { digest: string; platform?: unknown; annotations?: Record<string, string> };
  return manifests
    .filter(({ platform, annotations }: Entry) => {
      const name = annotations?.["org.opencontainers.image.ref.name"];
      return platform === undefined && (name === undefined || name.startsWith("sha256-"));
    })
    .map((entry: Entry) => JSON.stringify({ ...entry, digest: "", size: 0 }))
    .sort();
}

for (const format of FORMATS) {
  Deno.test(`an image of the store is signed as ${format}, and verified`, async () => {
    await using scratch = await scratchFolder();
    const store = await storeOf(scratch);
    const { code, stdout, stderr } = await sign(UNSIGNED, await ownKey(scratch), ["--format", format], { store });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^Successfully signed ${UNSIGNED}@sha256:[0-9a-f]{64}\n$`));
    const { signatures } = await judged(UNSIGNED, TRUST, { store });
    assert.deepEqual(signatures.map(({ isGood }) => isGood), [true]);
    await satchelSucceeds(["store", "check"], { store });
    const again = await sign(UNSIGNED, await ownKey(scratch), ["--format", format, "-o", "json"], { store });
    const [{ digest, artifactType }] = JSON.parse(again.stdout).signatures;
    const { referrers } = JSON.parse(await satchelSucceeds(["image", "referrers", UNSIGNED, "-o", "json"], { store }));
    const listed = referrers.find((each: { digest: string }) => each.digest === digest);
    assert.equal(artifactType, listed.artifactType, "both commands call it the same");
  });

  for (const [name, start] of Object.entries(REGISTRIES)) {
    peerTest(
      "registry",
      `a ${format} made in ${name} is verified there, and a pull leaves what signing in the store does`,
      async () => {
        await using scratch = await scratchFolder();
        await using registry = await start();
        await pushImage(registry, "team/app", "v1", makeGadget());
        const image = `${registry.host}/team/app:v1`;
        const insecure = ["--insecure-registries", registry.host];
        const key = await ownKey(scratch);
        const here = scratch.at("here");
        await satchelSucceeds(["image", "pull", image, ...insecure], { store: here });
        assert.equal((await sign(image, key, ["--format", format], { store: here })).code, 0);
        assert.equal((await sign(image, key, ["--format", format, "--remote", ...insecure])).code, 0);
        await satchelSucceeds(["image", "verify", image, "--remote", ...TRUST, ...insecure]);
        const pulled = scratch.at("pulled");
        await satchelSucceeds(["image", "pull", image, ...insecure], { store: pulled });
        assert.equal((await verify(image, TRUST, { store: pulled })).code, 0);
        assert.deepEqual(await attachmentEntries(here), await attachmentEntries(pulled));
      },
    );
  }
}

Deno.test("what is signed in the store goes along with a push, with an export, and is verified there", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  const store = await storeOf(scratch);
  const key = await ownKey(scratch);
  for (const format of FORMATS) assert.equal((await sign(UNSIGNED, key, ["--format", format], { store })).code, 0);
  const insecure = ["--insecure-registries", registry.host];
  const name = `${registry.host}/team/app:v1`;
  await satchelSucceeds(["image", "tag", UNSIGNED, name], { store });
  await satchelSucceeds(["image", "push", name, ...insecure], { store });
  await satchelSucceeds(["image", "export", UNSIGNED, scratch.at("signed.tar")], { store });
  const remote = JSON.parse(
    await satchelSucceeds(["image", "verify", name, "--remote", ...TRUST, ...insecure, "-o", "json"]),
  );
  assert.equal(remote.verdicts[0].evidence.length, 3);
  await satchelSucceeds(["archive", "verify", scratch.at("signed.tar"), ...TRUST]);
});

Deno.test("with SOURCE_DATE_EPOCH a signature is the same each time, and is there once", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const key = await ownKey(scratch);
  const digests = new Set<string>();
  for (const path of [store, store, await copyFolder(store, scratch.at("copy"))]) {
    for (const format of FORMATS) {
      const { code, stdout } = await sign(UNSIGNED, key, ["--format", format, "-o", "json"], { store: path });
      assert.equal(code, 0);
      digests.add(JSON.parse(stdout).signatures[0].digest);
    }
  }
  assert.equal(digests.size, 3);
  assert.equal((await judged(UNSIGNED, TRUST, { store })).signatures.length, 3);
  const { code } = await sign(UNSIGNED, key, [], { store, env: { SOURCE_DATE_EPOCH: "soon" } });
  assert.equal(code, 2);
});

Deno.test("the two runtimes make the same signatures, and each verifies those of the other", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const key = await ownKey(scratch);
  const env = { COSIGN_PASSWORD: "", SOURCE_DATE_EPOCH: "1700000000" };
  const signatures = await Promise.all(
    Object.values(RUNTIMES).map(async (run, index) => {
      const copy = await copyFolder(store, scratch.at(`store${index}`));
      const digests: string[] = [];
      for (const format of FORMATS) {
        const flags = ["--key", key, "--format", format, "-o", "json"];
        const { stdout } = await runSucceeds(run, ["image", "sign", UNSIGNED, ...flags], { store: copy, env });
        digests.push(JSON.parse(stdout).signatures[0].digest);
      }
      return { copy, digests };
    }),
  );
  assert.deepEqual(signatures[0].digests, signatures[1].digests);
  for (const [index, run] of Object.values(RUNTIMES).entries()) {
    const { copy } = signatures[1 - index];
    await runSucceeds(run, ["image", "verify", UNSIGNED, "--offline", ...TRUST], { store: copy });
  }
});

Deno.test("annotations are signed, and may be asked for", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const annotation = (text: string) => ["--annotation", text];
  assert.equal((await sign(UNSIGNED, await ownKey(scratch), annotation("team=a=b"), { store })).code, 0);
  assert.equal((await verify(UNSIGNED, [...TRUST, ...annotation("team=a=b")], { store })).code, 0);
  assert.equal((await verify(UNSIGNED, [...TRUST, ...annotation("team=c")], { store })).code, 5);
});

Deno.test("a signature that ig will not see is told of", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { key } = await newKeys(scratch, "second");
  const behind = await sign(SIGNED, key, ["--format", "bundle"], { store });
  assert.equal(behind.code, 0);
  assert.match(
    behind.stderr,
    /^Warning: the image is signed by cosign's tag too; `ig image verify` looks at that alone\n$/,
  );
  const second = await sign(SIGNED, key, ["--format", "legacy"], { store });
  assert.equal(second.code, 0);
  assert.match(second.stderr, /^Warning: the image has 2 signatures of one kind \(cosign's tag\); `ig image verify`/);
  assert.equal((await judged(SIGNED, TRUST, { store })).signatures.length, 3);
});

Deno.test("the password comes from stdin or from COSIGN_PASSWORD, and a wrong one is told without it", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const prefix = scratch.at("secret");
  const secret = "correct horse";
  await satchelSucceeds(["key", "generate", "--output-key-prefix", prefix], { env: { COSIGN_PASSWORD: secret } });
  const flags = ["image", "sign", UNSIGNED, "--key", `${prefix}.key`, "--debug"];
  const stdin = await satchel([...flags, "--password-stdin"], { store, stdin: `${secret}\n` });
  assert.equal(stdin.code, 0);
  const variable = await satchel(flags, { store, env: { COSIGN_PASSWORD: secret } });
  assert.equal(variable.code, 0);
  const wrong = await satchel(flags, { store, env: { COSIGN_PASSWORD: "battery staple" } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^Error: signing .*secret\.key: the password of the private key is wrong$/m);
  const none = await satchel(flags, { store });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /secret\.key is encrypted, and there is no password and no terminal to ask for it/);
  for (const { stdout, stderr } of [stdin, variable, wrong, none]) {
    assert.doesNotMatch(stdout + stderr, /correct horse|battery staple|BEGIN/);
  }
});

peerTest("script", "a password is asked for on a terminal, and not shown", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const prefix = scratch.at("asked");
  const secret = "correct horse";
  await satchelSucceeds(["key", "generate", "--output-key-prefix", prefix], { env: { COSIGN_PASSWORD: secret } });
  const command = `${await binary()} image sign ${UNSIGNED} --key ${prefix}.key`;
  await using terminal = openTerminal(command, satchelEnvironment(store, scratch.path));
  await terminal.waitFor(/Password of \S+asked\.key: /);
  await terminal.type(`${secret}\r`);
  assert.equal(await terminal.status, 0);
  assert.match(terminal.output, /Successfully signed /);
  assert.doesNotMatch(terminal.output, /correct|horse/);
});

Deno.test("a key file that others can read is warned of, one that is none is refused", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const readable = await sign(UNSIGNED, await ownKey(scratch, 0o644), [], { store });
  assert.equal(readable.code, 0);
  assert.match(readable.stderr, /^Warning: (\S+own\.key) can be read by other users: chmod 600 \1\n$/);
  const text = await Deno.readTextFile(scratch.at("own.key"));
  const cases: [key: string, message: RegExp][] = [
    [PUBLIC_KEY, /^Error: .*there is no private key in/],
    [scratch.at("none.key"), /none\.key: it does not exist\nHint: A value is the name of a file, or env:\/\/NAME/],
    [text, /takes no key itself: everybody on this host could see it/],
    ["", /--key is empty/],
    ["plugin:", /names no plugin/],
    ["env://NOT_SET", /a variable that is not set/],
  ];
  for (const [key, message] of cases) {
    const { code, stderr } = await sign(UNSIGNED, key, [], { store });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /BEGIN ENCRYPTED SIGSTORE/);
  }
  const byVariable = await sign(UNSIGNED, "env://SIGNER", [], { store, env: { SIGNER: text } });
  assert.deepEqual([byVariable.code, byVariable.stderr], [0, ""]);
});

Deno.test("flags about keys that do not go together are refused", async () => {
  await using scratch = await scratchFolder();
  const key = await ownKey(scratch);
  const cases: [flags: string[], message: RegExp][] = [
    [[], /there is no key to sign with/],
    [["--key", key, "--notation-key", key], /do not go together/],
    [["--notation-key", key], /--notation-key needs --notation-cert-chain/],
    [["--notation-cert-chain", key], /--notation-cert-chain needs --notation-key/],
    [["--notation-key", key, "--notation-cert-chain", PUBLIC_KEY], /needs certificates in PEM/],
    [["--notation-key", key, "--notation-cert-chain", PUBLIC_KEY, "--format", "bundle"], /--format is for --key/],
  ];
  const store = await storeOf(scratch);
  for (const [flags, message] of cases) {
    const { code, stderr } = await satchel(["image", "sign", UNSIGNED, ...flags], { store });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

Deno.test("a plugin signs with words of its own, and gets no key", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const plugin = await writeModule(
    scratch,
    "hsm",
    `sign: (request) => ({ artifacts: [{
       artifactType: "application/x.hsm",
       layers: [{ mediaType: "application/json", data: btoa(JSON.stringify(request)) }],
     }] })`,
  );
  const env = { COSIGN_PASSWORD: "secret" };
  const flags = ["--plugin", plugin, "-o", "json"];
  const { code, stdout } = await sign(UNSIGNED, "plugin:hsm:slot 1:x", flags, { store, env });
  assert.equal(code, 0);
  const { signatures: [{ digest, artifactType }] } = JSON.parse(stdout);
  const blob = async (name: string) =>
    JSON.parse(await Deno.readTextFile(join(store, "blobs/sha256", name.slice("sha256:".length))));
  const { layers: [layer], subject } = await blob(digest);
  const { key, password, time, reference } = await blob(layer.digest);
  assert.deepEqual(
    [artifactType, key, password, time, reference],
    ["application/x.hsm", "slot 1:x", undefined, 1_700_000_000, UNSIGNED],
  );
  assert.match(subject.digest, /^sha256:/);
  assert.equal((await sign(UNSIGNED, "plugin:nobody", [], { store })).code, 3);
});

Deno.test("an image that is not there is not signed, and a plugin that guards pushes is asked", async () => {
  await using scratch = await scratchFolder();
  await using registry = await startServedRegistry();
  await pushImage(registry, "team/app", "v1", makeGadget());
  const key = await ownKey(scratch);
  assert.equal((await sign("127.0.0.1:1/nothing:here", key)).code, 3);
  const writes = () => registry.requests().filter((request) => !/^(GET|HEAD) /.test(request)).length;
  const before = writes();
  const guard = await writeModule(scratch, "guard", `beforePush: () => ({ allow: false, reason: "not this one" })`);
  const flags = ["--remote", "--insecure-registries", registry.host, "--plugin", guard];
  const { code, stderr } = await sign(`${registry.host}/team/app:v1`, key, flags);
  assert.equal(code, 5);
  assert.match(stderr, /refused by the plugin guard: not this one/);
  assert.equal(writes(), before);
});

Deno.test("of several that sign one image of the store at the same time, nothing is lost", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const keys = await Promise.all(["a", "b", "c"].map((name) => newKeys(scratch, name)));
  const outcomes = await Promise.all(
    keys.flatMap(({ key }) => FORMATS.map((format) => sign(UNSIGNED, key, ["--format", format], { store }))),
  );
  assert.deepEqual(outcomes.map(({ code }) => code), Array(9).fill(0));
  const { signatures } = await judged(UNSIGNED, ["--public-keys", keys.map(({ pub }) => pub).join(",")], { store });
  assert.deepEqual(signatures.map(({ isGood }) => isGood), Array(9).fill(true));
});

Deno.test("killed at any moment, the store is whole, and has the signature or has it not", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const key = await ownKey(scratch);
  const program = await binary();
  const env = { ...satchelEnvironment(store, scratch.path), COSIGN_PASSWORD: "" };
  const once = await sign(SIGNED, key, ["--format", "legacy"], { store: await copyFolder(store, scratch.at("timed")) });
  let killed = 0;
  for (let step = 1; step <= 12; step++) {
    const args = ["image", "sign", UNSIGNED, "--key", key, "--format", "legacy", "--annotation", `step=${step}`];
    const { wasKilled } = await runAndKill(program, args, env, once.ms * step / 12);
    if (wasKilled) killed++;
    await satchelSucceeds(["store", "check"], { store });
    assert.equal((await verify(SIGNED, TRUST, { store })).code, 0);
    const { code } = await verify(UNSIGNED, TRUST, { store });
    assert.ok(code === 0 || code === 5);
  }
  assert.ok(killed > 0);
  assert.equal((await sign(UNSIGNED, key, ["--format", "legacy"], { store })).code, 0);
  assert.equal((await verify(UNSIGNED, TRUST, { store })).code, 0);
});
