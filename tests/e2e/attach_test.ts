import { strict as assert } from "node:assert";
import {
  makeGadget,
  oras,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import { ownKey, sign, SIGNED, storeOf, UNSIGNED } from "./signing_places.ts";

const SPDX = JSON.stringify({ spdxVersion: "SPDX-2.3", name: "app" });

/** With the referrers API, and without. */
const REGISTRIES: Readonly<Record<string, () => Promise<Registry>>> = {
  "satchel serve": startServedRegistry,
  "distribution v3": startRegistry,
};

interface Node {
  digest: string;
  artifactType: string;
  tag: string;
  annotations: Record<string, string>;
  referrers: Node[];
}

async function referrers(image: string, flags: readonly string[], store?: string): Promise<Node[]> {
  const printed = await satchelSucceeds(["image", "referrers", image, "-o", "json", ...flags], { store });
  return JSON.parse(printed).referrers;
}

/** Writes a file and attaches it to an image of a store; returns its type, as it was found out. */
async function attach(scratch: Scratch, store: string, text: string, flags: readonly string[]) {
  const path = scratch.at("file");
  await Deno.writeTextFile(path, text);
  const outcome = await satchel(["image", "attach", UNSIGNED, path, "-o", "json", ...flags], { store });
  return { ...outcome, type: outcome.code === 0 ? String(JSON.parse(outcome.stdout).attached.artifactType) : "" };
}

const base64 = (value: unknown) => btoa(JSON.stringify(value));
const statement = (digest: string) => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "app", digest: { sha256: digest } }],
  predicateType: "https://slsa.dev/provenance/v1",
  predicate: {},
});

Deno.test("what an SBOM or an attestation is, the file tells", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const digest = "95753d38933fe600a9d1a4b322fc921c29ef6df686f1c3e4bffaedb812d70d8a";
  const envelope = { payload: base64(statement(digest)), payloadType: "application/vnd.in-toto+json", signatures: [] };
  const bundle = { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", dsseEnvelope: envelope };
  const cases: [type: "sbom" | "attestation", text: string, expected: string][] = [
    ["sbom", SPDX, "application/spdx+json"],
    ["sbom", '{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}', "application/spdx+json"],
    ["sbom", "# made by hand\nSPDXVersion: SPDX-2.3\n", "text/spdx"],
    ["sbom", '{"bomFormat":"CycloneDX"}', "application/vnd.cyclonedx+json"],
    [
      "sbom",
      '<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>',
      "application/vnd.cyclonedx+xml",
    ],
    ["attestation", JSON.stringify(statement(digest)), "application/vnd.in-toto+json"],
    ["attestation", JSON.stringify(envelope), "application/vnd.dsse.envelope.v1+json"],
    ["attestation", JSON.stringify(bundle), "application/vnd.dev.sigstore.bundle.v0.3+json"],
  ];
  for (const [type, text, expected] of cases) {
    const { type: found, stderr } = await attach(scratch, store, text, ["--type", type]);
    assert.deepEqual([found, stderr], [expected, ""], text);
  }
  const found = await referrers(UNSIGNED, [], store);
  assert.equal(found.length, cases.length);
  await satchelSucceeds(["store", "check"], { store });
});

Deno.test("what is no SBOM and no attestation is refused, and a type has to be one", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const cases: [text: string, flags: string[], message: RegExp][] = [
    ["{}", ["--type", "sbom"], /is no SBOM of a kind that is known/],
    [SPDX, ["--type", "attestation"], /is no attestation of a kind that is known/],
    ["{", ["--type", "sbom"], /is no SBOM/],
    ['{"schema":{"url":{"toString":1}}}', ["--type", "sbom"], /is no SBOM of a kind that is known/],
    [SPDX, [], /--type has to be sbom, attestation or a media type\n/],
    [SPDX, ["--type", "spdx"], /--type has to be .*, not "spdx"/],
    [SPDX, ["--type", "a/b c"], /--type has to be/],
    [SPDX, ["--type", "sbom", "--annotation", "none"], /NAME=VALUE/],
  ];
  for (const [text, flags, message] of cases) {
    const { code, stderr } = await attach(scratch, store, text, flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  assert.deepEqual(await referrers(UNSIGNED, [], store), []);
  const missing = await satchel(["image", "attach", UNSIGNED, scratch.at("nothing"), "--type", "sbom"], { store });
  assert.equal(missing.code, 2);
});

Deno.test("an attestation about something else is told of", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const text = JSON.stringify(statement("0".repeat(64)));
  const { code, stderr } = await attach(scratch, store, text, ["--type", "attestation"]);
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: the attestation is not about sha256:95753d38\w+, but about other digests\n$/);
});

Deno.test("any file is attached by its media type, from stdin too, and the same twice is one", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  const flags = ["--type", "text/plain", "--annotation", "note=a=b", "-o", "json"];
  const words = ["image", "attach", UNSIGNED, "-", ...flags];
  const printed = [];
  for (let time = 0; time < 2; time++) printed.push(await satchelSucceeds(words, { store, stdin: "hello" }));
  assert.equal(printed[0], printed[1]);
  const [{ artifactType, annotations }, ...more] = await referrers(UNSIGNED, [], store);
  assert.deepEqual([artifactType, annotations, more], ["text/plain", { note: "a=b" }, []]);
});

Deno.test("what refers to what refers to an image is a tree, in the store and in an archive", async () => {
  await using scratch = await scratchFolder();
  const store = await storeOf(scratch);
  await attach(scratch, store, SPDX, ["--type", "sbom"]);
  const [{ digest: sbom }] = await referrers(UNSIGNED, [], store);
  const name = `${UNSIGNED.slice(0, UNSIGNED.lastIndexOf(":"))}@${sbom}`;
  await satchelSucceeds(["image", "tag", sbom, `${UNSIGNED}-sbom`], { store });
  assert.equal((await sign(`${UNSIGNED}-sbom`, await ownKey(scratch), [], { store })).code, 0, name);
  const tree = await satchelSucceeds(["image", "referrers", UNSIGNED], { store });
  assert.match(
    tree,
    new RegExp(
      `^${UNSIGNED}@sha256:95753d38\\w+\n` +
        `└── application/spdx\\+json ${sbom}\n` +
        `    └── application/vnd\\.dev\\.sigstore\\.bundle\\.v0\\.3\\+json sha256:\\w{64}\n$`,
    ),
  );
  await satchelSucceeds(["image", "export", UNSIGNED, scratch.at("a.tar")], { store });
  const archived = await satchelSucceeds(["image", "referrers", `archive:${scratch.at("a.tar")}`]);
  assert.equal(archived, tree);
});

Deno.test("what a tag of cosign's ties to an image is listed with the type of its content", async () => {
  await using scratch = await scratchFolder();
  const [{ artifactType, tag }] = await referrers(SIGNED, [], await storeOf(scratch));
  assert.equal(artifactType, "application/vnd.dev.cosign.simplesigning.v1+json");
  assert.match(tag, /^sha256-[0-9a-f]{64}\.sig$/);
});

Deno.test("an image that is not there has nothing that refers to it", async () => {
  const { code, stderr } = await satchel(["image", "referrers", "127.0.0.1:1/nothing:here"]);
  assert.equal(code, 3);
  assert.match(stderr, /\nHint: Pull it, or look at the registry with --remote\.\n$/);
});

for (const [kind, start] of Object.entries(REGISTRIES)) {
  peerTest(["registry", "oras"], `what is attached in ${kind} is found there by oras, to the byte`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await start();
    const gadget = makeGadget();
    await pushImage(registry, "team/app", "v1", gadget);
    await Deno.writeTextFile(scratch.at("app.spdx.json"), SPDX);
    const image = `${registry.host}/team/app:v1`;
    const remote = ["--remote", "--insecure-registries", registry.host];
    await satchelSucceeds(["image", "attach", image, scratch.at("app.spdx.json"), "--type", "sbom", ...remote]);
    const discovered = JSON.parse(await oras(["discover", "--plain-http", "--format", "json", image]));
    const [{ digest, artifactType }] = discovered.referrers;
    assert.equal(artifactType, "application/spdx+json");
    assert.deepEqual((await referrers(image, remote)).map((node) => node.digest), [digest]);
    await oras(["pull", "--plain-http", "-o", scratch.at("out"), `${registry.host}/team/app@${digest}`]);
    assert.equal(await Deno.readTextFile(scratch.at("out", "app.spdx.json")), SPDX);
  });
}
