import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import {
  type Image,
  makeGadget,
  type Outcome,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { cosignSucceeds, openssl, PASSWORD } from "./cosign_keys.ts";
import { writeFile } from "./plugin_files.ts";
import { SIGNED, storeOf } from "./signing_places.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

/** An image in a registry, and keys: `cosign.key` encrypted by {@link PASSWORD}, `plain.pem` the same kind in plain. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  registry: Registry;
  image: Image;
  name: string;
}

async function startWorld(): Promise<World> {
  const scratch = await scratchFolder();
  const registry = await startServedRegistry();
  await cosignSucceeds(scratch, "generate-key-pair");
  await openssl(scratch, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "plain.pem");
  const image = makeGadget();
  await pushImage(registry, "team/app", "v1", image);
  return {
    scratch,
    registry,
    image,
    name: `${registry.host}/team/app:v1`,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

interface Attempt {
  key: string;
  flags?: readonly string[];
  stdin?: string;
  env?: Record<string, string>;
}

async function sign({ registry, name, scratch }: World, { key, flags = [], stdin, env }: Attempt): Promise<Outcome> {
  const args = ["image", "sign", name, "--remote", "--insecure-registries", registry.host, "--key", key, ...flags];
  return await satchel(args, { cwd: scratch.path, ...(stdin !== undefined && { stdin }), ...(env && { env }) });
}

/** What would be a secret anywhere: the password, and the private key in every notation that a dump may have. */
function secretsOf(scratch: Scratch): string[] {
  const pem = Deno.readTextFileSync(scratch.at("plain.pem"));
  const { d = "" } = createPrivateKey(pem).export({ format: "jwk" });
  const number = Buffer.from(d, "base64url");
  const body = pem.split("\n").slice(1, -2);
  return [
    PASSWORD,
    Buffer.from(PASSWORD).toString("base64").replace(/=+$/, ""),
    d,
    number.toString("hex"),
    number.toString("base64").replace(/=+$/, ""),
    number.subarray(0, 8).join(","),
    ...body,
  ];
}

function assertDiscreet(scratch: Scratch, { stdout, stderr }: Outcome, what: string): void {
  for (const secret of secretsOf(scratch)) {
    assert.ok(!stdout.includes(secret) && !stderr.includes(secret), `${what}: ${secret} was printed`);
  }
}

async function signaturesOf({ registry, image }: World): Promise<unknown[]> {
  return (await (await registry.fetch(`/v2/team/app/referrers/${image.root.digest}`)).json()).manifests;
}

const FAILURES: readonly (readonly [
  what: string,
  attempt: Attempt,
  change: (text: string) => string,
  code: number,
  message: RegExp,
])[] = [
  [
    "a wrong password",
    { key: "cosign.key", env: { COSIGN_PASSWORD: `${PASSWORD}x` } },
    (key) => key,
    1,
    /cosign.key: the password of the private key is wrong/,
  ],
  [
    "no password",
    { key: "cosign.key" },
    (key) => key,
    2,
    /cosign.key is encrypted, and there is no password and no terminal/,
  ],
  [
    "a key that is cut off",
    { key: "cosign.key", env: { COSIGN_PASSWORD: PASSWORD } },
    (key) => key.slice(0, 300),
    2,
    /no private key in cosign.key/,
  ],
  [
    "a key that lost a part",
    { key: "cosign.key", env: { COSIGN_PASSWORD: PASSWORD } },
    (key) => key.replace(/\n.*\n/, "\n"),
    1,
    /cosign.key: what the private key is encrypted in is not/,
  ],
  [
    "a plain key that lost a part",
    { key: "plain.pem" },
    (key) => key.replace(/\n.*\n/, "\n"),
    1,
    /plain.pem: the private key is damaged, or of a kind that is not known/,
  ],
  ["a public key", { key: "cosign.pub" }, (key) => key, 2, /no private key in cosign.pub/],
  ["a key that does not exist", { key: "none.key" }, (key) => key, 2, /none.key/],
  [
    "a key that asks for all of the memory",
    { key: "cosign.key", env: { COSIGN_PASSWORD: PASSWORD } },
    (key) => {
      const [first, ...lines] = key.trim().split("\n");
      const json = Buffer.from(lines.slice(0, -1).join(""), "base64").toString().replace(
        '"N":65536',
        '"N":1073741824',
      );
      return [first, Buffer.from(json).toString("base64"), lines.at(-1), ""].join("\n");
    },
    1,
    /cosign.key: the private key asks for scrypt with other parameters than cosign's/,
  ],
];

peerTest(
  ["cosign", "openssl"],
  "a key that cannot be used signs nothing, and is told of without what is secret",
  async () => {
    await using world = await startWorld();
    const { scratch } = world;
    const originals = new Map<string, string>();
    for (const name of ["cosign.key", "plain.pem", "cosign.pub"]) {
      originals.set(
        name,
        await Deno.readTextFile(scratch.at(name)),
      );
    }
    for (const [what, attempt, change, code, message] of FAILURES) {
      const original = originals.get(attempt.key);
      if (original !== undefined) await Deno.writeTextFile(scratch.at(attempt.key), change(original));
      const outcome = await sign(world, { ...attempt, flags: ["--debug"] });
      if (original !== undefined) await Deno.writeTextFile(scratch.at(attempt.key), original);
      assert.equal(outcome.code, code, `${what}: ${outcome.stderr}`);
      assert.match(outcome.stderr, message, what);
      assertDiscreet(scratch, outcome, what);
    }
    assert.deepEqual(await signaturesOf(world), []);
  },
);

peerTest(
  ["cosign", "openssl"],
  "whatever way key and password come, they are printed nowhere and sent nowhere",
  async () => {
    await using world = await startWorld();
    const { scratch, registry } = world;
    const pem = await Deno.readTextFile(scratch.at("plain.pem"));
    const attempts: Attempt[] = [
      { key: "cosign.key", env: { COSIGN_PASSWORD: PASSWORD } },
      { key: "cosign.key", flags: ["--password-stdin"], stdin: `${PASSWORD}\n` },
      { key: "plain.pem" },
      { key: "env://MY_KEY", env: { MY_KEY: pem } },
      { key: "plain.pem", flags: ["--format", "legacy"] },
    ];
    for (const attempt of attempts) {
      for (const flags of [["--debug", "--verbose"], ["-o", "json"]]) {
        const outcome = await sign(world, { ...attempt, flags: [...attempt.flags ?? [], ...flags] });
        assert.equal(outcome.code, 0, outcome.stderr);
        assertDiscreet(scratch, outcome, JSON.stringify(attempt.key));
      }
    }
    const stored = await readAll(registry.storage);
    for (const secret of secretsOf(scratch)) assert.ok(!stored.includes(secret), `${secret} was sent`);
    assert.ok(stored.includes("dev.cosignproject.cosign/signature"));
    assert.equal(createPublicKey(pem).asymmetricKeyType, "ec");
  },
);

/** The content of all files below a folder, one behind the other. */
async function readAll(folder: string): Promise<string> {
  const parts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    parts.push(isDirectory ? await readAll(path) : new TextDecoder("latin1").decode(await Deno.readFile(path)));
  }
  return parts.join("\n");
}

peerTest(["cosign", "openssl"], "a key itself is not taken from the command line, and not repeated", async () => {
  await using world = await startWorld();
  const outcome = await sign(world, { key: await Deno.readTextFile(world.scratch.at("plain.pem")) });
  assert.equal(outcome.code, 2);
  assertDiscreet(world.scratch, outcome, "a key as a word");
});

peerTest(["cosign", "openssl"], "a key file that others can read is warned of, and signs", async () => {
  await using world = await startWorld();
  const { scratch } = world;
  for (const [mode, warned] of [[0o600, false], [0o644, true], [0o640, true]] as const) {
    await Deno.chmod(scratch.at("plain.pem"), mode);
    const { code, stderr } = await sign(world, { key: "plain.pem" });
    assert.equal(code, 0, stderr);
    assert.equal(
      /^Warning: plain.pem can be read by other users/m.test(stderr),
      warned,
      `${mode.toString(8)}: ${stderr}`,
    );
  }
});

peerTest(
  ["cosign", "openssl"],
  "plugins that guard a push, and programs that they run, get no key and no password",
  async () => {
    await using world = await startWorld();
    const { scratch } = world;
    const manifest = JSON.stringify({ contract: 1, name: "spy", hooks: ["beforePush"] });
    const spy = `#!/bin/sh
case "$1" in
--satchel-manifest) echo '${manifest}' ;;
--satchel-hook) { tr '\\0' '\\n' < /proc/$$/environ; tr '\\0' ' ' < /proc/$PPID/cmdline; cat; } > ${
      scratch.at("seen")
    }; echo '{"allow":true}' ;;
esac
`;
    const path = await writeFile(scratch.at("satchel-spy"), spy, 0o755);
    const pem = await Deno.readTextFile(scratch.at("plain.pem"));
    for (const [key, env] of [["cosign.key", {}], ["env://MY_KEY", { MY_KEY: pem }]] as const) {
      const outcome = await sign(world, { key, flags: ["--plugin", path], env: { COSIGN_PASSWORD: PASSWORD, ...env } });
      assert.equal(outcome.code, 0, outcome.stderr);
      const seen = await Deno.readTextFile(scratch.at("seen"));
      assert.match(seen, /^SATCHEL_DIGEST=/m);
      for (const secret of secretsOf(scratch)) assert.ok(!seen.includes(secret), `${key}: ${secret} was handed over`);
    }
  },
);

peerTest("cosign", "what is signed in the store is verified there without any registry, by the key alone", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const name = await pulledInto(store);
  for (const format of ["bundle", "oci-1.1", "legacy"]) {
    // A key for each, since one good signature is enough.
    await cosignSucceeds(scratch, "generate-key-pair", "--output-key-prefix", format);
    const options = { store, env: { COSIGN_PASSWORD: PASSWORD } };
    await satchelSucceeds(["image", "sign", name, "--key", scratch.at(`${format}.key`), "--format", format], options);
    await satchelSucceeds(["image", "verify", name, "--public-keys", scratch.at(`${format}.pub`)], { store });
  }
});

/** Pulls an image of a registry that is gone afterwards; returns its name. */
async function pulledInto(store: string): Promise<string> {
  await using registry = await startServedRegistry();
  await pushImage(registry, "team/app", "v1", makeGadget());
  const name = `${registry.host}/team/app:v1`;
  await satchelSucceeds(["image", "pull", name, "--insecure-registries", registry.host], { store });
  return name;
}

Deno.test("a key in the place of its file's or its variable's name is not shown", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");
  const pem = `key: ${privateKey.export({ type: "pkcs8", format: "pem" })}`;
  for (const flag of ["--key", "--notation-key"]) {
    for (const value of [body, `env://${body}`, pem, `env://${pem}`]) {
      const chain = flag === "--key" ? [] : ["--notation-cert-chain", CERTIFICATE];
      const outcome = await satchel(["image", "sign", SIGNED, "--debug", flag, value, ...chain], { store });
      const printed = outcome.stdout + outcome.stderr;
      assert.equal(outcome.code, 2, printed);
      assert.ok(!printed.includes(body.slice(0, 20)), printed);
      assert.match(printed, new RegExp(`Error: .*${flag}: what it names is not there`));
    }
  }
  const { stderr } = await satchel(["image", "sign", SIGNED, "--key", "keys/cosign.key"], { store });
  assert.match(stderr, /keys\/cosign\.key/);
});
