import { readVerified, type Source } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import {
  checkManifest,
  type Descriptor,
  type Digest,
  encodeGoJson,
  isJsonObject,
  type JsonObject,
  MAX_MANIFEST_SIZE,
  parseJson,
  parseManifestJson,
} from "../oci/mod.ts";

/** A larger config is none of cosign's, in bytes. */
const MAX_CONFIG_SIZE = 1024 * 1024;

/** An image manifest that a tag of cosign's stands for. */
export interface TaggedManifest {
  /** All that is in it, to write it again without loss. */
  json: JsonObject;
  layers: readonly unknown[];
  config: Descriptor;
}

/** What a tag of cosign's stands for. */
export interface Tagged {
  digest: Digest;
  /** Absent if a store has the name alone and its manifest is gone. */
  manifest?: TaggedManifest;
}

/**
 * Reads what is tied to an image by a tag.
 *
 * @returns `undefined` if nothing is
 * @throws {SatchelError} `invalid` if it is no image manifest; whatever the source throws
 */
export async function readTagged(
  source: Source,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<Tagged | undefined> {
  const resolved = await found(source.resolve(tag, { signal }));
  if (!resolved) return undefined;
  const { descriptor, bytes } = resolved;
  const { digest, mediaType } = descriptor;
  const content = bytes ??
    await found(readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE));
  if (!content) return { digest };
  const json = parseManifestJson(content, `manifest ${digest}`);
  const { kind, children } = checkManifest(json, mediaType, `manifest ${digest}`);
  if (kind === "image" && Array.isArray(json.layers)) {
    return { digest, manifest: { json, layers: json.layers, config: children[0] } };
  }
  throw new SatchelError("invalid", `what has the tag ${tag} is no image manifest`);
}

/** A config as cosign writes it: no platform, and its layers as the root file system. */
export function taggedConfig(layers: readonly Digest[]): Uint8Array {
  return encoded({
    architecture: "",
    created: "0001-01-01T00:00:00Z",
    history: historyOf(layers),
    os: "",
    rootfs: { type: "layers", diff_ids: layers },
    config: {},
  });
}

/**
 * The config of what a tag stands for, with more layers.
 *
 * @returns `undefined` if it does not list its layers, so that it may stay as it is
 */
export async function extendedConfig(
  source: Source,
  { config, layers: there }: TaggedManifest,
  layers: readonly Digest[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  if (config.size > MAX_CONFIG_SIZE) return undefined;
  const bytes = await found(readVerified(source.fetch(config, { signal }), config, MAX_CONFIG_SIZE));
  const json = bytes && objectOf(bytes);
  const { rootfs, history } = json ?? {};
  if (!isJsonObject(rootfs) || !Array.isArray(rootfs.diff_ids) || rootfs.diff_ids.length !== there.length) {
    return undefined;
  }
  return encoded({
    ...json,
    rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, ...layers] },
    ...(Array.isArray(history) && { history: [...history, ...historyOf(layers)] }),
  });
}

function historyOf(layers: readonly Digest[]): { created: string }[] {
  return layers.map(() => ({ created: "0001-01-01T00:00:00Z" }));
}

function objectOf(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseJson(bytes, "the config");
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (hasCode(error, "invalid")) return undefined;
    throw error;
  }
}

async function found<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(encodeGoJson(value));
}
