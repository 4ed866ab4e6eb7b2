import assert from "node:assert/strict";
import { type ByteStream, concatBytes, copy, MemoryRepository, type Source } from "../content/mod.ts";
import { type ErrorCode, SatchelError } from "../error.ts";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import { openMirrored } from "./mirrors.ts";

/** A repository with one image, `v1`, of one layer. */
function repository(name: string, layer = "the layer"): MemoryRepository & { root: Descriptor; layer: Descriptor } {
  const memory = new MemoryRepository(name);
  const config = memory.add("application/vnd.oci.empty.v1+json", "{}");
  const content = memory.add("text/plain", layer);
  const root = memory.addManifest({ mediaType: MediaType.ociManifest, config, layers: [content] }, "v1");
  return Object.assign(memory, { root, layer: content });
}

/** What somebody asked a source for. */
type Asked = string[];

/** A source that remembers what it is asked, and fails as it is told to. */
function watched(
  source: Source,
  asked: Asked,
  fail: (what: string) => ErrorCode | undefined = () => undefined,
): Source {
  const check = (what: string) => {
    asked.push(`${source.name} ${what}`);
    const code = fail(what);
    if (code) throw new SatchelError(code, `${source.name} fails at ${what}`);
  };
  return {
    name: source.name,
    async resolve(reference) {
      check(reference.startsWith("sha256") ? reference.replace(/[0-9a-f]{64}/, "") : reference);
      return await source.resolve(reference);
    },
    async *fetch(descriptor, options) {
      check("fetch");
      yield* source.fetch(descriptor, options);
    },
    async referrers(subject) {
      check("referrers");
      return await source.referrers(subject);
    },
    async *tags() {
      check("tags");
      yield* source.tags();
    },
  };
}

interface Given {
  mirrors: { source: Source; resolveTags?: boolean }[];
  registry: Source;
}

function open({ mirrors, registry }: Given, warnings: string[] = [], details: string[] = []) {
  return openMirrored({
    mirrors: mirrors.map(({ source, resolveTags = false }) => ({
      name: source.name,
      resolveTags,
      open: async () => source,
    })),
    registry: { name: registry.name, open: async () => registry },
    tag: "v1",
    onDetail: (message) => details.push(message),
    onWarning: (message) => warnings.push(message),
  });
}

async function textOf(stream: ByteStream): Promise<string> {
  return new TextDecoder().decode(concatBytes(await Array.fromAsync(stream)));
}

Deno.test("content comes from the mirrors, what a tag means from the registry", async () => {
  const asked: Asked = [];
  const mirror = watched(repository("mirror"), asked);
  const source = open({ mirrors: [{ source: mirror }], registry: watched(repository("registry"), asked) });
  await copy(source, "v1", new MemoryRepository());
  assert.ok(asked.includes("registry v1") && !asked.includes("mirror v1"));
  assert.ok(asked.includes("mirror fetch") && !asked.includes("registry fetch"));
  assert.ok(asked.includes("registry referrers") && !asked.includes("mirror referrers"));
  assert.deepEqual(source.served().map(({ name, blobs }) => [name, blobs]), [["mirror", 2], ["registry", 1]]);
});

Deno.test("a mirror that is believed stands for a registry that is never asked, not even opened", async () => {
  const source = openMirrored({
    mirrors: [{ name: "mirror", resolveTags: true, open: async () => repository("mirror") }],
    registry: { name: "registry", open: () => assert.fail("opened") },
    tag: "v1",
    onDetail: () => {},
    onWarning: assert.fail,
  });
  await copy(source, "v1", new MemoryRepository());
});

Deno.test("of those that are believed, the next one is asked for a tag that the first has not", async () => {
  const asked: Asked = [];
  const [empty, full] = [watched(new MemoryRepository("empty"), asked), watched(repository("full"), asked)];
  const source = open({
    mirrors: [{ source: empty, resolveTags: true }, { source: full, resolveTags: true }],
    registry: watched(repository("registry", "another"), asked),
  });
  await source.resolve("v1");
  await source.referrers(repository("").root);
  assert.deepEqual(asked, ["empty v1", "full v1", "full referrers"]);
});

Deno.test("by digest, a registry that cannot be reached leaves unknown what refers to the image, and says so once", async () => {
  const warnings: string[] = [];
  const image = repository("mirror");
  const away = watched(new MemoryRepository("registry"), [], () => "network");
  const source = open({ mirrors: [{ source: image }], registry: away }, warnings);
  const { root } = await copy(source, image.root.digest, new MemoryRepository());
  assert.equal(root.digest, image.root.digest);
  assert.deepEqual(warnings.length, 1);
  assert.match(warnings[0], /^What refers to the image is not known: registry fails at /);
});

Deno.test("a registry that said what the tag means and is then away ends the copy", async () => {
  const image = repository("mirror");
  const away = watched(repository("registry"), [], (what) => what === "v1" ? undefined : "network");
  const source = open({ mirrors: [{ source: image }], registry: away });
  await assert.rejects(copy(source, "v1", new MemoryRepository()), { code: "network" });
});

Deno.test("an unreachable registry and mirrors that are not believed: the error says what to do", async () => {
  const away = watched(new MemoryRepository("registry"), [], () => "network");
  const source = open({ mirrors: [{ source: repository("mirror") }], registry: away });
  await assert.rejects(source.resolve("v1"), {
    code: "network",
    message: "neither the mirrors nor the registry gave it\n" +
      "the mirror mirror: not asked what a tag means\n" +
      "the registry: registry fails at v1",
    hint: /resolveTags: true/,
  });
});

/** A source that fails in this way whatever it is asked for. */
function failing(name: string, error: SatchelError): Source {
  const fail = () => Promise.reject(error);
  return {
    name,
    resolve: fail,
    async *fetch() {
      yield await fail();
    },
    referrers: fail,
    async *tags() {
      yield await fail();
    },
  };
}

const UNREACHABLE = new SatchelError("network", "no such host", { hint: "Is the name right?" });
const ACCOUNT_MISSING = { reason: "account-missing", role: "mirror", host: "b.example" } as const;

Deno.test("where every place fails the error has a line of each, and what to do is about a mirror", async () => {
  const source = open({
    mirrors: [
      { source: failing("a.example/x", new SatchelError("not-found", "HTTP 404")), resolveTags: true },
      { source: failing("b.example/x", new SatchelError("denied", "HTTP 401", { obstacle: ACCOUNT_MISSING })) },
    ],
    registry: failing("r.example/x", UNREACHABLE),
  });
  const image = repository("");
  const lines = [
    "neither the mirrors nor the registry gave it",
    "the mirror a.example/x: HTTP 404",
    "the mirror b.example/x: HTTP 401",
    "the registry: no such host",
  ];
  const expected = { code: "denied", message: lines.join("\n"), obstacle: ACCOUNT_MISSING, hint: undefined };
  await assert.rejects(source.resolve(image.root.digest), expected);
  await assert.rejects(textOf(source.fetch(image.layer)), expected);
});

Deno.test("mirrors that lack it and a registry out of reach: the image has to be put there", async () => {
  const lacking = failing("a.example/x", new SatchelError("not-found", "HTTP 404"));
  const source = open({
    mirrors: [{ source: lacking, resolveTags: true }],
    registry: failing("r.example/x", UNREACHABLE),
  });
  await assert.rejects(source.resolve("v1"), {
    code: "network",
    hint: "The registry cannot be reached from here: put the image into a.example/x.",
  });
});

Deno.test("what a registry answered decides what to do, whatever its mirrors said", async () => {
  const mirror = failing("a.example/x", new SatchelError("network", "refused", { hint: "Is it running?" }));
  const absent = failing("r.example/x", new SatchelError("not-found", "HTTP 404"));
  const source = open({ mirrors: [{ source: mirror, resolveTags: true }], registry: absent });
  await assert.rejects(source.resolve("v1"), { code: "not-found", hint: undefined, message: /refused\n.*HTTP 404/ });
});

Deno.test("a registry whose certificate is not trusted is there: the way to it is what to do", async () => {
  const obstacle = { reason: "unknown-authority", role: "registry", host: "r.example" } as const;
  const mirror = failing("a.example/x", new SatchelError("not-found", "HTTP 404"));
  const distrusted = failing("r.example/x", new SatchelError("network", "unknown authority", { obstacle }));
  const source = open({ mirrors: [{ source: mirror, resolveTags: true }], registry: distrusted });
  await assert.rejects(source.resolve("v1"), { code: "network", hint: undefined, obstacle });
});

Deno.test("a mirror whose certificates cannot be used is told of by a warning, once", async () => {
  const warnings: string[] = [];
  const mirror = failing("mirror", new SatchelError("usage", "ca.crt holds no certificate"));
  const source = open({ mirrors: [{ source: mirror, resolveTags: true }], registry: repository("registry") }, warnings);
  await copy(source, "v1", new MemoryRepository());
  assert.deepEqual(warnings, ["The mirror mirror is not asked any more: ca.crt holds no certificate"]);
});

Deno.test("an attachment's tag that was asked for by name is resolved as any tag", async () => {
  const image = repository("registry");
  const tag = `sha256-${"0".repeat(64)}.sig`;
  const signature = image.addManifest({ mediaType: MediaType.ociManifest, config: image.layer, layers: [] }, tag);
  const away = failing("mirror", new SatchelError("not-found", "none"));
  const named = openMirrored({
    mirrors: [{ name: "mirror", resolveTags: true, open: async () => away }],
    registry: { name: "registry", open: async () => image },
    tag,
    onDetail: () => {},
    onWarning: assert.fail,
  });
  assert.equal((await named.resolve(tag)).descriptor.digest, signature.digest);
});

for (const code of ["network", "denied", "registry", "not-found", "invalid", "integrity", "refused"] as const) {
  Deno.test(`a mirror that fails by ${code} is passed over`, async () => {
    const asked: Asked = [];
    const mirror = watched(repository("mirror"), asked, () => code);
    const registry = repository("registry");
    const source = open({ mirrors: [{ source: mirror, resolveTags: true }], registry });
    await copy(source, "v1", new MemoryRepository());
    const isOut = code !== "registry" && code !== "not-found";
    assert.equal(asked.length === 1, isOut, asked.join(", "));
  });
}

Deno.test("where a mirror broke off, the next place goes on", async () => {
  const mirror = repository("mirror", "0123456789");
  const breaking: Source = {
    ...watched(mirror, []),
    async *fetch() {
      yield new TextEncoder().encode("01234");
      throw new SatchelError("network", "broken");
    },
  };
  const offsets: (number | undefined)[] = [];
  const registry = repository("registry", "0123456789");
  const noting: Source = {
    ...watched(registry, []),
    fetch(descriptor, options) {
      offsets.push(options?.offset);
      return registry.fetch(descriptor, options);
    },
  };
  const source = open({ mirrors: [{ source: breaking }], registry: noting });
  assert.equal(await textOf(source.fetch(mirror.layer)), "0123456789");
  assert.deepEqual(offsets, [5]);
});

Deno.test("after wrong bytes every mirror that gave some is out, and the registry alone cannot be distrusted", async () => {
  const right = repository("registry");
  const lying: Source = {
    ...watched(right, []),
    name: "mirror",
    async *fetch() {
      yield new TextEncoder().encode("THE LAYER");
    },
  };
  const source = open({ mirrors: [{ source: lying }], registry: right });
  assert.equal(await textOf(source.fetch(right.layer)), "THE LAYER");
  assert.equal(source.distrust(right.layer), true);
  assert.deepEqual(source.served(), [], "what turned out wrong was not served");
  assert.equal(await textOf(source.fetch(right.layer)), "the layer");
  assert.deepEqual(source.served(), [{ name: "registry", blobs: 1, bytes: 9 }]);
  assert.equal(source.distrust(right.layer), false);
});

Deno.test("a copy gets right bytes in the end, of however many mirrors that lie", async () => {
  const right = repository("registry");
  const liar = (name: string): Source => ({
    ...watched(right, []),
    name,
    async *fetch({ size }) {
      yield new Uint8Array(size);
    },
  });
  const source = open({ mirrors: [{ source: liar("a") }, { source: liar("b") }], registry: right });
  const target = new MemoryRepository();
  await copy(source, right.root.digest, target);
  assert.deepEqual(target.contents.get(right.layer.digest), right.contents.get(right.layer.digest));
});

Deno.test("an interruption is nobody's failure", async () => {
  const mirror = watched(repository("mirror"), [], () => "cancelled");
  const source = open({ mirrors: [{ source: mirror, resolveTags: true }], registry: repository("registry") });
  await assert.rejects(source.resolve("v1"), { code: "cancelled" });
});
