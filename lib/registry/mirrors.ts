import { attachmentSubject, type ByteStream, type ContentOptions, type Resolved, type Source } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import { type Descriptor, type Digest, isDigest } from "../oci/mod.ts";
import { everyPlaceFailed } from "./mirror_error.ts";
import { askInOrder, passOver, type Place, type PlaceListener, placeOf, type PlaceOptions } from "./mirror_place.ts";

/** A mirror of a repository. */
export interface MirrorOptions extends PlaceOptions {
  /** Whether it is believed when it says what a tag means, and what refers to an image. */
  resolveTags: boolean;
}

/** Options of {@link openMirrored}. */
export interface MirroredOptions extends PlaceListener {
  /** In the order in which they are asked. */
  mirrors: readonly MirrorOptions[];
  /** The repository itself, which is asked last. */
  registry: PlaceOptions;
  /** The tag that names what is wanted; any other one that can be that of an attachment is one. Default: a digest names it. */
  tag?: string;
}

/** What a place gave. */
export interface Served {
  name: string;
  /** Manifests included. */
  blobs: number;
  bytes: number;
}

/** A repository with its mirrors. */
export interface MirroredSource extends Source {
  distrust(descriptor: Descriptor): boolean;
  /** Who gave how much of what was taken so far, in the order in which they are asked; those that gave nothing are left out. */
  served(): Served[];
}

/** What came of one piece of content from one place. */
interface Share {
  bytes: number;
  /** Whether its end came from there. */
  isLast: boolean;
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
 * - What nobody gives is an error that tells what each place said.
 */
export function openMirrored(
  { mirrors, registry: registryOptions, tag, ...listener }: MirroredOptions,
): MirroredSource {
  const registry = placeOf(registryOptions, false);
  const copies = mirrors.map((mirror) => ({ ...placeOf(mirror, true), resolveTags: mirror.resolveTags }));
  const believed: Place[] = copies.filter(({ resolveTags }) => resolveTags);
  const notBelieved: Place[] = copies.filter(({ resolveTags }) => !resolveTags);
  const everywhere: Place[] = [...copies, registry];
  /** Who gave what came of a piece of content. */
  const givers = new Map<Digest, Map<Place, Share>>();
  /** Who said what the tag means; `undefined` if nobody was asked. */
  let authority: Place | undefined;
  let isWarned = false;

  /** Takes note of who gave a manifest that came with what its name means. */
  function taken({ place, answer }: { place: Place; answer: Resolved }): Resolved {
    const { digest, size } = answer.descriptor;
    givers.set(digest, new Map([[place, { bytes: size, isLast: true }]]));
    return answer;
  }

  async function resolveDigest(digest: Digest, options?: ContentOptions): Promise<Resolved> {
    try {
      return taken(await askInOrder(everywhere, (source) => source.resolve(digest, options), listener));
    } catch (error) {
      throw everyPlaceFailed(everywhere, error);
    }
  }

  async function resolveTag(wanted: string, options?: ContentOptions): Promise<Resolved> {
    const asked = [...believed, registry];
    try {
      const found = await askInOrder(asked, (source) => source.resolve(wanted, options), listener);
      authority = found.place;
      return taken(found);
    } catch (error) {
      throw everyPlaceFailed(asked, error, notBelieved);
    }
  }

  /** Asks who may say what refers to the image. `otherwise` is the answer if nobody can be reached. */
  async function askAuthority<T>(
    question: (source: Source) => Promise<T>,
    otherwise: T,
  ): Promise<{ place: Place; answer: T }> {
    const first = authority === undefined ? [] : [authority];
    const rest = authority === registry ? [] : [...believed.filter((place) => place !== authority), registry];
    const asked = [...first, ...rest];
    try {
      return await askInOrder(asked, question, listener);
    } catch (error) {
      if (!hasCode(error, "network") || authority === registry) throw everyPlaceFailed(asked, error);
      if (!isWarned) listener.onWarning(`What refers to the image is not known: ${error.message}`);
      isWarned = true;
      return { place: registry, answer: otherwise };
    }
  }

  async function* fetchAnywhere(descriptor: Descriptor, offset: number, options: ContentOptions): ByteStream {
    const from = offset === 0 ? new Map<Place, Share>() : givers.get(descriptor.digest) ?? new Map<Place, Share>();
    givers.set(descriptor.digest, from);
    let position = offset;
    for (const place of everywhere) {
      if (place.isOut) continue;
      try {
        for await (const chunk of (await place.source()).fetch(descriptor, { ...options, offset: position })) {
          position += chunk.length;
          addShare(from, place, chunk.length);
          yield chunk;
        }
        addShare(from, place, 0).isLast = true;
        return;
      } catch (error) {
        if (place === registry) throw everyPlaceFailed(everywhere, error);
        passOver(place, error, listener);
      }
    }
  }

  return {
    name: registry.name,

    async resolve(reference, options) {
      if (isDigest(reference)) return await resolveDigest(reference, options);
      if (reference === tag || attachmentSubject(reference) === undefined) return await resolveTag(reference, options);
      // That there is none is an answer too; as an error it would lead to the next place.
      const { place, answer } = await askAuthority((source) => resolveIfThere(source, reference, options), undefined);
      if (answer) return taken({ place, answer });
      throw new SatchelError("not-found", `${registry.name}:${reference} not found`);
    },

    fetch: (descriptor, { offset = 0, ...options } = {}) => fetchAnywhere(descriptor, offset, options),

    referrers: async (subject, options) =>
      (await askAuthority((source) => source.referrers(subject, options), [])).answer,

    async *tags(options) {
      const asked = [...believed, registry];
      try {
        // Two places may know different tags, and half of each list would be neither.
        yield* (await askInOrder(asked, (source) => Array.fromAsync(source.tags(options)), listener)).answer;
      } catch (error) {
        throw everyPlaceFailed(asked, error, notBelieved);
      }
    },

    distrust({ digest }) {
      const suspects = [...givers.get(digest)?.keys() ?? []].filter((place) => place !== registry);
      givers.delete(digest);
      for (const place of suspects) {
        const what = `gave other bytes than those of ${digest}`;
        place.isOut = true;
        place.failure = new SatchelError("integrity", `it ${what}`);
        listener.onDetail(`The mirror ${place.name} ${what}; it is not asked any more`);
      }
      return suspects.length > 0;
    },

    served: () => everywhere.map((place) => servedBy(place, givers.values())).filter(({ bytes }) => bytes > 0),
  };
}

function addShare(from: Map<Place, Share>, place: Place, bytes: number): Share {
  const share = from.get(place) ?? { bytes: 0, isLast: false };
  share.bytes += bytes;
  from.set(place, share);
  return share;
}

function servedBy(place: Place, givers: Iterable<Map<Place, Share>>): Served {
  const shares = [...givers].flatMap((from) => from.get(place) ?? []);
  return {
    name: place.name,
    blobs: shares.filter(({ isLast }) => isLast).length,
    bytes: shares.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function resolveIfThere(source: Source, tag: string, options?: ContentOptions): Promise<Resolved | undefined> {
  try {
    return await source.resolve(tag, options);
  } catch (error) {
    if (hasCode(error, "not-found")) return undefined;
    throw error;
  }
}
