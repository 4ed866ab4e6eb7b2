import { attachmentSubject, childrenFor } from "../content/mod.ts";
import { throwIfCancelled } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  isDigest,
  isForeignLayerType,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_SIZE,
  parseManifest,
  type Platform,
  PLATFORMS_ANNOTATION,
  readPlatform,
} from "../oci/mod.ts";
import { nextTurn } from "../runtime/mod.ts";
import { type BlobState, readBlob } from "./blobs.ts";
import { readWhole, statOf } from "../files/mod.ts";
import type { IndexEntry } from "./index_file.ts";
import { blobPath, type Layout } from "./layout.ts";

/** A manifest as it lies in the store. `invalid`: it is what its digest says, but no manifest that satchel can read. */
export interface StoredManifest {
  state: BlobState | "invalid";
  /** Only if the state is `ok`. */
  manifest?: Manifest;
}

/** Reads manifests of one store and remembers them. */
export interface ManifestReader {
  readonly layout: Layout;
  /**
   * To be asked, and waited for if there is an answer, at every step of a loop that may be long, since a hostile store
   * may make it endless: others get their turn then, Ctrl-C among them.
   *
   * @throws {SatchelError} `cancelled`
   */
  turn(): Promise<void> | undefined;
  read(descriptor: Descriptor): StoredManifest;
  /** Every digest that a file which should be a manifest speaks of. */
  guess(descriptor: Descriptor): readonly Descriptor[];
}

/** How long a loop goes on before others get their turn, in milliseconds. */
const TURN = 20;

/** A reader; make a new one for each operation, since others may change the store meanwhile. */
export function manifestReader(layout: Layout, signal: AbortSignal | undefined): ManifestReader {
  const known = new Map<string, StoredManifest>();
  const guesses = new Map<Digest, readonly Descriptor[]>();
  let began = performance.now();
  return {
    layout,
    turn() {
      if (performance.now() - began < TURN) return undefined;
      return nextTurn().then(() => {
        throwIfCancelled(signal);
        began = performance.now();
      });
    },
    read(descriptor) {
      const key = `${descriptor.digest} ${descriptor.mediaType} ${descriptor.size}`;
      let found = known.get(key);
      if (!found) known.set(key, found = readStoredManifest(layout, descriptor));
      return found;
    },
    guess(descriptor) {
      const found = guesses.get(descriptor.digest) ?? guessChildren(layout, descriptor);
      guesses.set(descriptor.digest, found);
      return found;
    },
  };
}

function readStoredManifest(layout: Layout, descriptor: Descriptor): StoredManifest {
  if (descriptor.size > MAX_MANIFEST_SIZE) return { state: "invalid" };
  const { state, bytes } = readBlob(layout, descriptor);
  if (!bytes) return { state };
  try {
    return { state, manifest: parseManifest(bytes, descriptor.mediaType, descriptor.digest) };
  } catch {
    return { state: "invalid" };
  }
}

/** Something that is reached in a graph. */
export interface GraphNode {
  descriptor: Descriptor;
  /** For manifests and indexes. */
  stored?: StoredManifest;
  /**
   * Only a manifest that cannot be read speaks of it, so type and size are not known: enough to keep it, too little to
   * count or to delete it.
   */
  isGuess?: boolean;
}

/** What is tied to a manifest without being below it, for {@link walkGraph} to go on with. */
export type Attached = (subject: Digest) => readonly Descriptor[];

/** How much it matters that something is there; what matters more is walked first, and counts. */
enum Need {
  /** Something is damaged without it. */
  Whole,
  /** The same, of an image that is there for some platforms only. */
  Sparse,
  /** It is for another platform: it belongs to the image where it is there. */
  Optional,
}

/** Something that will be walked. */
interface Waiting {
  node: GraphNode;
  need: Need;
  /** Of a sparse image. */
  platforms?: readonly Platform[];
}

/**
 * The one walk over what the store holds: everything that the roots need, each digest once, parents before children,
 * layers that must stay elsewhere left out, and of images that are there for some platforms only what is not there for
 * others. Nothing is recursive, so no hostile nesting can exhaust the stack.
 *
 * @param attached what belongs to a manifest and is to be walked as well. Default: nothing
 */
export function* walkGraph(
  roots: Iterable<Descriptor>,
  reader: ManifestReader,
  attached: Attached = () => [],
): Generator<GraphNode> {
  const seen = new Set<string>();
  const queues: Waiting[][] = [[], [], []];
  const enqueue = (node: GraphNode, need = Need.Whole, platforms?: readonly Platform[]) =>
    void queues[need].push({ node, need, platforms });
  for (const descriptor of roots) {
    const platforms = sparsePlatforms(descriptor);
    enqueue({ descriptor }, platforms ? Need.Sparse : Need.Whole, platforms);
  }
  for (let next = popFirst(queues); next; next = popFirst(queues)) {
    const { node, need, platforms } = next;
    const { descriptor, isGuess } = node;
    // A digest may be a manifest in one place and a layer in another.
    const key = `${isGuess ? "?" : isManifestType(descriptor.mediaType)} ${descriptor.digest}`;
    if (seen.has(key) || isForeignLayerType(descriptor.mediaType)) continue;
    seen.add(key);
    if (need === Need.Optional && !statOf(blobPath(reader.layout, descriptor.digest))) continue;
    if (!isGuess && isManifestType(descriptor.mediaType)) {
      node.stored = reader.read(descriptor);
      for (const belonging of attached(descriptor.digest)) enqueue({ descriptor: belonging });
    }
    yield node;
    const { manifest } = node.stored ?? {};
    if (manifest) {
      const wanted = new Set(childrenFor(platforms, manifest));
      for (const child of manifest.children) {
        enqueue({ descriptor: child }, wanted.has(child) ? need : Need.Optional, platforms);
      }
    } else if (isGuess || node.stored) {
      for (const guess of reader.guess(descriptor)) enqueue({ descriptor: guess, isGuess: true }, need);
    }
  }
}

function popFirst(queues: readonly Waiting[][]): Waiting | undefined {
  return queues.find(({ length }) => length > 0)?.pop();
}

/** The platforms that an entry says its image has; `undefined` for all. */
export function sparsePlatforms({ annotations }: Descriptor): readonly Platform[] | undefined {
  const text = annotations?.[PLATFORMS_ANNOTATION];
  try {
    return text?.split(",").map(readPlatform);
  } catch {
    return undefined;
  }
}

/**
 * {@link walkGraph}, while others get their turn as well.
 *
 * @throws {SatchelError} `cancelled`
 */
export async function* walkInTurns(
  roots: Iterable<Descriptor>,
  reader: ManifestReader,
  attached?: Attached,
): AsyncGenerator<GraphNode> {
  for (const node of walkGraph(roots, reader, attached)) {
    const turn = reader.turn();
    if (turn) await turn;
    yield node;
  }
}

const DIGESTS_IN_TEXT = /sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})(?![0-9a-f])/g;

/**
 * Every digest that a file which should be a manifest speaks of. What satchel cannot read, because it is damaged or of
 * a kind made after it, may still be needed by somebody, so nothing that it might need is collected.
 */
function guessChildren(layout: Layout, { digest }: Descriptor): Descriptor[] {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readWhole(blobPath(layout, digest), 4 * MAX_MANIFEST_SIZE);
  } catch {
    return [];
  }
  const text = new TextDecoder("latin1").decode(bytes);
  const digests = new Set(text.match(DIGESTS_IN_TEXT)?.filter(isDigest));
  return [...digests].map((guess) => ({ mediaType: "application/octet-stream", digest: guess, size: 0 }));
}

/** What refers to what in a store. */
export interface Attachments {
  /** Manifests whose `subject` is this digest, and what cosign's tags and a fallback index name tie to it. */
  of: Attached;
  /** The subject of a listed manifest: its own `subject`, or the one that its name tells. */
  subjectOf(entry: IndexEntry): Digest | undefined;
}

/** Finds out what refers to what among the listed manifests; the damaged ones refer to nothing. */
export async function findAttachments(entries: readonly IndexEntry[], reader: ManifestReader): Promise<Attachments> {
  const bySubject = new Map<Digest, Descriptor[]>();
  const subjectOf = (entry: IndexEntry): Digest | undefined => {
    const named = entry.name === undefined ? undefined : attachmentSubject(entry.name);
    if (named || !entry.descriptor || !isManifestType(entry.descriptor.mediaType)) return named;
    return reader.read(entry.descriptor).manifest?.subject?.digest;
  };
  for (const entry of entries) {
    const turn = reader.turn();
    if (turn) await turn;
    const subject = subjectOf(entry);
    if (!subject || !entry.descriptor) continue;
    const list = bySubject.get(subject);
    if (list) list.push(entry.descriptor);
    else bySubject.set(subject, [entry.descriptor]);
  }
  return { of: (subject) => bySubject.get(subject) ?? [], subjectOf };
}

/** Where a walk may start: an entry of the index, or any other thing with a descriptor. */
export type Rooted = Pick<IndexEntry, "descriptor">;

/** Every digest that these need, or that belongs to something they need. */
export async function reachable(
  roots: readonly Rooted[],
  reader: ManifestReader,
  attachments: Attachments,
): Promise<Set<Digest>> {
  const descriptors = roots.flatMap(({ descriptor }) => descriptor ?? []);
  const alive = new Set<Digest>();
  for await (const { descriptor } of walkInTurns(descriptors, reader, attachments.of)) alive.add(descriptor.digest);
  return alive;
}
