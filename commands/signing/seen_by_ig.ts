import { fallbackTag, readVerified, type Source } from "../../lib/content/mod.ts";
import { hasCode } from "../../lib/error.ts";
import { type Descriptor, MAX_MANIFEST_SIZE, parseManifest } from "../../lib/oci/mod.ts";
import type { AttachTo } from "../../lib/signing/mod.ts";
import type { AttachedReport } from "./attach_place.ts";
import type { PlaceContext } from "./place.ts";

/** The referrers that `ig` reads, in the order in which it looks for them. Before these come those by cosign's tag. */
const REFERRERS = ["application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.sigstore.bundle.v0.3+json"];

/** How many signatures an image has of a kind. */
interface Kind {
  name: string;
  count: number;
}

/**
 * Warns where `ig image verify` will not see a signature that was made: it looks at the first kind alone that it finds, and of that reads a
 * single one. All others take it.
 *
 * @throws {SatchelError} whatever the source throws
 */
export async function warnOfIg(
  { source, subject }: AttachTo,
  made: readonly AttachedReport[],
  { reporter, signal }: PlaceContext,
): Promise<void> {
  const kindsMade = new Set(made.map(({ tag, artifactType }) => tag === "" ? artifactType : tag));
  const tag = `${fallbackTag(subject.digest)}.sig`;
  // Of other kinds, those of notation and of plugins, it is not the question.
  if (![tag, ...REFERRERS].some((kind) => kindsMade.has(kind))) return;
  const kinds = await presentKinds(source, subject, tag, signal);
  const [first] = kinds.filter(({ count }) => count > 0);
  const told = (name: string) => name === tag ? "cosign's tag" : name;
  if (!first) return;
  if (!kindsMade.has(first.name)) {
    reporter.warn(`the image is signed by ${told(first.name)} too; \`ig image verify\` looks at that alone`);
  } else if (first.count > 1) {
    const kind = told(first.name);
    reporter.warn(
      `the image has ${first.count} signatures of one kind (${kind}); \`ig image verify\` reads a single one alone`,
    );
  }
}

async function presentKinds(source: Source, subject: Descriptor, tag: string, signal: AbortSignal): Promise<Kind[]> {
  const [byTag, referrers] = await Promise.all([
    countLayers(source, tag, signal),
    source.referrers(subject, { signal }),
  ]);
  const bySubject = REFERRERS.map((name) => ({
    name,
    count: referrers.filter(({ artifactType }) => artifactType === name).length,
  }));
  return [{ name: tag, count: byTag }, ...bySubject];
}

async function countLayers(source: Source, tag: string, signal: AbortSignal): Promise<number> {
  try {
    const { descriptor, bytes } = await source.resolve(tag, { signal });
    const content = bytes ?? await readVerified(source.fetch(descriptor, { signal }), descriptor, MAX_MANIFEST_SIZE);
    return parseManifest(content, descriptor.mediaType, `manifest ${descriptor.digest}`).children.length - 1;
  } catch (error) {
    if (hasCode(error, "not-found")) return 0;
    throw error;
  }
}
