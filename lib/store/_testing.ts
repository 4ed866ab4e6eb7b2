import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { copy, type CopyOptions, type MemoryRepository } from "../content/mod.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isDigest,
  MediaType,
  parseReference,
  type Reference,
} from "../oci/mod.ts";
import { openStore, type Store, type StoreOptions } from "./mod.ts";

// What the tests of the store share: scratch folders, images in memory, and looks at and damage to the files.

/** A folder that is removed at the end of the test, with a store in it that does not exist yet. */
export interface Scratch extends Disposable {
  readonly folder: string;
  /** Where the store is. */
  readonly path: string;
  open(options?: Omit<StoreOptions, "path">): Store;
}

export function scratch(path = "store"): Scratch {
  const folder = mkdtempSync(join(tmpdir(), "satchel-store-"));
  const root = join(folder, path);
  return {
    folder,
    path: root,
    open: (options) => openStore({ path: root, ...options }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A scratch folder with a copy of the store that `ig` made. */
export function scratchOfIg(): Scratch {
  const made = scratch("oci-store");
  const fixture = join(dirname(fileURLToPath(import.meta.url)), "../../tests/fixtures/ig-store.tar");
  run("tar", "-xf", fixture, "-C", made.folder);
  return made;
}

/** Runs a program of the system and returns what it printed. */
export function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

export const ref = (name: string): Reference => parseReference(name);

/** An index of two platforms whose manifests share a config. */
export interface MadeImage {
  index: Descriptor;
  manifests: Descriptor[];
  config: Descriptor;
  layers: Descriptor[];
}

/** Makes an image whose digests depend on `name`; images of one `config` share that blob. */
export function makeImage(source: MemoryRepository, name: string, configText = `name: ${name}`): MadeImage {
  const config = source.add("application/vnd.gadget.config.v1+yaml", configText);
  const architectures = ["amd64", "arm64"];
  const layers = architectures.map((arch) => source.add("application/vnd.gadget.ebpf.program.v1+binary", name + arch));
  const manifests = layers.map((layer) =>
    source.addManifest({
      mediaType: MediaType.ociManifest,
      artifactType: "application/vnd.gadget.v1+binary",
      config,
      layers: [layer],
      annotations: { "org.opencontainers.image.created": "2024-05-06T07:08:09Z" },
    })
  );
  const children = manifests.map((manifest, at) => ({
    ...manifest,
    platform: { architecture: architectures[at], os: "linux" },
  }));
  const index = source.addManifest({ mediaType: MediaType.ociIndex, manifests: children }, name);
  return { index, manifests, config, layers };
}

/** Makes a manifest that refers to `subject`, or that belongs to it by a tag alone. */
export function makeAttachment(source: MemoryRepository, subject: Descriptor, text: string, tag?: string): Descriptor {
  const config = source.add(MediaType.empty, "{}");
  const layer = source.add("application/octet-stream", text);
  const body = {
    mediaType: MediaType.ociManifest,
    artifactType: "application/vnd.example.note",
    config,
    layers: [layer],
  };
  return source.addManifest(tag === undefined ? { ...body, subject } : body, tag);
}

/** Brings what `name` is in the source into the store, under a full name. */
export function pull(source: MemoryRepository, name: string, store: Store, as = name, options: CopyOptions = {}) {
  const reference = ref(as);
  return copy(source, name, store.repository(reference), { tag: reference.tag ?? reference.digest, ...options });
}

export function blobFile(path: string, digest: Digest): string {
  return join(path, "blobs", digestAlgorithm(digest), digestHex(digest));
}

/** The digests of all files under blobs/. */
export function blobsIn(path: string): Digest[] {
  const folder = join(path, "blobs/sha256");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => `sha256:${name}`).filter(isDigest).sort();
}

/** What index.json lists. */
export function entriesIn(path: string): { digest: Digest; name?: string; [member: string]: unknown }[] {
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8"));
  return (manifests ?? []).map((entry: { annotations?: Record<string, string> }) => ({
    ...entry,
    name: entry.annotations?.["org.opencontainers.image.ref.name"],
  }));
}

/** How often a file is written until its time has moved on: each takes microseconds, a tick of the kernel's clock milliseconds. */
const MAX_WRITES = 100_000;

/**
 * Changes a blob's bytes but not its size. The file's time changes with that, also where it was written within the same tick of the kernel's
 * clock, by which nobody could tell the two states apart.
 */
export function damage(path: string, digest: Digest): void {
  const file = blobFile(path, digest);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  const changed = () => statSync(file).ctimeMs;
  const before = changed();
  chmodSync(file, 0o644);
  for (let writes = 0; writes < MAX_WRITES; writes++) {
    writeFileSync(file, bytes);
    if (changed() !== before) return;
  }
  throw new Error(`the time of ${file} does not move on`);
}

export function removeBlob(path: string, digest: Digest): void {
  unlinkSync(blobFile(path, digest));
}

/** Makes a store whose index.json has this text, and nothing else. */
export function writeStore(path: string, index: string): void {
  mkdirSync(join(path, "blobs/sha256"), { recursive: true });
  writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(path, "index.json"), index);
}
