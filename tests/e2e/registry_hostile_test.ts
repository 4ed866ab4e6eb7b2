import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  basic,
  describe,
  digestOf,
  makeGadget,
  satchel,
  satchelSucceeds,
  scratchFolder,
  writeAuthFile,
} from "../harness/mod.ts";
import { give, type Lie, reply, sendForever, startHostileRegistry } from "./hostile_registry.ts";

const gadget = makeGadget({ seed: "hostile" });
const [manifest] = gadget.manifests;
const layer = gadget.blobs[1];
const INDEX = gadget.root.mediaType;

/** A registry's misdeed, the status that the pull ends with, and what it says. */
interface Misdeed {
  name: string;
  lie: Lie;
  code: number;
  /** Must be in what is on stderr; `HOST` stands for the registry. */
  says: RegExp;
}

/** Answers for one path in its own way. */
function at(end: string, lie: Lie): Lie {
  return (request, response, url) => url.pathname.endsWith(end) ? lie(request, response, url) : false;
}

/** Gives other bytes as the manifest that the tag stands for. */
function root(bytes: string | Uint8Array, type = INDEX): Lie {
  return at("/manifests/v1", (_request, response) => reply(response, 200, { "content-type": type }, bytes));
}

function index(manifests: unknown[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
}

const child = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
const loop = { mediaType: INDEX, digest: digestOf(new TextEncoder().encode("loop")), size: 300 };

const MISDEEDS: Misdeed[] = [
  {
    name: "another blob than its digest says",
    lie: at(layer.digest, (_request, response) => reply(response, 200, {}, layer.bytes.map((byte) => byte ^ 1))),
    code: 5,
    says: /sha256:\w+ has other bytes than its name says: their digest is sha256:\w+/,
  },
  {
    name: "another manifest than its digest says",
    lie: at(manifest.digest, (_request, response) => give(response, { ...gadget.manifests[1], digest: "" })),
    code: 5,
    says: /has other bytes than its name says/,
  },
  {
    name: "a manifest that is not what the registry itself announces",
    lie: at("/manifests/v1", (_request, response) => give(response, { ...gadget.root, digest: manifest.digest })),
    code: 5,
    says: /was announced as sha256:\w+, but the digest of its bytes is sha256:\w+/,
  },
  {
    name: "a body without end",
    lie: at(layer.digest, (_request, response) => {
      response.writeHead(200);
      sendForever(response);
    }),
    code: 5,
    says: /is longer than announced: more than 1000 bytes came/,
  },
  {
    name: "a body that is announced to be longer than the descriptor says",
    lie: at(layer.digest, (_request, response) => reply(response, 200, {}, new Uint8Array(2000))),
    code: 5,
    says: /has another length than announced: HOST sends 2000 bytes, not 1000/,
  },
  {
    name: "a body that is announced to be shorter",
    lie: at(layer.digest, (_request, response) => reply(response, 200, {}, layer.bytes.subarray(1))),
    code: 5,
    says: /has another length than announced: HOST sends 999 bytes, not 1000/,
  },
  {
    name: "a compressed body that nobody asked for",
    lie: at(layer.digest, (_request, response) => reply(response, 200, { "content-encoding": "gzip" }, layer.bytes)),
    code: 1,
    says: /HOST sent sha256:\w+ with Content-Encoding gzip, unasked/,
  },
  {
    name: "a blob that is not there",
    lie: at(layer.digest, (_request, response) => reply(response, 404, {}, '{"errors":[{"code":"BLOB_UNKNOWN"}]}')),
    code: 3,
    says: /GET \/v2\/a\/b\/blobs\/sha256:\w+ at HOST: HTTP 404 Not Found: BLOB_UNKNOWN/,
  },
  {
    name: "404 for the name",
    lie: at(
      "/manifests/v1",
      (_request, response) =>
        reply(
          response,
          404,
          {},
          '{"errors":[{"code":"NAME_UNKNOWN","message":"no\\u001b[31m such","detail":{"name":"a/b"}}]}',
        ),
    ),
    code: 3,
    says: /HTTP 404 Not Found: NAME_UNKNOWN: no\\x1b\[31m such \({"name":"a\/b"}\)/,
  },
  {
    name: "401 without a challenge",
    lie: (_request, response) => reply(response, 401),
    code: 4,
    says: /HOST answers HTTP 401 and does not say how to log in/,
  },
  {
    name: "a challenge whose realm has a foreign scheme",
    lie: (_request, response) => reply(response, 401, { "www-authenticate": 'Bearer realm="file:///etc/shadow"' }),
    code: 5,
    says: /HOST sent a token service's address \(realm\) that is neither https nor http/,
  },
  {
    name: "redirects that never end",
    lie: at("/manifests/v1", (request, response) => reply(response, 302, { location: request.url ?? "" })),
    code: 1,
    says: /more than 10 redirects/,
  },
  {
    name: "a redirect to a file",
    lie: at(layer.digest, (_request, response) => reply(response, 307, { location: "file:///etc/passwd" })),
    code: 5,
    says: /HOST sent a redirect that is neither https nor http/,
  },
  {
    name: "HTML where JSON is due",
    lie: root("<!doctype html><title>Welcome</title>", "text/html; charset=utf-8"),
    code: 1,
    says: /v1 of HOST is not a manifest: it was sent as text\/html/,
  },
  {
    name: "HTML in an error",
    lie: at(
      "/manifests/v1",
      (_request, response) =>
        reply(response, 403, { "content-type": "text/html" }, "<html><title>Portal</title><h1>Pay first</h1></html>"),
    ),
    code: 4,
    says: /HTTP 403 Forbidden: the answer is an HTML page \("Portal"\), not a registry's/,
  },
  {
    name: "a manifest of 5 MiB",
    lie: root(new Uint8Array(5 * 1024 * 1024).fill(32)),
    code: 1,
    says: /v1 of HOST is too large: 5242880 bytes, the limit is 4194304/,
  },
  {
    name: "a manifest of 5 MiB that does not say so",
    lie: at("/manifests/v1", (_request, response) => {
      response.writeHead(200, { "content-type": INDEX });
      sendForever(response);
    }),
    code: 1,
    says: /v1 of HOST is too large/,
  },
  {
    name: "an index of 100,000 children",
    lie: root(index(Array(100_000).fill({ mediaType: "a/b", digest: `sha256:${"0".repeat(64)}`, size: 1 }))),
    code: 1,
    says: /v1 of HOST is too large: \d+ bytes, the limit is 4194304/,
  },
  {
    name: "an index of 10,001 children",
    lie: root(index(Array(10_001).fill({ mediaType: "a/b", digest: `sha256:${"0".repeat(64)}`, size: 1 }))),
    code: 1,
    says: /lists 10001 manifests, the limit is 10000/,
  },
  {
    name: "an index that claims to contain itself",
    lie: (request, response, url) => {
      if (!url.pathname.includes("/manifests/")) return false;
      if (!/v1$|sha256:/.test(url.pathname)) return false;
      return root(index([loop]).padEnd(300))(request, response, new URL("/manifests/v1", url));
    },
    code: 5,
    says: /has other bytes than its name says/,
  },
  {
    name: "a media type that contradicts the content",
    lie: root(gadget.root.bytes, "application/vnd.oci.image.manifest.v1+json"),
    code: 1,
    says:
      /was announced as application\/vnd.oci.image.manifest.v1\+json but says that it is "application\/vnd.oci.image.index/,
  },
  {
    name: "a manifest that can be read as two kinds",
    lie: root(JSON.stringify({ schemaVersion: 2, manifests: [child], config: child, layers: [] })),
    code: 1,
    says: /has the members of another kind of manifest/,
  },
  {
    name: "JSON that nests too deep",
    lie: root("[".repeat(100_000)),
    code: 1,
    says: /nests more than 64 levels/,
  },
  {
    name: "a list of referrers without end",
    lie: (_request, response, url) => {
      if (!url.pathname.includes("/referrers/")) return false;
      const next = Number(url.searchParams.get("page") ?? 0) + 1;
      reply(response, 200, { "content-type": INDEX, "link": `<?page=${next}>; rel="next"` }, index([]));
    },
    code: 1,
    says: /has more than 100 pages/,
  },
];

for (const { name, lie, code, says } of MISDEEDS) {
  Deno.test(`a registry that answers with ${name} is caught, and the store stays clean`, async () => {
    await using server = await startHostileRegistry(gadget, lie);
    await using scratch = await scratchFolder();
    const store = scratch.at("store");
    const image = `${server.host}/a/b:v1`;
    const outcome = await satchel(["image", "pull", image, "--insecure-registries", server.host], { store });
    assert.match(outcome.stderr.replaceAll(server.host, "HOST"), says);
    assert.equal(outcome.code, code, describe(outcome));
    assert.equal(outcome.stdout, "");
    await assertClean(store);
  });
}

/** Nothing is listed, nothing is damaged. */
async function assertClean(store: string): Promise<void> {
  assert.deepEqual(JSON.parse(await satchelSucceeds(["image", "list", "--all", "-o", "json"], { store })), []);
  await satchelSucceeds(["store", "check"], { store });
}

Deno.test("an honest registry of the same kind is pulled from", async () => {
  await using server = await startHostileRegistry(gadget, () => false);
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await satchelSucceeds(["image", "pull", `${server.host}/a/b:v1`, "--insecure-registries", server.host], { store });
  await satchelSucceeds(["store", "check"], { store });
});

Deno.test("a body that is always cut short is tried again, and then told", async () => {
  await using server = await startHostileRegistry(
    gadget,
    at(layer.digest, (_request, response) => {
      response.writeHead(200, { "content-length": String(layer.bytes.length) });
      response.flushHeaders();
      response.write(layer.bytes.subarray(0, 10), () => response.destroy());
    }),
  );
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const image = `${server.host}/a/b:v1`;
  const outcome = await satchel(["image", "pull", image, "--insecure-registries", server.host], { store });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /the connection broke|sent the range/);
  await assertClean(store);
});

Deno.test("the target of a redirect sees neither password nor token", async () => {
  await using storage = await startHostileRegistry(gadget, () => false);
  await using server = await startHostileRegistry(gadget, (request, response, url) => {
    if (url.pathname === "/token") return reply(response, 200, {}, '{"token":"a-token"}');
    if (request.headers.authorization !== "Bearer a-token") {
      return reply(response, 401, { "www-authenticate": `Bearer realm="${url.origin}/token"` });
    }
    if (!url.pathname.includes("/blobs/")) return false;
    reply(response, 307, { location: `http://${storage.host}${url.pathname}` });
  });
  await using scratch = await scratchFolder();
  const authfile = await writeAuthFile(scratch.at("auth.json"), { [server.host]: ACCOUNT });
  const args = ["image", "pull", `${server.host}/a/b:v1`, "--insecure-registries", server.host, "--authfile", authfile];
  const outcome = await satchel([...args, "--debug"], { store: scratch.at("store") });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.ok(storage.received.length > 0);
  assert.deepEqual(storage.received.filter(({ authorization }) => authorization !== undefined), []);
  assert.deepEqual(
    server.received.filter(({ authorization }) => authorization === basic().authorization).map(({ url }) =>
      url.split("?")[0]
    ),
    ["/token"],
  );
  assert.doesNotMatch(outcome.stderr, new RegExp(`a-token|${ACCOUNT.password}|${basic().authorization.slice(6)}`));
});

Deno.test("the target of a redirect that asks for an account gets none, and the pull is denied", async () => {
  await using thief = await startHostileRegistry(
    gadget,
    (_request, response) => reply(response, 401, { "www-authenticate": "Basic realm=x" }),
  );
  await using server = await startHostileRegistry(
    gadget,
    at(layer.digest, (_request, response) => reply(response, 307, { location: `http://${thief.host}/` })),
  );
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const authfile = await writeAuthFile(scratch.at("auth.json"), { [server.host]: ACCOUNT, [thief.host]: ACCOUNT });
  const args = ["image", "pull", `${server.host}/a/b:v1`, "--insecure-registries", server.host, "--authfile", authfile];
  const outcome = await satchel(args, { store });
  assert.equal(outcome.code, 4, describe(outcome));
  assert.deepEqual(thief.received.filter(({ authorization }) => authorization !== undefined), []);
  await assertClean(store);
});
