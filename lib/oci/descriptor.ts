import { SatchelError } from "../error.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { isJsonObject } from "./json.ts";
import { parsePlatform, type Platform } from "./platform.ts";

/** Names an artifact in an index: `ghcr.io/inspektor-gadget/gadget/foo:latest` in `ig`'s store, often a bare tag elsewhere. */
export const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/**
 * Marks an entry of an index.json, an archive's or a store's, whose image has the content of some platforms only:
 * `linux/arm64,linux/amd64`.
 */
export const PLATFORMS_ANNOTATION = "io.satchel.image.platforms";

/** When an artifact was made, RFC 3339. */
export const CREATED_ANNOTATION = "org.opencontainers.image.created";

/** Key-value text that travels with a descriptor or a manifest. */
export type Annotations = Record<string, string>;

/** A typed, sized and hashed pointer to content (image-spec 1.1, descriptor.md). */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** In bytes. */
  size: number;
  urls?: string[];
  annotations?: Annotations;
  platform?: Platform;
  artifactType?: string;
}

/** Media types as RFC 6838 section 4.2 has them; image-spec refers to it. */
const MEDIA_TYPE_GRAMMAR = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/**
 * Checks a descriptor from outside and keeps what satchel knows of it. Embedded `data` is dropped: content always
 * comes from where it was asked for.
 *
 * @param what where the descriptor stands, for the error text
 * @throws {SatchelError} `invalid`
 */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isJsonObject(value)) throw new SatchelError("invalid", `${what} is not a descriptor`);
  const { mediaType, digest, size, urls, artifactType } = value;
  if (typeof mediaType !== "string" || !MEDIA_TYPE_GRAMMAR.test(mediaType)) {
    throw new SatchelError("invalid", `${what} has no valid mediaType`);
  }
  if (typeof digest !== "string") throw new SatchelError("invalid", `${what} has no digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new SatchelError("invalid", `${what} has no valid size`);
  }
  let checked: Digest;
  try {
    checked = parseDigest(digest);
  } catch (cause) {
    throw new SatchelError("invalid", `${what}: ${(cause as Error).message}`, { cause });
  }
  const descriptor: Descriptor = { mediaType, digest: checked, size };
  if (Array.isArray(urls)) descriptor.urls = urls.filter((url): url is string => typeof url === "string");
  const annotations = parseAnnotations(value.annotations);
  if (annotations) descriptor.annotations = annotations;
  const platform = parsePlatform(value.platform);
  if (platform) descriptor.platform = platform;
  if (typeof artifactType === "string" && artifactType !== "") descriptor.artifactType = artifactType;
  return descriptor;
}

/** The text members of an annotations object; `undefined` if there is none. */
export function parseAnnotations(value: unknown): Annotations | undefined {
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries);
}

/** What a digest needs to be fetched and checked, without what a particular parent said about it. */
export function plainDescriptor(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size };
}
