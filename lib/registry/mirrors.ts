import { attachmentSubject, type ByteStream, type ContentOptions, type Resolved, type Source } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type Descriptor, type Digest, isDigest } from "../oci/mod.ts";
import { askInOrder, passOver, type Place, placeOf, type PlaceOptions, type Served } from "./mirror_place.ts";

/** A mirror of a repository. */
export interface MirrorOptions extends PlaceOptions {
  /** Whether it is believed when it says what a tag means, and what refers to an image. */
  resolveTags: boolean;
}

/** Options of {@link openMirrored}. */
export interface MirroredOptions {
  /** In the order in which they are asked. */
  mirrors: readonly MirrorOptions[];
  /** The repository itself, which is asked last. */
  registry: PlaceOptions;
  /** Told why a mirror was passed over. */
  onDetail: (message: string) => void;
  /** Told what the user should know though it is no error. */
  onWarning: (message: string) => void;
}

/** A repository with its mirrors. */
export interface MirroredSource extends Source {
  distrust(descriptor: Descriptor): boolean;
  /** Who gave how much so far, in the order in which they are asked; those that gave nothing are left out. */
  served(): Served[];
}

/**
 * Makes one source of a repository and its mirrors.
 *
 * - Content is asked for by its digest, of each mirror in turn and of the registry last. Whoever takes the bytes hashes them, so
 *   nobody has to be believed. A mirror that fails in any way is passed over, and the next place goes on from the byte
 *   that was reached.
 * - What a tag means, and what refers to an image, only the registry can say, and mirrors with `resolveTags`. Who said what the tag
 *   means is also asked what refers to it, and is believed if there is nothing: a site without a way to the registry must not
 *   wait for it.
 */
export function openMirrored(
  { mirrors, registry: registryOptions, onDetail, onWarning }: MirroredOptions,
): MirroredSource {
  const registry = placeOf(registryOptions, false);
  const copies = mirrors.map((mirror) => ({ ...placeOf(mirror, true), resolveTags: mirror.resolveTags }));
  const believed: Place[] = copies.filter(({ resolveTags }) => resolveTags);
  const everywhere: Place[] = [...copies, registry];
  /** Who gave what came of a piece of content. */
  const givers = new Map<Digest, Set<Place>>();
  /** Who said what the tag means; `undefined` if nobody was asked. */
  let authority: Place | undefined;
  let isResolved = false;
  let isWarned = false;

  async function resolveTag(tag: string, options?: ContentOptions): Promise<Resolved> {
    try {
      const { place, answer } = await askInOrder(
        [...believed, registry],
        (source) => source.resolve(tag, options),
        onDetail,
      );
      authority = place;
      return counted(place, answer);
    } catch (error) {
      throw hasCode(error, "network") && believed.length < copies.length ? withoutWord(error) : error;
    }
  }

  /** Asks who may say what refers to the image. `otherwise` is the answer if nobody can be reached. */
  async function askAuthority<T>(
    question: (source: Source) => Promise<T>,
    otherwise: T,
  ): Promise<{ place: Place; answer: T }> {
    const first = authority === undefined ? [] : [authority];
    const rest = authority === registry ? [] : [...believed.filter((place) => place !== authority), registry];
    try {
      return await askInOrder([...first, ...rest], question, onDetail);
    } catch (error) {
      if (!hasCode(error, "network") || authority === registry) throw error;
      if (!isWarned) onWarning(`What refers to the image is not known: ${error.message}`);
      isWarned = true;
      return { place: registry, answer: otherwise };
    }
  }

  async function* fetchAnywhere(descriptor: Descriptor, offset: number, options: ContentOptions): ByteStream {
    const from = offset === 0 ? new Set<Place>() : givers.get(descriptor.digest) ?? new Set();
    givers.set(descriptor.digest, from);
    let position = offset;
    for (const place of everywhere) {
      if (place.isOut) continue;
      try {
        for await (const chunk of (await place.source()).fetch(descriptor, { ...options, offset: position })) {
          from.add(place);
          position += chunk.length;
          place.bytes += chunk.length;
          yield chunk;
        }
        place.blobs++;
        return;
      } catch (error) {
        passOver(place, error, onDetail);
      }
    }
  }

  return {
    name: registry.name,

    async resolve(reference, options) {
      const isFirst = !isResolved;
      isResolved = true;
      if (isDigest(reference)) {
        const { place, answer } = await askInOrder(
          everywhere,
          (source) => source.resolve(reference, options),
          onDetail,
        );
        return counted(place, answer);
      }
      if (isFirst || attachmentSubject(reference) === undefined) return await resolveTag(reference, options);
      // That there is none is an answer too; as an error it would lead to the next place.
      const { place, answer } = await askAuthority((source) => resolveIfThere(source, reference, options), undefined);
      if (answer) return counted(place, answer);
      throw new SatchelError("not-found", `${registry.name}:${reference} not found`);
    },

    fetch: (descriptor, { offset = 0, ...options } = {}) => fetchAnywhere(descriptor, offset, options),

    referrers: async (subject, options) =>
      (await askAuthority((source) => source.referrers(subject, options), [])).answer,

    distrust({ digest }) {
      const suspects = [...givers.get(digest) ?? []].filter((place) => place !== registry);
      givers.delete(digest);
      for (const place of suspects) {
        place.isOut = true;
        onDetail(`The mirror ${place.name} gave other bytes than those of ${digest}; it is not asked any more`);
      }
      return suspects.length > 0;
    },

    served: () => everywhere.filter(({ bytes }) => bytes > 0).map(({ name, blobs, bytes }) => ({ name, blobs, bytes })),
  };
}

/** Counts a manifest that came with what its name means. */
function counted(place: Place, resolved: Resolved): Resolved {
  place.blobs++;
  place.bytes += resolved.descriptor.size;
  return resolved;
}

async function resolveIfThere(source: Source, tag: string, options?: ContentOptions): Promise<Resolved | undefined> {
  try {
    return await source.resolve(tag, options);
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}

/** The registry cannot be reached, and there are mirrors whose word does not count. */
function withoutWord(error: SatchelError): SatchelError {
  return new SatchelError("network", `${error.message}; its mirrors were not asked what the tag means`, {
    hint: "Name the image by its digest, or set resolveTags: true for a mirror that you believe about tags.",
    cause: error,
  });
}
