import { strict as assert } from "node:assert";
import { createHash, createPublicKey } from "node:crypto";
import {
  binary,
  describe,
  makeGadget,
  type Outcome,
  peer,
  peerTest,
  pushImage,
  run,
  RUNTIMES,
  satchel,
  satchelEnvironment,
  type SatchelOptions,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { openTerminal } from "./cli_terminal.ts";
import { cosignSucceeds, FORMATS, KEY_KINDS, PASSWORD, signByCosign, verifyByCosign } from "./cosign_keys.ts";

function generate(scratch: Scratch, args: readonly string[] = [], options: SatchelOptions = {}): Promise<Outcome> {
  const env = { COSIGN_PASSWORD: PASSWORD, ...options.env };
  return satchel(["key", "generate", ...args], { cwd: scratch.path, ...options, env });
}

async function filesIn(scratch: Scratch): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(scratch.path), ({ name }) => name);
  return names.filter((name) => /\.(key|pub)$/.test(name)).sort();
}

for (const kind of KEY_KINDS) {
  peerTest("cosign", `cosign signs by a key ${kind} that satchel has made, and satchel by it`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startServedRegistry();
    const report = JSON.parse(
      (await generate(scratch, ["--type", kind, "--output-key-prefix", kind, "-o", "json"])).stdout,
    );
    const publicKey = await Deno.readTextFile(scratch.at(`${kind}.pub`));
    const spki = createPublicKey(publicKey).export({ format: "der", type: "spki" });
    assert.deepEqual(report, {
      type: kind,
      privateKey: `${kind}.key`,
      publicKey: `${kind}.pub`,
      fingerprint: createHash("sha256").update(spki).digest("hex"),
    });
    assert.equal(await cosignSucceeds(scratch, "public-key", "--key", `${kind}.key`), publicKey);

    const gadget = makeGadget();
    await pushImage(registry, "team/app", "v1", gadget);
    await pushImage(registry, "team/other", "v1", gadget);
    const [one, other] = ["app", "other"].map((name) => `${registry.host}/team/${name}@${gadget.root.digest}`);
    const insecure = ["--remote", "--insecure-registries", registry.host];
    for (const format of Object.keys(FORMATS) as (keyof typeof FORMATS)[]) {
      await signByCosign(scratch, `${kind}.key`, one, format);
    }
    await satchelSucceeds(["image", "verify", one, ...insecure, "--public-keys", scratch.at(`${kind}.pub`)]);
    const key = ["--key", scratch.at(`${kind}.key`)];
    await satchelSucceeds(["image", "sign", other, ...insecure, ...key], { env: { COSIGN_PASSWORD: PASSWORD } });
    const outcome = await verifyByCosign(scratch, `${kind}.pub`, other, "bundle");
    assert.equal(outcome.code, 0, describe(outcome));
  });
}

for (const [name, runSatchel] of Object.entries(RUNTIMES)) {
  Deno.test(`${name} writes cosign.key and cosign.pub where nothing is said of names`, async () => {
    await using scratch = await scratchFolder();
    const { code, stdout, stderr } = await runSatchel(["key", "generate"], {
      cwd: scratch.path,
      env: { COSIGN_PASSWORD: PASSWORD },
    });
    const text = "Private key written to cosign.key\nPublic key written to cosign.pub\n";
    assert.deepEqual([code, stdout, stderr], [0, text, ""]);
    assert.equal((await Deno.stat(scratch.at("cosign.key"))).mode! & 0o777, 0o600);
    assert.match(
      await Deno.readTextFile(scratch.at("cosign.key")),
      /^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/,
    );
    assert.match(await Deno.readTextFile(scratch.at("cosign.pub")), /^-----BEGIN PUBLIC KEY-----\n/);
  });
}

peerTest(
  "cosign",
  "a password from stdin ends before its line feed; an empty one is one, and is warned of",
  async () => {
    await using scratch = await scratchFolder();
    const args = ["--password-stdin", "--output-key-prefix"];
    const warned = await generate(scratch, [...args, "empty"], { stdin: "\n" });
    assert.equal(warned.code, 0);
    assert.match(
      warned.stderr,
      /^Warning: The password is empty: whoever can read the private key can sign with it\n$/,
    );
    // What is said by a flag counts, not what is in the environment.
    assert.equal((await generate(scratch, [...args, "given"], { stdin: `${PASSWORD}x\r\n` })).stderr, "");
    for (const [key, password] of [["empty", ""], ["given", `${PASSWORD}x`]]) {
      const outcome = await run(peer("cosign"), ["public-key", "--key", `${key}.key`], {
        cwd: scratch.path,
        env: { HOME: scratch.path, COSIGN_PASSWORD: password },
      });
      assert.equal(outcome.stdout, await Deno.readTextFile(scratch.at(`${key}.pub`)), describe(outcome));
    }
  },
);

for (const name of ["cosign.key", "cosign.pub"]) {
  Deno.test(`nothing is written beside a ${name} that is there, and nobody is asked for a password`, async () => {
    await using scratch = await scratchFolder();
    await Deno.writeTextFile(scratch.at(name), "old");
    const { code, stderr } = await generate(scratch, ["--password-stdin"]);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^Error: ${name} is there already\nHint: Choose another --output-key-prefix`));
    assert.deepEqual(await filesIn(scratch), [name]);
    assert.equal(await Deno.readTextFile(scratch.at(name)), "old");
  });
}

Deno.test("without a password and a terminal there is no key, and neither in a folder that is not there", async () => {
  await using scratch = await scratchFolder();
  const unasked = await satchel(["key", "generate"], { cwd: scratch.path });
  assert.deepEqual([unasked.code, unasked.stdout], [2, ""]);
  assert.match(unasked.stderr, /there is no password for the private key, and no terminal to ask for it/);
  const nowhere = await generate(scratch, ["--output-key-prefix", "none/mine"]);
  assert.deepEqual([nowhere.code, nowhere.stdout], [1, ""]);
  assert.match(nowhere.stderr, /^Error: cannot write none\/mine.key: there is no folder none\n/);
  assert.deepEqual(await filesIn(scratch), []);
});

Deno.test("of keys that the disk does not take nothing stays", async () => {
  await using scratch = await scratchFolder();
  const outcome = await run("/bin/sh", ["-c", `ulimit -f 0; trap '' XFSZ; exec "$0" key generate`, await binary()], {
    cwd: scratch.path,
    env: { ...satchelEnvironment(scratch.at("store"), scratch.path), COSIGN_PASSWORD: PASSWORD },
  });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /^Error: cannot write cosign.key: /);
  assert.deepEqual(await filesIn(scratch), []);
});

Deno.test("a kind of key that is none, and a prefix that names no file, are told of", async () => {
  await using scratch = await scratchFolder();
  const prefixes = ["", ".", "..", "/tmp/", "./"].map((prefix) => ["--output-key-prefix", prefix]);
  for (const args of [["--type", "dsa"], ["name"], ...prefixes]) {
    assert.equal((await generate(scratch, args)).code, 2, args.join(" "));
  }
  assert.deepEqual(await filesIn(scratch), []);
});

peerTest(
  "script",
  "on a terminal the password is asked for twice and not shown; two that differ make no key",
  async () => {
    await using scratch = await scratchFolder();
    const env = satchelEnvironment(scratch.at("store"), scratch.path);
    for (const [again, status] of [["other", 2], ["hunter2hunter2", 0]] as const) {
      await using terminal = openTerminal(`cd ${scratch.path} && ${await binary()} key generate`, env);
      await terminal.waitFor(/Enter password for private key: /);
      await terminal.type("hunter2hunter2\r");
      await terminal.waitFor(/Enter password for private key again: /);
      await terminal.type(`${again}\r`);
      await terminal.waitFor(status === 0 ? /Private key written to cosign.key/ : /the two passwords are not the same/);
      assert.equal(await terminal.status, status);
      assert.ok(!terminal.output.includes("hunter2"), terminal.output);
      assert.deepEqual(await filesIn(scratch), status === 0 ? ["cosign.key", "cosign.pub"] : []);
    }
  },
);

peerTest("script", "Ctrl-C at the question is exit 130, and there is no key", async () => {
  await using scratch = await scratchFolder();
  const env = satchelEnvironment(scratch.at("store"), scratch.path);
  await using terminal = openTerminal(`cd ${scratch.path} && ${await binary()} key generate`, env);
  await terminal.waitFor(/Enter password for private key: /);
  await terminal.type("\x03");
  assert.equal(await terminal.status, 130);
  assert.deepEqual(await filesIn(scratch), []);
});
