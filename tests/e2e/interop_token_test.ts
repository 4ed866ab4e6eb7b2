import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  assertHolds,
  basic,
  describe,
  type Image,
  makeCertificates,
  makeGadget,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startHttpProxy,
  startRegistry,
  startTokenService,
  type TokenService,
  type TokenServiceOptions,
  viaProxy,
  writeAuthFile,
} from "../harness/mod.ts";

/** A registry with a token service, both over plain HTTP, and a gadget in it. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  service: TokenService;
  registry: Registry;
  gadget: Image;
  /** `127.0.0.1:<port>/demo/gadget:latest`. */
  name: string;
  /** Arguments of pull and push for {@link ACCOUNT}. */
  args: string[];
  /** `Authorization` for plain requests of the test itself. */
  headers: Record<string, string>;
}

async function startWorld(options?: TokenServiceOptions): Promise<World> {
  const scratch = await scratchFolder();
  const service = await startTokenService(options);
  const registry = await startRegistry({ token: service });
  const all = ["demo/gadget", "demo/copy"].map((name) => ({ type: "repository", name, actions: ["pull", "push"] }));
  const headers = { authorization: `Bearer ${await service.sign("test", all)}` };
  const gadget = makeGadget();
  await pushImage(registry, "demo/gadget", "latest", gadget, headers);
  const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
  return {
    scratch,
    service,
    registry,
    gadget,
    headers,
    name: `${registry.host}/demo/gadget:latest`,
    args: ["--authfile", file, "--insecure-registries", registry.host],
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

peerTest("registry", "one token serves a whole pull, and it is for pulling alone", async () => {
  await using world = await startWorld();
  await satchelSucceeds(["image", "pull", world.name, ...world.args], { store: world.scratch.at("store") });
  assert.deepEqual(world.service.requests.map(({ account, scopes, status }) => ({ account, scopes, status })), [
    { account: ACCOUNT.username, scopes: ["repository:demo/gadget:pull"], status: 200 },
  ]);
});

peerTest("registry", "a push asks for a token to pull and push, and to pull from where it mounts", async () => {
  await using world = await startWorld();
  const store = world.scratch.at("store");
  const copy = `${world.registry.host}/demo/copy:latest`;
  await satchelSucceeds(["image", "pull", world.name, ...world.args], { store });
  await satchelSucceeds(["image", "tag", world.name, copy], { store });
  const before = world.service.requests.length;
  await satchelSucceeds(["image", "push", copy, ...world.args], { store });
  await assertHolds(world.registry, "demo/copy", "latest", world.gadget, world.headers);
  const scopes = new Set(world.service.requests.slice(before).flatMap(({ scopes }) => scopes));
  assert.ok(scopes.has("repository:demo/copy:pull,push"), [...scopes].join(" "));
  assert.ok(scopes.has("repository:demo/gadget:pull"), [...scopes].join(" "));
  await world.registry.waitForRequest(/^POST \/v2\/demo\/copy\/blobs\/uploads\/\?.*mount=.* 201$/);
});

peerTest("registry", "a token that ends in the middle of a pull is replaced by a new one", async () => {
  await using world = await startWorld();
  const { registry, service } = world;
  // Distribution allows clocks to differ by 60 seconds, so this token is good for two or three more.
  service.nextLifetimes = [-57];
  let first: string | undefined;
  await using proxy = await startHttpProxy({
    // Blobs that are asked for with the first token wait until the registry itself calls it expired.
    async onRequest({ target, headers: { authorization = "" } }) {
      if (!target.includes("/blobs/") || authorization !== (first ??= authorization)) return;
      const deadline = performance.now() + 20_000;
      while (await status(registry.fetch("/v2/", { headers: { authorization } })) === 200) {
        if (performance.now() > deadline) throw new Error("The registry does not call the token expired");
      }
    },
  });
  const host = viaProxy(registry);
  const file = await writeAuthFile(world.scratch.at("proxied.json"), { [host]: ACCOUNT });
  const args = ["image", "pull", `${host}/demo/gadget`, "--authfile", file, "--insecure-registries", host];
  const store = world.scratch.at("store");
  await satchelSucceeds(args, { store, env: proxy.env });
  await satchelSucceeds(["store", "check"], { store });
  assert.equal(service.requests.length, 2);
});

peerTest("registry", "a token service that hands out nothing but expired tokens ends with status 4", async () => {
  await using world = await startWorld();
  world.service.lifetime = -120;
  const outcome = await satchel(["image", "pull", world.name, ...world.args]);
  assert.equal(outcome.code, 4, describe(outcome));
  assert.ok(world.service.requests.length <= 4, `asked ${world.service.requests.length} times`);
});

peerTest("registry", "an identity token of the auth file is exchanged by POST", async () => {
  await using world = await startWorld();
  const { service, registry, scratch } = world;
  const url = `${service.realm}?service=${service.service}&offline_token=true`;
  const { refresh_token } = await (await fetch(url, { headers: basic() })).json();
  const file = await writeAuthFile(scratch.at("identity.json"), { [registry.host]: { identitytoken: refresh_token } });
  const args = ["image", "pull", world.name, "--authfile", file, "--insecure-registries", registry.host];

  await satchelSucceeds(args, { store: scratch.at("store") });
  const { method, grant, account } = service.requests.at(-1)!;
  assert.deepEqual({ method, grant, account }, { method: "POST", grant: "refresh_token", account: ACCOUNT.username });

  service.revoke();
  const outcome = await satchel(args, { store: scratch.at("other") });
  assert.equal(outcome.code, 4, describe(outcome));
  assert.ok(!(outcome.stdout + outcome.stderr).includes(refresh_token));
});

peerTest("registry", "a public repository is pulled without an account", async () => {
  await using world = await startWorld({ anonymous: ["pull"] });
  const args = ["image", "pull", world.name, "--insecure-registries", world.registry.host];
  await satchelSucceeds(args, { store: world.scratch.at("store") });
  assert.equal(world.service.requests.at(-1)?.account, undefined);
});

peerTest("registry", "an account that may only pull cannot push: status 4", async () => {
  const accounts = { [ACCOUNT.username]: { password: ACCOUNT.password, actions: ["pull"] } };
  await using world = await startWorld({ accounts });
  const store = world.scratch.at("store");
  await satchelSucceeds(["image", "pull", world.name, ...world.args], { store });
  await satchelSucceeds(["image", "tag", world.name, `${world.registry.host}/demo/copy`], { store });
  const outcome = await satchel(["image", "push", `${world.registry.host}/demo/copy`, ...world.args], { store });
  assert.equal(outcome.code, 4, describe(outcome));
});

peerTest("registry", "a wrong password at the token service ends with status 4", async () => {
  await using world = await startWorld();
  const wrong = { username: ACCOUNT.username, password: "not-the-password" };
  const file = await writeAuthFile(world.scratch.at("wrong.json"), { [world.registry.host]: wrong });
  const args = [
    "image",
    "pull",
    world.name,
    "--authfile",
    file,
    "--insecure-registries",
    world.registry.host,
    "--debug",
  ];
  const outcome = await satchel(args);
  assert.equal(outcome.code, 4, describe(outcome));
  assert.ok(!(outcome.stdout + outcome.stderr).includes(wrong.password));
});

peerTest(["registry", "openssl"], "credentials do not go to a token service over plain HTTP", async () => {
  await using scratch = await scratchFolder();
  await using tls = await makeCertificates();
  await using service = await startTokenService();
  await using registry = await startRegistry({ tls, token: service });
  const file = await writeAuthFile(scratch.at("auth.json"), { [registry.host]: ACCOUNT });
  const args = ["image", "pull", `${registry.host}/demo/gadget`, "--authfile", file];
  const outcome = await satchel(args, { env: registry.env });
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /plain HTTP|http:/i);
  assert.deepEqual(service.requests, []);
});

async function status(answer: Promise<Response>): Promise<number> {
  const { body, status } = await answer;
  await body?.cancel();
  return status;
}
