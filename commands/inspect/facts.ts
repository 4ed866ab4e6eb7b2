import { type SignatureFormat, signatureFormat } from "../../lib/content/signature_format.ts";
import { type Attachment, attachmentLookUps } from "../../lib/content/attachments.ts";
import { SatchelError } from "../../lib/error.ts";
import {
  type Descriptor,
  formatPlatform,
  type Manifest,
  type Platform,
  referrerDescriptor,
  shortDigest,
} from "../../lib/oci/mod.ts";
import type { Inspected } from "./contents.ts";
import type { OpenedImage } from "./open_image.ts";
import { listedManifests, type ReadManifest, readManifest } from "./read_image.ts";

/** A manifest of an index. */
export interface PartFact {
  descriptor: Descriptor;
  platform: Platform | undefined;
  /** Of the manifest and what it lists, in bytes; `undefined` if it was not read. */
  size: number | undefined;
  /** Why its size is not known, if it should be. */
  problem: string | undefined;
}

/** Something that refers to an image. */
export interface AttachmentFact {
  /** With the type of its manifest. */
  descriptor: Descriptor;
  /** How it is kept, if it looks like a signature. Nobody has verified it. */
  format: SignatureFormat | undefined;
  /** The platform of the part that it is for; empty if it is for the whole image. */
  of: string;
}

/** What refers to an image. */
export interface AttachmentFacts {
  found: AttachmentFact[];
  /** Why there may be more. */
  problems: string[];
}

/** How many manifests of an index are read, and looked up what refers to them. */
const MAX_PARTS = 24;

/** How many attachments are told. */
const MAX_ATTACHMENTS = 50;

/** Tells of the manifests of an index, in its order; none if the image is no index. */
export async function partFacts({ image, root, chosen, signal }: Inspected): Promise<PartFact[]> {
  const facts: PartFact[] = [];
  // An index may list a manifest for several platforms, and one has been read already: each is fetched once.
  const known = new Map(chosen && [[chosen.descriptor.digest, Promise.resolve<ReadManifest>(chosen)]]);
  const read = (descriptor: Descriptor) => {
    const reading = known.get(descriptor.digest) ?? readManifest(image.source, descriptor, signal);
    known.set(descriptor.digest, reading);
    return reading;
  };
  for (const descriptor of listedManifests(root.manifest)) {
    const { platform } = descriptor;
    const size = facts.length < MAX_PARTS ? await sizeOf(descriptor, read) : undefined;
    facts.push({ descriptor, platform, size: undefined, problem: undefined, ...size });
  }
  return facts;
}

async function sizeOf(
  descriptor: Descriptor,
  read: (descriptor: Descriptor) => Promise<ReadManifest>,
): Promise<Pick<PartFact, "size" | "problem">> {
  try {
    const { manifest } = await read(descriptor);
    return { size: contentSize(descriptor, manifest), problem: undefined };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { size: undefined, problem: error.code === "not-found" ? "missing" : error.message };
  }
}

/** The bytes of a manifest and of what it lists, each once. */
export function contentSize(descriptor: Descriptor, { children }: Manifest): number {
  const sizes = new Map([descriptor, ...children].map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Looks up what refers to an image, and to its parts. */
export async function attachmentFacts(
  { image, root, chosen, signal }: Inspected,
  parts: readonly PartFact[],
): Promise<AttachmentFacts> {
  // Each look-up is a request or more: on a registry, only for what is shown.
  const looked = image.isRemote
    ? parts.filter(({ descriptor }) => descriptor.digest === chosen?.descriptor.digest)
    : parts.slice(0, MAX_PARTS);
  const subjects = new Map([[root.descriptor.digest, { subject: root.descriptor, of: "" }]]);
  for (const { descriptor, platform } of looked) {
    const of = platform ? formatPlatform(platform) : shortDigest(descriptor.digest);
    if (!subjects.has(descriptor.digest)) subjects.set(descriptor.digest, { subject: descriptor, of });
  }
  const facts: AttachmentFacts = { found: [], problems: [] };
  const seen = new Set<string>();
  for (const { subject, of } of subjects.values()) {
    const lookUps = attachmentLookUps(image.source, subject, { signal }).map((lookUp) =>
      lookUp().catch((error) => {
        if (!isFailure(error)) throw error;
        if (!facts.problems.includes(error.message)) facts.problems.push(error.message);
        return [];
      })
    );
    for (const attachment of (await Promise.all(lookUps)).flat()) {
      if (seen.has(attachment.descriptor.digest) || facts.found.length >= MAX_ATTACHMENTS) continue;
      seen.add(attachment.descriptor.digest);
      facts.found.push({ ...await attachmentFact(image, attachment, signal), of });
    }
  }
  return facts;
}

async function attachmentFact(
  { source }: OpenedImage,
  { descriptor, tag, bytes }: Attachment,
  signal: AbortSignal,
): Promise<Omit<AttachmentFact, "of">> {
  let described = descriptor;
  // What a tag names says itself what it is; of a referrer, the list does.
  if (tag !== undefined || descriptor.artifactType === undefined) {
    try {
      const { manifest } = await readManifest(source, descriptor, signal, bytes);
      described = referrerDescriptor(descriptor, manifest);
    } catch (error) {
      if (!isFailure(error)) throw error;
    }
  }
  const { artifactType, annotations } = described;
  return {
    descriptor: described,
    format: signatureFormat({ ...(tag !== undefined && { tag }), artifactType: artifactType ?? "" }, annotations ?? {}),
  };
}

/** Whether something failed that is no reason to tell nothing. */
function isFailure(error: unknown): error is SatchelError {
  return error instanceof SatchelError && error.code !== "cancelled";
}
