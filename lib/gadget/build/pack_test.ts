import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readGadgetMetadata } from "../metadata/lenient.ts";
import { ARCHITECTURES } from "./architectures.ts";
import { type ArchitectureParts, type ImageParts, type PackedMetadata, packGadget } from "./pack.ts";

const GADGETS = new URL("../../../tests/fixtures/gadgets/", import.meta.url).pathname;

const names = readdirSync(GADGETS, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
  name
);

function bytesOf(path: string): Uint8Array | undefined {
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}

function metadataOf(bytes: Uint8Array): PackedMetadata {
  const texts = { name: "", description: "", homepageURL: "", documentationURL: "", sourceURL: "" };
  return { ...texts, ...readGadgetMetadata(bytes)!, bytes };
}

function partsOf(folder: string): ImageParts {
  const config = bytesOf(join(folder, "image/config.yaml"));
  const wasm = bytesOf(join(folder, "source/program.wasm"));
  const parts = (architecture: string): ArchitectureParts => {
    const ebpf = bytesOf(join(folder, `objects/${architecture}.bpf.o`));
    return { ...(ebpf && { ebpf }), ...(wasm && { wasm }) };
  };
  return {
    architectures: { amd64: parts("amd64"), arm64: parts("arm64") },
    metadata: config && metadataOf(config),
    created: "2023-11-14T22:13:20Z",
    builderVersion: "v0.0.0",
  };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("there are eleven recorded gadgets", () => assert.equal(names.length, 11));

for (const name of names) {
  Deno.test(`the recorded parts of ${name} become the image that ig made of them`, () => {
    const image = join(GADGETS, name, "image");
    const { index, manifests, blobs } = packGadget(partsOf(join(GADGETS, name)));
    assert.equal(text(index.bytes), readFileSync(join(image, "index.json"), "utf8"));
    assert.equal(index.descriptor.digest, readFileSync(join(image, "digest"), "utf8").trim());
    const recorded = ARCHITECTURES.map((architecture) =>
      readFileSync(join(image, `manifest-${architecture}.json`), "utf8")
    );
    assert.deepEqual(manifests.map(({ bytes }) => text(bytes)), [...new Set(recorded)]);
    const named = manifests.flatMap(({ bytes }) => {
      const { config, layers } = JSON.parse(text(bytes));
      return [config, ...layers].map(({ digest }: { digest: string }) => digest);
    });
    assert.deepEqual(blobs.map(({ descriptor }) => descriptor.digest).sort(), [...new Set(named)].sort());
  });
}

function annotationsFrom(annotations: [string, string][]): string {
  const texts = { name: "n", description: "", homepageURL: "", documentationURL: "", sourceURL: "" };
  const { index } = packGadget({
    architectures: { amd64: {}, arm64: {} },
    metadata: { ...texts, bytes: new Uint8Array(), annotations },
    created: "now",
    builderVersion: "b",
  });
  return text(index.bytes).replace(/^.*"annotations":/, "");
}

Deno.test("annotations are sorted by the bytes of their keys, also those that are numbers", () => {
  const sorted = annotationsFrom([["9", ""], ["10", ""], ["-", ""], ["\u{1F600}", ""], ["\uffee", ""], [
    "__proto__",
    "p",
  ]]);
  const keys = [...sorted.matchAll(/"([^"]*)":"/g)].map(([, key]) => key).filter((key) => !key.includes("."));
  assert.deepEqual(keys, ["-", "10", "9", "__proto__", "\uffee", "\u{1F600}"]);
});

Deno.test("an annotation of gadget.yaml counts more than what satchel says, but for the time", () => {
  const written = annotationsFrom([
    ["org.opencontainers.image.title", "own"],
    ["org.opencontainers.image.created", "own"],
    ["io.inspektor-gadget.builder.version", "own"],
  ]);
  assert.match(written, /title":"own"/);
  assert.match(written, /created":"now"/);
  assert.match(written, /builder\.version":"own"/);
});

Deno.test("the layers of an architecture stand in a fixed order", () => {
  const [btfgen, wasm, ebpf] = [1, 2, 3].map((byte) => new Uint8Array([byte]));
  const { manifests: [amd64, arm64] } = packGadget({
    architectures: { amd64: { btfgen, wasm, ebpf }, arm64: {} },
    metadata: undefined,
    created: "now",
    builderVersion: "b",
  });
  const types = JSON.parse(text(amd64.bytes)).layers.map(({ mediaType }: { mediaType: string }) => mediaType);
  assert.match(types.join(" "), /ebpf.*wasm.*btfgen/);
  assert.deepEqual(JSON.parse(text(arm64.bytes)).layers, []);
});
