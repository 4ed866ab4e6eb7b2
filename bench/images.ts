/** Makes the images that are measured with, as OCI layouts on disk, and puts them into a registry. @module */
import { createHash, randomFillSync } from "node:crypto";

/** What points to content. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { architecture: string; os: string };
  annotations?: Record<string, string>;
}

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const MIB = 1024 * 1024;

/** An OCI layout that is being filled. */
export class Layout {
  readonly #entries: Descriptor[] = [];
  readonly #blobs: Descriptor[] = [];
  readonly #manifests: Descriptor[] = [];

  /** @param path the folder, which is made */
  constructor(readonly path: string) {
    Deno.mkdirSync(`${path}/blobs/sha256`, { recursive: true });
    Deno.writeTextFileSync(`${path}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  }

  /** Every blob, then every manifest, children before parents: the order in which a registry takes them. */
  get contents(): { blobs: readonly Descriptor[]; manifests: readonly Descriptor[] } {
    return { blobs: this.#blobs, manifests: this.#manifests };
  }

  /** The names in index.json. */
  get names(): string[] {
    return this.#entries.flatMap(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] ?? []);
  }

  /** Where the bytes of a digest are. */
  file(digest: string): string {
    return `${this.path}/blobs/sha256/${digest.slice("sha256:".length)}`;
  }

  /** Adds text as a blob. */
  addText(mediaType: string, text: string): Descriptor {
    const descriptor = this.#write(mediaType, new TextEncoder().encode(text));
    this.#blobs.push(descriptor);
    return descriptor;
  }

  /** Adds a blob of random bytes, of which no more than 1 MiB is in memory. It starts as gzip does, since some look. */
  addRandom(mediaType: string, size: number): Descriptor {
    const scratch = `${this.path}/scratch`;
    const block = new Uint8Array(MIB);
    const hash = createHash("sha256");
    using file = Deno.openSync(scratch, { write: true, create: true, truncate: true });
    for (let written = 0; written < size;) {
      const chunk = block.subarray(0, Math.min(MIB, size - written));
      randomFillSync(chunk);
      if (written === 0) chunk.set([0x1f, 0x8b, 0x08].slice(0, chunk.length));
      hash.update(chunk);
      for (let sent = 0; sent < chunk.length;) sent += file.writeSync(chunk.subarray(sent));
      written += chunk.length;
    }
    const descriptor = { mediaType, digest: `sha256:${hash.digest("hex")}`, size };
    Deno.renameSync(scratch, this.file(descriptor.digest));
    this.#blobs.push(descriptor);
    return descriptor;
  }

  /** Adds an image manifest. */
  addManifest(config: Descriptor, layers: Descriptor[], annotations: Record<string, string> = {}): Descriptor {
    return this.#addManifest(MANIFEST, { config, layers, annotations });
  }

  /** Adds an index. */
  addIndex(manifests: Descriptor[], annotations: Record<string, string> = {}): Descriptor {
    return this.#addManifest(INDEX, { manifests, annotations });
  }

  /** Puts a descriptor into index.json, under a name or without one. */
  list(descriptor: Descriptor, name?: string): void {
    const annotations = name === undefined ? undefined : { "org.opencontainers.image.ref.name": name };
    this.#entries.push({ ...descriptor, annotations });
  }

  /** Writes index.json. */
  save(): void {
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: this.#entries };
    Deno.writeTextFileSync(`${this.path}/index.json`, JSON.stringify(index));
  }

  #addManifest(mediaType: string, body: Record<string, unknown>): Descriptor {
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...body });
    const descriptor = this.#write(mediaType, new TextEncoder().encode(text));
    this.#manifests.push(descriptor);
    return descriptor;
  }

  #write(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    Deno.writeFileSync(this.file(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const CREATED = { "org.opencontainers.image.created": "2024-05-06T07:08:09Z" };

/** An image of `count` layers of `size` bytes each. */
export function addLayers(layout: Layout, count: number, size: number): Descriptor {
  const layers = Array.from({ length: count }, () => layout.addRandom(LAYER, size));
  const config = layout.addText("application/vnd.oci.image.config.v1+json", imageConfig(layers));
  return layout.addManifest(config, layers, CREATED);
}

/** A gadget for two architectures, each with a config, a program, its BTF information and a WebAssembly module: 8 blobs. */
export function addGadget(layout: Layout): Descriptor {
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const config = layout.addText("application/vnd.gadget.config.v1+yaml", `name: bench\narch: ${architecture}\n`);
    const layers = [
      layout.addRandom("application/vnd.gadget.ebpf.program.v1+binary", 120 * 1024),
      layout.addRandom("application/vnd.gadget.btfgen.v1+binary", 60 * 1024),
      layout.addRandom("application/vnd.gadget.wasm.program.v1+binary", 300 * 1024),
    ];
    return { ...layout.addManifest(config, layers, CREATED), platform: { architecture, os: "linux" } };
  });
  return layout.addIndex(manifests, CREATED);
}

/** A store of `count` named gadgets for two architectures, no two of them alike, that share their blobs. */
export function fillWithNames(layout: Layout, count: number): void {
  const config = layout.addText("application/vnd.gadget.config.v1+yaml", "name: bench\n");
  const layer = layout.addRandom("application/vnd.gadget.ebpf.program.v1+binary", 1024);
  for (let number = 0; number < count; number++) {
    const annotations = { ...CREATED, "org.opencontainers.image.title": `gadget ${number}` };
    const manifests = ["amd64", "arm64"].map((architecture) => ({
      ...layout.addManifest(config, [layer], { ...annotations, architecture }),
      platform: { architecture, os: "linux" },
    }));
    layout.list(layout.addIndex(manifests, annotations), `registry.example.org/bench/gadget-${number}:v1`);
    for (const manifest of manifests) layout.list(manifest);
  }
}

function imageConfig(layers: Descriptor[]): string {
  // The layers are no real archives, so their uncompressed digests are whatever they are.
  const diffIds = layers.map(({ digest }) => digest);
  return JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: diffIds },
  });
}

/** How much goes to the registry in one request, in bytes. */
const CHUNK = 16 * MIB;

/**
 * Puts all of a layout into a repository of a registry, and the root under a tag. The harness's `pushImage` has every
 * blob in memory, in one request; a layer of gigabytes has to be read from its file piece by piece.
 */
export async function upload(layout: Layout, root: Descriptor, repository: string, tag: string): Promise<void> {
  const base = `http://${repository.replace("/", "/v2/")}`;
  for (const blob of layout.contents.blobs) await uploadBlob(base, layout.file(blob.digest), blob);
  for (const manifest of layout.contents.manifests) {
    const reference = manifest.digest === root.digest ? tag : manifest.digest;
    await request("PUT", `${base}/manifests/${reference}`, 201, {
      body: Deno.readFileSync(layout.file(manifest.digest)),
      headers: { "Content-Type": manifest.mediaType },
    });
  }
}

async function uploadBlob(base: string, path: string, { digest, size }: Descriptor): Promise<void> {
  let location = await request("POST", `${base}/blobs/uploads/`, 202, {});
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(Math.min(CHUNK, size));
  for (let sent = 0; sent < size;) {
    let filled = 0;
    while (filled < buffer.length) {
      const count = file.readSync(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    location = await request("PATCH", location, 202, {
      body: buffer.slice(0, filled),
      headers: { "Content-Type": "application/octet-stream", "Content-Range": `${sent}-${sent + filled - 1}` },
    });
    sent += filled;
  }
  await request("PUT", `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`, 201, {});
}

/** Sends a request, checks the status and gives the absolute `Location` of the answer. */
async function request(method: string, url: string, expected: number, init: RequestInit): Promise<string> {
  const response = await fetch(url, { ...init, method });
  const text = await response.text();
  if (response.status !== expected) throw new Error(`${method} ${url} was answered with ${response.status}: ${text}`);
  return new URL(response.headers.get("Location") ?? "", url).href;
}
