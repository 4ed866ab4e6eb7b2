import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  assertHolds,
  basic,
  describe,
  makeCertificates,
  makeGadget,
  type Peer,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  type SatchelOptions,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startDockerRegistry,
  startReferrersRegistry,
  startRegistry,
  startTokenService,
  writeAuthFile,
} from "../harness/mod.ts";

/** A registry, and what a client needs to be let in. */
interface Case extends AsyncDisposable {
  registry: Registry;
  /** Arguments of pull and push. */
  args: string[];
  /** For plain requests of the test itself. */
  headers?: Record<string, string>;
}

const ANYTHING = [{ type: "repository", name: "demo/gadget", actions: ["pull", "push"] }, {
  type: "repository",
  name: "demo/copy",
  actions: ["pull", "push"],
}];

/** Every kind of registry that satchel has to work with. */
const CASES: Record<string, { peers: Peer[]; start: (scratch: Scratch) => Promise<Case> }> = {
  "distribution v3 over plain HTTP": {
    peers: ["registry"],
    start: async () => plain(await startRegistry()),
  },
  "Debian's docker-registry over plain HTTP": {
    peers: ["docker-registry"],
    start: async () => plain(await startDockerRegistry()),
  },
  "a registry with the referrers API": {
    peers: ["referrers-registry"],
    start: async () => plain(await startReferrersRegistry()),
  },
  "distribution v3 over TLS by an authority of SSL_CERT_FILE": {
    peers: ["registry", "openssl"],
    start: async () => {
      const tls = await makeCertificates();
      const registry = await startRegistry({ tls });
      return { registry, args: [], [Symbol.asyncDispose]: () => disposeAll(registry, tls) };
    },
  },
  "distribution v3 over TLS with accounts of an htpasswd file": {
    peers: ["registry", "openssl"],
    start: async (scratch) => {
      const tls = await makeCertificates();
      const registry = await startRegistry({ tls, htpasswd: ACCOUNT_LINE });
      const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
      const args = ["--authfile", file];
      return { registry, args, headers: basic(), [Symbol.asyncDispose]: () => disposeAll(registry, tls) };
    },
  },
  "docker-registry over TLS with accounts of an htpasswd file": {
    peers: ["docker-registry", "openssl"],
    start: async (scratch) => {
      const tls = await makeCertificates();
      const registry = await startDockerRegistry({ tls, htpasswd: ACCOUNT_LINE });
      const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
      const args = ["--authfile", file];
      return { registry, args, headers: basic(), [Symbol.asyncDispose]: () => disposeAll(registry, tls) };
    },
  },
  "distribution v3 over TLS with tokens of a token service": {
    peers: ["registry", "openssl"],
    start: async (scratch) => {
      const tls = await makeCertificates();
      const service = await startTokenService({ tls });
      const registry = await startRegistry({ tls, token: service });
      const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
      const headers = { authorization: `Bearer ${await service.sign(ACCOUNT.username, ANYTHING)}` };
      return {
        registry,
        args: ["--authfile", file],
        headers,
        [Symbol.asyncDispose]: () => disposeAll(registry, service, tls),
      };
    },
  },
};

for (const [name, { peers, start }] of Object.entries(CASES)) {
  peerTest(peers, `pulls from and pushes to ${name}`, async () => {
    await using scratch = await scratchFolder();
    await using target = await start(scratch);
    const { registry, args, headers } = target;
    const options: SatchelOptions = { store: scratch.at("store"), env: registry.env };
    const gadget = makeGadget();
    await pushImage(registry, "demo/gadget", "v1", gadget, headers);
    const source = `${registry.host}/demo/gadget:v1`;
    const copy = `${registry.host}/demo/copy:v2`;

    const pulled = await satchelSucceeds(["image", "pull", source, ...args], options);
    assert.equal(pulled, `Successfully pulled ${source}@${gadget.root.digest}\n`);
    await satchelSucceeds(["image", "tag", source, copy], options);
    const pushed = await satchelSucceeds(["image", "push", copy, ...args], options);
    assert.equal(pushed, `Successfully pushed ${copy}@${gadget.root.digest}\n`);
    await assertHolds(registry, "demo/copy", "v2", gadget, headers);
    await satchelSucceeds(["store", "check"], options);
  });

  peerTest(
    [...peers, "registry"],
    `pushes what the registry has not seen, nor any part of it, to ${name}`,
    async () => {
      await using scratch = await scratchFolder();
      await using elsewhere = await startRegistry();
      await using target = await start(scratch);
      const { registry, args, headers } = target;
      const options: SatchelOptions = { store: scratch.at("store"), env: registry.env };
      // Larger than one chunk of an upload in either runtime would be if it were split.
      const gadget = makeGadget({ layerSize: 3_000_000 });
      await pushImage(elsewhere, "seed", "latest", gadget);
      const name = `${registry.host}/demo/gadget:fresh`;

      await satchelSucceeds(
        ["image", "pull", `${elsewhere.host}/seed`, "--insecure-registries", elsewhere.host],
        options,
      );
      await satchelSucceeds(["image", "tag", `${elsewhere.host}/seed`, name], options);
      await satchelSucceeds(["image", "push", name, ...args], options);
      await assertHolds(registry, "demo/gadget", "fresh", gadget, headers);
    },
  );

  peerTest(peers, `a name that is not there ends with status 3 at ${name}`, async () => {
    await using scratch = await scratchFolder();
    await using target = await start(scratch);
    const { registry, args, headers } = target;
    await pushImage(registry, "demo/gadget", "v1", makeGadget(), headers);
    const missing = await satchel(["image", "pull", `${registry.host}/demo/gadget:nosuch`, ...args], {
      env: registry.env,
    });
    assert.equal(missing.code, 3, describe(missing));
    assert.match(missing.stderr, /nosuch/);
    assert.equal(missing.stdout, "");
  });
}

peerTest(["registry", "openssl"], "a registry whose certificate nobody vouches for is refused", async () => {
  await using tls = await makeCertificates();
  await using registry = await startRegistry({ tls });
  await using scratch = await scratchFolder();
  const outcome = await satchel(["image", "pull", `${registry.host}/demo/gadget`], { store: scratch.at("store") });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /certificate/i);
  assert.deepEqual(registry.requests(), []);
});

peerTest(["registry", "openssl"], "a wrong password ends with status 4, and is not shown", async () => {
  await using tls = await makeCertificates();
  await using registry = await startRegistry({ tls, htpasswd: ACCOUNT_LINE });
  await using scratch = await scratchFolder();
  const wrong = { username: ACCOUNT.username, password: "not-the-password" };
  const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: wrong });
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--authfile", file, "--debug"];
  const outcome = await satchel(args, { env: registry.env });
  assert.equal(outcome.code, 4, describe(outcome));
  const shown = outcome.stdout + outcome.stderr;
  assert.ok(!shown.includes(wrong.password) && !shown.includes(basic(wrong).authorization.slice(6)), shown);
});

peerTest("registry", "plain HTTP is spoken only to registries that were named insecure", async () => {
  await using registry = await startRegistry();
  await pushImage(registry, "demo/gadget", "latest", makeGadget());
  const before = registry.requests().length;
  const outcome = await satchel(["image", "pull", `${registry.host}/demo/gadget`]);
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /insecure-registries/);
  assert.equal(registry.requests().length, before);
});

function plain(registry: Registry): Case {
  return {
    registry,
    args: ["--insecure-registries", registry.host],
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

async function disposeAll(...resources: AsyncDisposable[]): Promise<void> {
  for (const resource of resources) await resource[Symbol.asyncDispose]();
}
