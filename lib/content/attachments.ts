import { hasCode } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  formatReference,
  parseReference,
  type Reference,
} from "../oci/mod.ts";
import type { ContentOptions, Source } from "./content.ts";

/**
 * What cosign appends to `<algorithm>-<hex>` to name what belongs to an image in the image's own repository: signatures,
 * attestations, SBOMs (cosign's tag scheme, older than the referrers API and still its default in places).
 */
const ATTACHMENT_SUFFIXES = [".sig", ".att", ".sbom"] as const;

const ATTACHMENT_TAG = new RegExp(
  `^(sha256-[0-9a-f]{64})(?:${ATTACHMENT_SUFFIXES.join("|").replaceAll(".", "\\.")})?$`,
);

/** How much of a hex digest the fallback tag has; all of it for sha256. */
const FALLBACK_HEX_LENGTH = 64;

/** Something that belongs to a subject. */
export interface Attachment {
  descriptor: Descriptor;
  subject: Descriptor;
  /** The tag that ties it to the subject; `undefined` for a referrer, which names its subject itself. */
  tag?: string;
  /** Its bytes, where the look-up brought them along. */
  bytes?: Uint8Array;
}

/**
 * `sha256-<hex>`: under this tag, registries without the referrers API list what refers to a subject
 * (distribution-spec 1.1, "Referrers Tag Schema").
 */
export function fallbackTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, FALLBACK_HEX_LENGTH)}`;
}

/** The tags under which cosign may have left something for a subject; a whole sha512 digest is too long for a tag. */
export function attachmentTags(subject: Digest): string[] {
  if (digestAlgorithm(subject) !== "sha256") return [];
  return ATTACHMENT_SUFFIXES.map((suffix) => `${fallbackTag(subject)}${suffix}`);
}

/** The subject that such a tag is about; `undefined` for an ordinary tag. The fallback tag of a sha256 digest counts as well. */
export function attachmentSubject(tag: string): Digest | undefined {
  const match = ATTACHMENT_TAG.exec(tag);
  return match ? match[1].replace("-", ":") as Digest : undefined;
}

/** The reference that a full name is, unless it is such a tag, or was written by a tool with other rules. */
export function imageReference(name: string): Reference | undefined {
  if (attachmentSubject(name)) return undefined;
  try {
    const reference = parseReference(name);
    return formatReference(reference) === name ? reference : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The look-ups for what belongs to a subject, to be started at the same time; each brings what it found, which may be
 * nothing.
 */
export function attachmentLookUps(
  source: Source,
  subject: Descriptor,
  options: ContentOptions,
): (() => Promise<Attachment[]>)[] {
  const byTag = attachmentTags(subject.digest).map((tag) => async (): Promise<Attachment[]> => {
    try {
      const { descriptor, bytes } = await source.resolve(tag, options);
      return [{ descriptor, subject, tag, bytes }];
    } catch (error) {
      if (hasCode(error, "not-found")) return [];
      throw error;
    }
  });
  const bySubject = async (): Promise<Attachment[]> => {
    const referrers = await source.referrers(subject, options);
    return referrers.map((descriptor) => ({ descriptor, subject }));
  };
  return [bySubject, ...byTag];
}
