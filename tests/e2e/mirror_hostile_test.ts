/** Mirrors that lie, die, say nothing, or want what is not theirs. */
import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  attachmentTag,
  basic,
  makeCosignSignature,
  makeGadget,
  peerTest,
  pushImage,
  satchel,
  scratchFolder,
  startRegistry,
  startTcpProxy,
  writeAuthFile,
} from "../harness/mod.ts";
import { give, reply, startHostileRegistry } from "./hostile_registry.ts";

/** Pulls into an empty store, with these mirrors for a registry. */
async function pullBy(mirrors: unknown[], registry: string, name: string, auths?: Parameters<typeof writeAuthFile>[1]) {
  await using scratch = await scratchFolder();
  const config = scratch.at("config.yaml");
  await Deno.writeTextFile(
    config,
    JSON.stringify({ mirrors: { [registry]: mirrors }, insecureRegistries: [registry] }),
  );
  const authfile = auths && await writeAuthFile(scratch.at("auth.json"), auths);
  const options = { store: scratch.at("store"), home: scratch.path, env: { SATCHEL_CONFIG: config } };
  const flags = authfile === undefined ? [] : ["--authfile", authfile];
  const pulled = await satchel(["image", "pull", "-v", `${registry}/${name}`, ...flags], options);
  const checked = await satchel(["store", "check"], options);
  assert.equal(checked.code, 0, checked.stdout);
  return pulled;
}

peerTest("registry", "blobs with other bytes than their digest says come from the registry instead", async () => {
  const gadget = makeGadget({ layerSize: 300_000 });
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await using liar = await startHostileRegistry(gadget, (_request, response, url) => {
    const blob = gadget.blobs.find(({ digest }) => url.pathname.endsWith(digest));
    if (!blob) return false;
    give(response, { ...blob, bytes: blob.bytes.map((byte, index) => index === 9 ? byte ^ 1 : byte) });
  });
  const { code, stdout, stderr } = await pullBy([`http://${liar.host}`], origin.host, "team/gadget:v1");
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(gadget.root.digest));
  assert.match(stderr, new RegExp(`The mirror ${liar.host}/team/gadget gave other bytes than those of sha256:`));
});

peerTest("registry", "a manifest that is another than its digest says is not taken", async () => {
  const gadget = makeGadget();
  const other = makeGadget();
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await using liar = await startHostileRegistry(gadget, (_request, response, url) => {
    if (!url.pathname.includes("/manifests/")) return false;
    give(response, { ...other.root, digest: gadget.root.digest });
  });
  const name = `team/gadget@${gadget.root.digest}`;
  const { code, stdout, stderr } = await pullBy([`http://${liar.host}`], origin.host, name);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(gadget.root.digest));
  assert.match(stderr, new RegExp(`The mirror ${liar.host}/team/gadget is not asked any more: `));
});

peerTest("registry", "what a mirror says about tags and signatures does not count unless it is believed", async () => {
  const [gadget, other] = [makeGadget(), makeGadget()];
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  const forged = makeCosignSignature(gadget.root);
  await using liar = await startHostileRegistry(other, (_request, response, url) => {
    if (!url.pathname.endsWith(".sig")) return false;
    give(response, forged.root);
  });
  const { code, stdout, stderr } = await pullBy([`http://${liar.host}`], origin.host, "team/gadget:v1");
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(gadget.root.digest));
  assert.doesNotMatch(stderr, /With it/);
  assert.ok(liar.received.length > 0, "it was not asked at all");
  assert.ok(liar.received.every(({ url }) => /\/(manifests|blobs)\/sha256:/.test(url)), "it was asked for a tag");
  assert.ok(liar.received.every(({ url }) => url.endsWith(`?ns=${encodeURIComponent(origin.host)}`)));
});

peerTest("registry", "a blob goes on from the byte at which its mirror died", async () => {
  const size = 4_000_000;
  const gadget = makeGadget({ layerSize: size, architectures: ["amd64"] });
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await using mirror = await startRegistry();
  await pushImage(mirror, "team/gadget", "v1", gadget);
  await using dying = await startHostileRegistry(gadget, () => false);
  await using proxy = await startTcpProxy(dying.host, { direction: "down", after: 1_000_000, times: Infinity });
  const { code, stderr } = await pullBy(
    [`http://${proxy.host}`, `http://${mirror.host}`],
    origin.host,
    `team/gadget@${gadget.root.digest}`,
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`The mirror ${proxy.host}/team/gadget is not asked any more: .*connection broke`));
  const layer = gadget.blobs.find(({ bytes }) => bytes.length === size)!;
  const asked = mirror.requests().filter((line) => line.startsWith("GET") && line.includes(layer.digest));
  assert.deepEqual(asked.map((line) => line.split(" ").at(-1)), ["206"]);
});

Deno.test("where mirror and registry fail, each is told of, and the hint is about the mirror", async () => {
  const gadget = makeGadget();
  const pull = async (status: number, headers: Record<string, string> = {}) => {
    await using mirror = await startHostileRegistry(gadget, (_request, response) => reply(response, status, headers));
    const mirrors = [{ endpoint: `http://${mirror.host}`, resolveTags: true }];
    return { mirror: mirror.host, ...await pullBy(mirrors, "nowhere.invalid", "team/gadget:v1") };
  };
  const refused = await pull(401, { "www-authenticate": 'Basic realm="mirror"' });
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(
    refused.stderr,
    new RegExp(
      "^Error: pulling nowhere\\.invalid/team/gadget:v1: neither the mirrors nor the registry gave it\n" +
        `  the mirror ${refused.mirror}/team/gadget: GET .*: HTTP 401 .*\n` +
        "  the registry: GET .* at nowhere\\.invalid: .*\n" +
        `Hint: .*: satchel login ${refused.mirror} --plain-http\n`,
      "m",
    ),
  );
  const lacking = await pull(404);
  assert.equal(lacking.code, 1, lacking.stderr);
  assert.match(lacking.stderr, new RegExp(`Hint: .*: put the image into ${lacking.mirror}/team/gadget\\.\n`));
});

peerTest("registry", "a mirror's failures of any kind lead to the next place", async () => {
  const gadget = makeGadget();
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  for (const status of [401, 403, 404, 429, 500, 503]) {
    await using broken = await startHostileRegistry(gadget, (_request, response) => reply(response, status));
    const mirrors = [{ endpoint: `http://${broken.host}`, resolveTags: true }, "http://127.0.0.1:1"];
    const { code, stderr } = await pullBy(mirrors, origin.host, "team/gadget:v1");
    assert.equal(code, 0, `${status}: ${stderr}`);
    assert.doesNotMatch(stderr, /^Warning/m);
  }
});

peerTest("registry", "where a mirror does not let us see what refers to an image, the registry is asked", async () => {
  const gadget = makeGadget();
  const signature = makeCosignSignature(gadget.root);
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await pushImage(origin, "team/gadget", attachmentTag(gadget.root.digest, ".sig"), signature);
  await using mirror = await startHostileRegistry(gadget, (_request, response, url) => {
    if (!/\/referrers\/|\/manifests\/sha256-/.test(url.pathname)) return false;
    reply(response, 403);
  });
  const mirrors = [{ endpoint: `http://${mirror.host}`, resolveTags: true }];
  const { code, stderr } = await pullBy(mirrors, origin.host, "team/gadget:v1");
  assert.equal(code, 0, stderr);
  assert.match(stderr, new RegExp(`With it: ${signature.root.digest}`));
  assert.doesNotMatch(stderr, /^Warning/m);
});

peerTest("registry", "the registry's account never reaches a mirror, whatever it asks for", async () => {
  const gadget = makeGadget();
  await using origin = await startRegistry({ htpasswd: ACCOUNT_LINE });
  await pushImage(origin, "team/gadget", "v1", gadget, basic());
  await using elsewhere = await startHostileRegistry(gadget, () => false);
  const challenges = [
    'Basic realm="mirror"',
    `Bearer realm="http://${elsewhere.host}/token",service="${origin.host}"`,
    `Bearer realm="${origin.url}/token",service="${origin.host}"`,
  ];
  for (const challenge of challenges) {
    await using greedy = await startHostileRegistry(gadget, (_request, response) => {
      reply(response, 401, { "www-authenticate": challenge });
    });
    const { code, stderr } = await pullBy([`http://${greedy.host}`], origin.host, "team/gadget:v1", {
      [origin.host]: ACCOUNT,
    });
    assert.equal(code, 0, stderr);
    assert.ok(greedy.received.length > 0);
    assert.ok([...greedy.received, ...elsewhere.received].every(({ authorization }) => authorization === undefined));
  }
});

peerTest("registry", "a mirror's own account stays with it when it redirects", async () => {
  const gadget = makeGadget();
  await using origin = await startRegistry();
  await pushImage(origin, "team/gadget", "v1", gadget);
  await using elsewhere = await startHostileRegistry(gadget, () => false);
  await using mirror = await startHostileRegistry(gadget, (request, response, url) => {
    if (request.headers.authorization === undefined) {
      return reply(response, 401, { "www-authenticate": 'Basic realm="mirror"' });
    }
    reply(response, 307, { location: `http://${elsewhere.host}${url.pathname}` });
  });
  const { code, stderr } = await pullBy([`http://${mirror.host}`], origin.host, "team/gadget:v1", {
    [mirror.host]: ACCOUNT,
  });
  assert.equal(code, 0, stderr);
  assert.ok(mirror.received.some(({ authorization }) => authorization === basic().authorization));
  assert.ok(elsewhere.received.length > 0);
  assert.ok(elsewhere.received.every(({ authorization }) => authorization === undefined));
});
