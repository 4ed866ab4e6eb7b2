import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { SatchelError } from "../../error.ts";
import { type Digest } from "../../oci/mod.ts";
import { asking, Shelf } from "../_testing.ts";
import type { Repositories } from "../repositories.ts";
import { addImage, addIndex, askingPages, GADGET_CONFIG, textOf } from "./_testing.ts";

const CREATED = "2026-01-02T03:04:05Z";

/** A gadget for two platforms, under a tag. */
function addGadget(shelf: Shelf, tag = "v1", repository = "team/app"): { index: Digest; amd64: Digest } {
  const image = (layer: string) =>
    addImage(shelf, { config: "{}", configType: GADGET_CONFIG, layers: [{ content: layer }] });
  const amd64 = image(`${repository} amd64`);
  const index = addIndex(shelf, { amd64, arm64: image(`${repository} for arm64`) }, {
    "org.opencontainers.image.created": CREATED,
  });
  shelf.tag("ghcr.io", repository, tag, index);
  return { index, amd64 };
}

Deno.test("the list has names as clients pull them, with age, platforms, sizes and kind", async () => {
  const shelf = new Shelf();
  const { index } = addGadget(shelf);
  const text = await textOf(await askingPages(shelf)("/"));
  assert.match(text, /1 repository here/);
  assert.match(text, /registry\.test\/ ghcr\.io\/team\/app:v1/);
  assert.ok(text.includes(index.slice("sha256:".length, "sha256:".length + 12)));
  assert.match(text, /a while ago 2026-01-02 03:04 UTC/);
  const size = (digest: Digest) => JSON.parse(new TextDecoder().decode(shelf.manifests.get(digest)!.bytes));
  const [amd64] = size(index).manifests;
  const manifest = size(amd64.digest);
  const whole = amd64.size + manifest.config.size + manifest.layers[0].size;
  assert.match(text, new RegExp(`linux/amd64 ${whole} bytes linux/arm64 \\d+ bytes Gadget not signed`));
});

Deno.test("nothing but the style sheet is allowed, and that by its digest", async () => {
  const shelf = new Shelf();
  addGadget(shelf);
  const ask = askingPages(shelf);
  for (const path of ["/", "/images/ghcr.io/team/app:v1", "/images/nothing:v1", "/?q=x"]) {
    const { headers, ...response } = await ask(path).then(async (response) => ({
      headers: response.headers,
      html: await response.text(),
    }));
    const style = /<style>(.*?)<\/style>/s.exec(response.html)![1];
    const digest = createHash("sha256").update(style).digest("base64");
    const policy = headers.get("Content-Security-Policy")!;
    assert.deepEqual(policy.split("; "), [
      "default-src 'none'",
      `style-src 'sha256-${digest}'`,
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(headers.get("Referrer-Policy"), "no-referrer");
    assert.equal(headers.get("Cache-Control"), "no-cache");
    assert.equal(headers.get("Content-Type"), "text/html; charset=utf-8");
    assert.doesNotMatch(response.html, /<script| style=| on\w+=|<img|<link|<base/i);
  }
});

Deno.test("HEAD is answered like GET without the body, and what a browser has already is not sent again", async () => {
  const shelf = new Shelf();
  addGadget(shelf);
  const ask = askingPages(shelf);
  const get = await ask("/");
  const head = await ask("/", { method: "HEAD" });
  assert.equal(head.headers.get("Content-Length"), String((await get.bytes()).length));
  assert.equal((await head.bytes()).length, 0);
  const again = await ask("/", { headers: { "If-None-Match": get.headers.get("ETag")! } });
  assert.deepEqual([again.status, (await again.bytes()).length], [304, 0]);
  addGadget(shelf, "v2");
  const changed = await ask("/", { headers: { "If-None-Match": get.headers.get("ETag")! } });
  assert.equal(changed.status, 200);
});

Deno.test("pages are only read, and the paths of the API are what they are without pages", async () => {
  const shelf = new Shelf();
  addGadget(shelf);
  const [withPages, without] = [askingPages(shelf), asking(shelf)];
  const posted = await withPages("/", { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("Allow")], [405, "GET, HEAD"]);
  for (
    const path of ["/v2/", "/v2", "/v2/_catalog", "/v2/ghcr.io/team/app/tags/list", "/v2/x", "/favicon.ico", "/image"]
  ) {
    const [one, other] = [await withPages(path), await without(path)];
    assert.deepEqual([one.status, [...one.headers], await one.text()], [
      other.status,
      [...other.headers],
      await other.text(),
    ]);
  }
  assert.equal((await without("/")).status, 404);
});

Deno.test("an image's page is found by tag and by digest, and says in HTML what is not here", async () => {
  const shelf = new Shelf();
  const { index, amd64 } = addGadget(shelf);
  const ask = askingPages(shelf);
  for (const path of ["ghcr.io/team/app:v1", "team/app:v1", `ghcr.io/team/app@${index}`, `other@${amd64}`]) {
    assert.equal((await ask(`/images/${path}`)).status, 200, path);
  }
  for (
    const path of [
      "ghcr.io/team/app:v2",
      "nothing:v1",
      "UPPER/app:v1",
      "a//b:v1",
      `app@sha256:${"0".repeat(64)}`,
      "nothing",
      "%ff:x",
    ]
  ) {
    const response = await ask(`/images/${path}`);
    assert.equal(response.status, 404, path);
    assert.match(await textOf(response), /There is no image of this name here/);
  }
});

Deno.test("a browser at an address of nothing is told so in HTML, and a client of the API as ever", async () => {
  const ask = askingPages(new Shelf());
  const headers = { Accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" };
  const response = await ask("/nope", { headers });
  assert.equal(response.status, 404);
  assert.match(await textOf(response), /There is no page at this address/);
  for (
    const [path, init] of [["/nope", {}], ["/v2/nope", { headers }], ["/nope", { headers, method: "POST" }]] as const
  ) {
    assert.match((await ask(path, init)).headers.get("Content-Type")!, /json/, path);
  }
});

Deno.test("a browser that gave no account is told so in HTML, and asked for one", async () => {
  const ask = askingPages(new Shelf(), { access: { accounts: { check: async () => false } } });
  const response = await ask("/", { headers: { Accept: "text/html" } });
  assert.equal(response.status, 401);
  assert.match(response.headers.get("WWW-Authenticate")!, /^Basic /);
  assert.match(await textOf(response), /This server asks for an account/);
  assert.match((await ask("/v2/", { headers: { Accept: "text/html" } })).headers.get("Content-Type")!, /json/);
});

Deno.test("an image without a tag is the latest, and a search without a find says that alone", async () => {
  const shelf = new Shelf();
  addGadget(shelf);
  shelf.tag("ghcr.io", "team/other", "latest", addImage(shelf));
  const ask = askingPages(shelf);
  assert.equal((await ask("/images/ghcr.io/team/other")).status, 200);
  const text = await textOf(await ask("/?q=zzz"));
  assert.match(text, /0 repositories with “zzz” in the name/);
  assert.doesNotMatch(text, /There is no image with a name/);
  assert.match(await textOf(await askingPages(new Shelf())("/")), /There is no image with a name/);
});

Deno.test("what an image says of itself stays text, however hostile it is", async () => {
  const shelf = new Shelf();
  const hostile = `"><script>alert(1)</script><img src=x onerror='alert(1)'>`;
  const digest = addImage(shelf, {
    artifactType: `application/x"><script>`,
    layers: [{ content: "x", annotations: { "org.opencontainers.image.title": hostile } }],
    annotations: {
      [hostile]: hostile,
      "org.opencontainers.image.title": hostile,
      "org.opencontainers.image.description": `${hostile}\nsecond line \u202egnp.exe`,
      "org.opencontainers.image.created": hostile,
      "org.opencontainers.image.url": "javascript:alert(1)",
      "org.opencontainers.image.documentation": `https://example.org/"onmouseover="alert(1)`,
      "org.opencontainers.image.source": `http://example.org/ok`,
      "org.example.long": "x".repeat(1_000_000),
    },
  });
  shelf.tag("ghcr.io", "team/app", "v1", digest);
  const ask = askingPages(shelf, { tools: { identityOf: () => ({ subject: hostile, issuer: hostile }) } });
  for (const path of ["/", "/images/ghcr.io/team/app:v1", `/?q=${encodeURIComponent(hostile)}`]) {
    const html = await (await ask(path)).text();
    assert.doesNotMatch(html, /<script|<img|javascript:[^<]*"/i, path);
    assert.ok(html.length < 60_000, `${path}: ${html.length}`);
  }
  const html = await (await ask("/images/ghcr.io/team/app:v1")).text();
  const links = [...html.matchAll(/<a href="(https?:[^"]*)" rel="([^"]*)">/g)].map(([, href]) => href);
  assert.deepEqual(links, ["https://example.org/%22onmouseover=%22alert(1)", "http://example.org/ok"]);
  assert.ok(html.includes("second line \\u202egnp.exe"));
});

Deno.test("many images are listed in pages, each once, and what a page needs is read once", async () => {
  const shelf = new Shelf();
  for (let at = 0; at < 60; at++) addGadget(shelf, "v1", `team/app${at}`);
  for (let at = 0; at < 60; at++) addGadget(shelf, `v${at}`, "team/tags");
  const reads: string[] = [];
  const ask = askingPages(shelf, { repositories: counting(shelf.repositories, reads) });
  const found: string[] = [];
  let path: string | undefined = "/";
  let pages = 0;
  while (path !== undefined && ++pages < 10) {
    const html: string = await (await ask(path)).text();
    found.push(...[...html.matchAll(/href="\/images\/([^"]+)"/g)].map(([, image]) => image));
    path = /<a href="([^"]+)" rel="next">/.exec(html)?.[1].replaceAll("&amp;", "&");
  }
  assert.equal(pages, 3);
  assert.equal(found.length, 120);
  assert.equal(new Set(found).size, 120);
  reads.length = 0;
  await (await ask("/")).text();
  const [tags, others] = [reads.filter((each) => each === "v1"), reads.filter((each) => /^sha256:/.test(each))];
  assert.equal(tags.length, 50, "no more than what the page shows");
  assert.equal(others.length, 0, "what is below a digest is known");
});

/** Notes what manifests are asked for, but for cosign's tags. */
function counting(repositories: Repositories, reads: string[]): Repositories {
  return {
    ...repositories,
    at(name) {
      const repository = repositories.at(name);
      const manifest: typeof repository.manifest = (reference, options) => {
        if (!/^sha256-/.test(reference)) reads.push(reference);
        return repository.manifest(reference, options);
      };
      return { ...repository, manifest };
    },
  };
}

Deno.test("names are looked for by a part of them", async () => {
  const shelf = new Shelf();
  addGadget(shelf, "v1", "team/one");
  addGadget(shelf, "v1", "team/two");
  const text = await textOf(await askingPages(shelf)("/?q=TWO"));
  assert.match(text, /team\/two:v1/);
  assert.doesNotMatch(text, /team\/one:v1/);
  assert.match(await textOf(await askingPages(shelf)("/?q=three")), /0 repositories with “three” in the name/);
});

Deno.test("signatures say who made them, and that nobody has verified that", async () => {
  const shelf = new Shelf();
  const { index } = addGadget(shelf);
  const signature = addImage(shelf, {
    layers: [{
      content: "payload",
      annotations: {
        "dev.cosignproject.cosign/signature": "MEUC",
        "dev.sigstore.cosign/certificate": "someone@example.org",
      },
    }, { content: "other", annotations: { "dev.cosignproject.cosign/signature": "MEUC" } }],
  });
  shelf.tag("ghcr.io", "team/app", `${index.replace(":", "-")}.sig`, signature);
  const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const bundle = addImage(shelf, {
    artifactType: bundleType,
    layers: [{
      content: JSON.stringify({ verificationMaterial: { certificate: { rawBytes: btoa("https://ci.test/run") } } }),
    }],
  });
  const notation = addImage(shelf, {
    artifactType: "application/vnd.cncf.notary.signature",
    layers: [{ content: JSON.stringify({ header: { x5c: [btoa("CN=Notary")] } }), mediaType: "application/jose+json" }],
    annotations: { "io.cncf.notary.x509chain.thumbprint#S256": JSON.stringify(["b".repeat(64)]) },
  });
  refer(shelf, index, bundle, bundleType);
  refer(shelf, index, notation, "application/vnd.cncf.notary.signature");
  const ask = askingPages(shelf);
  assert.match(await textOf(await ask("/")), /signed, not verified here 3 referrers/);
  const text = await textOf(await ask("/images/ghcr.io/team/app:v1"));
  assert.match(text, /Not verified by this server/);
  assert.match(text, /cosign, under a tag someone@example\.org https:\/\/issuer\.test/);
  assert.match(text, /cosign, under a tag a key without a name/);
  assert.match(text, /Sigstore bundle https:\/\/ci\.test\/run https:\/\/issuer\.test/);
  assert.match(text, new RegExp(`Notation CN=Notary https://issuer\\.test sha256:${"b".repeat(64)}`));
});

function refer(shelf: Shelf, subject: Digest, digest: Digest, artifactType: string): void {
  const { descriptor } = shelf.manifests.get(digest)!;
  shelf.referrers.set(subject, [...shelf.referrers.get(subject) ?? [], { ...descriptor, artifactType }]);
}

Deno.test("signatures that are no signatures are listed as what they are kept as, and break nothing", async () => {
  for (
    const content of [
      "",
      "[]",
      "null",
      '{"verificationMaterial":5}',
      "{",
      '{"verificationMaterial":{"certificate":{"rawBytes":"%"}}}',
    ]
  ) {
    const shelf = new Shelf();
    const { index } = addGadget(shelf);
    const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    refer(shelf, index, addImage(shelf, { artifactType: type, layers: [{ content }] }), type);
    const text = await textOf(await askingPages(shelf)("/images/ghcr.io/team/app:v1"));
    assert.match(text, /Sigstore bundle a key without a name/, content);
  }
});

Deno.test("what refers to an image is a tree, and one without an end is cut", async () => {
  const shelf = new Shelf();
  const { index, amd64 } = addGadget(shelf);
  const sbom = addImage(shelf, { layers: [{ content: "sbom" }] });
  const attestation = addImage(shelf, { layers: [{ content: "attestation" }] });
  refer(shelf, index, sbom, "application/spdx+json");
  refer(shelf, sbom, attestation, "application/vnd.in-toto+json");
  refer(shelf, attestation, sbom, "application/spdx+json");
  refer(shelf, amd64, addImage(shelf, { layers: [{ content: "note" }] }), "test/note");
  const html = await (await askingPages(shelf)("/images/ghcr.io/team/app:v1")).text();
  const section = /<h2 id="referrers">.*?<\/section>/s.exec(html)![0];
  const tree = section.replace(/<(?!\/?ul)[^>]*>/g, "").replace(/\s+/g, " ").replace(/[0-9a-f]{12}/g, "DIGEST");
  assert.match(
    tree,
    /<ul> Bill of materials \(SPDX\) DIGEST <ul> Attestation DIGEST <\/ul> test\/note of linux\/amd64 DIGEST <\/ul>/,
  );
  for (let at = 0; at < 300; at++) {
    refer(shelf, index, addImage(shelf, { layers: [{ content: `${at}` }] }), "test/note");
  }
  const text = await textOf(await askingPages(shelf)("/images/ghcr.io/team/app:v1"));
  assert.match(text, /There is more than is shown/);
  assert.ok(text.length < 20_000);
});

Deno.test("a gadget's page has its parameters and its fields", async () => {
  const shelf = new Shelf();
  const gadget = {
    name: "trace open",
    description: "Shows which files are opened",
    params: [{
      operator: "ebpf",
      variable: "targ_pid",
      key: "pid",
      alias: "p",
      title: "Process",
      description: "Only this one",
      defaultValue: "0",
      type: "uint32",
      isMandatory: true,
      possibleValues: ["0", "1"],
    }],
    dataSources: [{
      name: "open",
      annotations: [],
      fields: [{ name: "fname", annotations: [["description", "The file"], ["columns.width", "32"]] }],
    }],
    isCut: false,
  };
  const digest = addImage(shelf, { config: JSON.stringify(gadget), configType: GADGET_CONFIG });
  shelf.tag("ghcr.io", "team/app", "v1", digest);
  const text = await textOf(await askingPages(shelf)("/images/ghcr.io/team/app:v1"));
  assert.match(text, /Shows which files are opened/);
  assert.match(text, /pid Process Only this one has to be given; short: -p uint32 0 0 1 ebpf/);
  assert.match(text, /Data source open .* fname The file columns\.width: 32/);
  const unreadable = askingPages(shelf, { tools: { readGadget: async () => undefined } });
  assert.match(
    await textOf(await unreadable("/images/ghcr.io/team/app:v1")),
    /gadget\.yaml is not here, or cannot be read/,
  );
});

Deno.test("what pages read out of blobs may have a digest of sha512", async () => {
  const shelf = new Shelf();
  const config = new TextEncoder().encode(JSON.stringify({ description: "Shows which files are opened" }));
  const digest: Digest = `sha512:${createHash("sha512").update(config).digest("hex")}`;
  shelf.blobs.set(digest, config);
  const described = { mediaType: GADGET_CONFIG, digest, size: config.length };
  const image = shelf.manifest(JSON.stringify({ schemaVersion: 2, config: described, layers: [] }));
  shelf.tag("ghcr.io", "team/app", "v1", image);
  const text = await textOf(await askingPages(shelf)("/images/ghcr.io/team/app:v1"));
  assert.match(text, /Shows which files are opened/);
});

Deno.test("a container image says its platform in its config, and what a sparse one lacks is not here", async () => {
  const shelf = new Shelf();
  const config = JSON.stringify({ os: "linux", architecture: "arm64", variant: "v8", created: CREATED });
  const image = addImage(shelf, { config, configType: "application/vnd.oci.image.config.v1+json" });
  shelf.tag("docker.io", "library/app", "v1", image);
  const missing = `sha256:${"c".repeat(64)}` as const;
  shelf.tag("docker.io", "library/app", "sparse", addIndex(shelf, { arm64: image, amd64: missing }));
  const ask = askingPages(shelf);
  const text = await textOf(await ask("/"));
  assert.match(text, /app:v1 [0-9a-f]{12} a while ago 2026-01-02 03:04 UTC linux\/arm64\/v8 \d+ bytes Container image/);
  assert.match(text, /app:sparse .* linux\/arm64 \d+ bytes linux\/amd64 not here/);
  const own = await textOf(await ask("/images/docker.io/library/app:v1"));
  assert.match(own, /Platform linux\/arm64\/v8 Size \d+ bytes .*podman pull/);
  assert.match(await textOf(await ask("/images/docker.io/library/app:sparse")), /linux\/amd64 not here/);
});

Deno.test("one image that is damaged does not hide the others, and its page says so", async () => {
  const shelf = new Shelf();
  addGadget(shelf, "v1", "team/bad");
  addGadget(shelf, "v1", "team/good");
  const strange = shelf.manifest('{"config":5}');
  shelf.tag("ghcr.io", "team/strange", "v1", strange);
  const told: unknown[] = [];
  const repositories: Repositories = {
    ...shelf.repositories,
    at(name) {
      const repository = shelf.repositories.at(name);
      if (name.repository !== "team/bad") return repository;
      return {
        ...repository,
        manifest: async () => {
          throw new SatchelError("integrity", "damaged in /var/lib/secret");
        },
      };
    },
  };
  const ask = askingPages(shelf, { repositories, tools: { onError: (error) => told.push(error) } });
  const text = await textOf(await ask("/"));
  assert.match(
    text,
    /team\/bad:v1 cannot be read here .*team\/good:v1 [0-9a-f]{12}.*team\/strange:v1 cannot be read here/,
  );
  const page = await ask("/images/ghcr.io/team/bad:v1");
  assert.equal(page.status, 500);
  const said = await textOf(page);
  assert.match(said, /damaged here/);
  assert.doesNotMatch(said, /secret/);
  assert.ok(told.length >= 2);
  assert.equal((await ask("/images/ghcr.io/team/strange:v1")).status, 500);
});
