import { posix } from "node:path";
import type { ByteStream, ContentOptions } from "../content/mod.ts";
import { SatchelError, throwIfCancelled } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  Digester,
  digestHex,
  digestOf,
  formatReference,
  isJsonObject,
  type JsonObject,
  MAX_CHILDREN,
  MAX_MANIFEST_SIZE,
  MediaType,
  parseJson,
  parseReference,
} from "../oci/mod.ts";
import { printable } from "../printable.ts";
import type { ArchiveFile, ArchiveFiles } from "./files.ts";
import { type ListedManifest, MAX_ENTRIES } from "./layout.ts";
import { GZIP, startsWith, ZSTD } from "./bytes/magic.ts";
import { readSmall } from "./bytes/read_small.ts";
import type { Contents } from "./source.ts";

// What `docker save` wrote before its archives were image layouts, and `crane pull` and skopeo's `docker-archive:` still write: a
// list of images, each with a config and layers, named by paths. There is no manifest in it; it is made here, of the same
// bytes as `crane push` makes it, so that the image has the digest that it would have in a registry.

/** Lists the images of such an archive. */
export const DOCKER_FILE = "manifest.json";

/** The most images that it may list. */
const MAX_IMAGES = 10_000;

/** The most bytes of manifests that are made for one archive: they are in memory. */
const MAX_MADE = 32 * 1024 * 1024;

const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar";

/** How the bytes of a compressed layer begin, and what its type then ends in. */
const COMPRESSIONS: readonly { magic: readonly number[]; suffix: string }[] = [
  { magic: GZIP, suffix: ".gzip" },
  { magic: ZSTD, suffix: ".zstd" },
];

/** An image as manifest.json lists it. */
interface DockerImage {
  config: string;
  layers: string[];
  names: string[];
}

/** What is known of a config. */
interface DockerConfig {
  digest: Digest;
  size: number;
  diffIds: string[];
}

/** An archive of this form, with the manifests that were made for it. */
export interface DockerArchive {
  listed: ListedManifest[];
  contents: Contents;
  /** Configs and layers. */
  blobs: Pick<Descriptor, "digest" | "size">[];
}

/**
 * Reads an archive of this form. All layers are hashed: nothing says what their digests are.
 *
 * @param prefix of all paths
 * @throws {SatchelError} `invalid`, `integrity` if a file is not what its name or the config says, `cancelled`
 */
export async function readDocker(files: ArchiveFiles, prefix: string, options: ContentOptions): Promise<DockerArchive> {
  const what = `${DOCKER_FILE} of ${files.name}`;
  const file = files.get(prefix + DOCKER_FILE)!;
  const images = parseImages(await readSmall(file, MAX_MANIFEST_SIZE, what, options), what);
  const reader = new DockerReader(files, prefix, options);
  const listed: ListedManifest[] = [];
  for (const [config, same] of byConfig(images)) {
    const read = await reader.readConfig(config);
    for (const image of same) listed.push(...namesOf(image, await reader.manifestOf(read, image)));
  }
  return { listed, contents: reader.contents, blobs: reader.blobs };
}

/** Each config is read once, and one after the other: neither time nor memory grows with how often they are listed. */
function byConfig(images: readonly DockerImage[]): Map<string, DockerImage[]> {
  const groups = new Map<string, DockerImage[]>();
  for (const image of images) {
    const group = groups.get(image.config);
    if (group) group.push(image);
    else groups.set(image.config, [image]);
  }
  return groups;
}

function namesOf({ names }: DockerImage, descriptor: Descriptor): ListedManifest[] {
  if (names.length === 0) return [{ descriptor }];
  return names.map((name) => {
    const containerdName = hubName(name);
    return { descriptor, name, ...(containerdName !== undefined && { containerdName }) };
  });
}

/** In such a list, a name without a registry is one of Docker Hub; `undefined` for what is no name. */
function hubName(name: string): string | undefined {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const hasRegistry = /[.:]/.test(first) || first === "localhost";
  try {
    return formatReference(parseReference(hasRegistry ? name : `docker.io/${name}`));
  } catch {
    return undefined;
  }
}

function parseImages(bytes: Uint8Array, what: string): DockerImage[] {
  const json = parseJson(bytes, what);
  if (!Array.isArray(json)) throw new SatchelError("invalid", `${what} is not a list of images`);
  if (json.length > MAX_IMAGES) {
    throw new SatchelError("invalid", `${what} has ${json.length} images, the limit is ${MAX_IMAGES}`);
  }
  const images = json.map((entry: unknown, at) => parseImage(entry, `${what}, image ${at}`));
  const names = images.reduce((sum, image) => sum + image.names.length, 0);
  if (names > MAX_ENTRIES) throw new SatchelError("invalid", `${what} has ${names} names, the limit is ${MAX_ENTRIES}`);
  return images;
}

function parseImage(json: unknown, what: string): DockerImage {
  if (!isJsonObject(json) || typeof json.Config !== "string") {
    throw new SatchelError("invalid", `${what}, has no Config`);
  }
  return { config: json.Config, layers: textsOf(json, "Layers", what), names: textsOf(json, "RepoTags", what) };
}

function textsOf(json: JsonObject, member: string, what: string): string[] {
  const list = json[member] ?? [];
  if (Array.isArray(list) && list.length <= MAX_CHILDREN && list.every((each) => typeof each === "string")) return list;
  throw new SatchelError("invalid", `${what}: ${member} is not a list of at most ${MAX_CHILDREN} texts`);
}

/** Makes manifests for the images of one archive; a file that several of them share is read once. */
class DockerReader {
  readonly #files: ArchiveFiles;
  readonly #prefix: string;
  readonly #options: ContentOptions;
  readonly #byPath = new Map<string, Descriptor>();
  readonly #byDigest = new Map<Digest, ArchiveFile>();
  /** The manifests that were made. */
  readonly #made = new Map<Digest, Uint8Array>();
  #madeBytes = 0;
  readonly #blobs = new Map<Digest, Pick<Descriptor, "digest" | "size">>();

  constructor(files: ArchiveFiles, prefix: string, options: ContentOptions) {
    this.#files = files;
    this.#prefix = prefix;
    this.#options = options;
  }

  get contents(): Contents {
    return {
      open: (digest, offset, options) => {
        const bytes = this.#made.get(digest);
        return bytes ? streamOf(bytes.subarray(offset)) : this.#byDigest.get(digest)?.open(offset, options);
      },
      has: (digest) => this.#made.has(digest) || this.#byDigest.has(digest),
      size: (digest) => this.#made.get(digest)?.length ?? this.#byDigest.get(digest)?.size,
      place: (digest) => this.#byDigest.get(digest)?.place ?? this.#byDigest.get(digest)?.path,
      file: (digest) => this.#byDigest.get(digest),
    };
  }

  get blobs(): Pick<Descriptor, "digest" | "size">[] {
    return [...this.#blobs.values()];
  }

  async readConfig(path: string): Promise<DockerConfig> {
    const file = this.#find(path);
    const bytes = await readSmall(file, MAX_MANIFEST_SIZE, this.#what(path), this.#options);
    const digest = digestOf(bytes);
    checkName(path, digest, this.#what(path));
    this.#byDigest.set(digest, file);
    this.#blobs.set(digest, { digest, size: bytes.length });
    return { digest, size: bytes.length, diffIds: diffIdsOf(bytes, this.#what(path)) };
  }

  async manifestOf({ digest, size, diffIds }: DockerConfig, { config, layers }: DockerImage): Promise<Descriptor> {
    if (diffIds.length !== layers.length) {
      const found = `${layers.length} layers are listed for it, not ${diffIds.length}`;
      throw new SatchelError("invalid", `${this.#what(config)}: ${found}`);
    }
    const descriptors: Descriptor[] = [];
    for (const [at, path] of layers.entries()) descriptors.push(await this.#layer(path, diffIds[at]));
    // The order of members is that of crane.
    const bytes = new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.dockerManifest,
      config: crane({ mediaType: CONFIG_TYPE, digest, size }),
      layers: descriptors.map(crane),
    }));
    const manifest = digestOf(bytes);
    this.#keep(manifest, bytes);
    return { mediaType: MediaType.dockerManifest, digest: manifest, size: bytes.length };
  }

  #keep(digest: Digest, bytes: Uint8Array): void {
    if (this.#made.has(digest)) return;
    this.#madeBytes += bytes.length;
    if (this.#madeBytes > MAX_MADE) {
      const found = `the manifests of its images take more than ${MAX_MADE} bytes`;
      throw new SatchelError("invalid", `${DOCKER_FILE} of ${this.#files.name} lists too much: ${found}`);
    }
    this.#made.set(digest, bytes);
  }

  async #layer(path: string, diffId: string): Promise<Descriptor> {
    const known = this.#byPath.get(path) ?? await this.#hash(path);
    this.#byPath.set(path, known);
    if (known.mediaType === LAYER_TYPE && known.digest !== diffId) {
      const why = `its digest is ${known.digest}, its image's config says ${printable(diffId, 100)}`;
      throw new SatchelError("integrity", `${this.#what(path)} has other bytes than it should have: ${why}`);
    }
    return known;
  }

  async #hash(path: string): Promise<Descriptor> {
    const file = this.#find(path);
    const digester = new Digester();
    let start = new Uint8Array(0);
    let size = 0;
    for await (const chunk of file.open(0, this.#options)) {
      throwIfCancelled(this.#options.signal);
      if (start.length < 4) start = new Uint8Array([...start, ...chunk.subarray(0, 4)]);
      digester.update(chunk);
      size += chunk.length;
    }
    const digest = digester.digest();
    checkName(path, digest, this.#what(path));
    this.#byDigest.set(digest, file);
    this.#blobs.set(digest, { digest, size });
    const suffix = COMPRESSIONS.find(({ magic }) => startsWith(start, magic))?.suffix ?? "";
    return { mediaType: LAYER_TYPE + suffix, digest, size };
  }

  #find(path: string): ArchiveFile {
    const file = this.#files.get(this.#prefix + path) ?? this.#followed(path);
    if (file) return file;
    throw new SatchelError("invalid", `${this.#what(path)}, listed in ${DOCKER_FILE}, is not there`);
  }

  /** What a link leads to, inside of the archive; one that leads to another link is not followed. */
  #followed(path: string): ArchiveFile | undefined {
    const target = this.#files.link?.(this.#prefix + path);
    if (target === undefined || posix.isAbsolute(target)) return undefined;
    // One that leads out of the archive has no such file in it.
    return this.#files.get(this.#prefix + posix.join(posix.dirname(path), target));
  }

  #what(path: string): string {
    return `${printable(path, 300)} in ${this.#files.name}`;
  }
}

/** Many tools name a file by its digest; then it must be that. */
function checkName(path: string, digest: Digest, what: string): void {
  const [, hex] = /(?:^|[/:])([0-9a-f]{64})(?:\.json|\.tar|\.tar\.gz)?$/.exec(path) ?? [];
  if (hex === undefined || hex === digestHex(digest)) return;
  throw new SatchelError("integrity", `${what} has other bytes than its name says: their digest is ${digest}`);
}

function diffIdsOf(config: Uint8Array, what: string): string[] {
  const json = parseJson(config, what);
  const rootfs = isJsonObject(json) ? json.rootfs : undefined;
  const diffIds = isJsonObject(rootfs) ? rootfs.diff_ids ?? [] : undefined;
  if (Array.isArray(diffIds) && diffIds.every((each) => typeof each === "string")) return diffIds;
  throw new SatchelError("invalid", `${what} is not the config of an image: it has no rootfs.diff_ids`);
}

function crane({ mediaType, size, digest }: Descriptor): Descriptor {
  return { mediaType, size, digest };
}

async function* streamOf(bytes: Uint8Array): ByteStream {
  yield bytes;
}
