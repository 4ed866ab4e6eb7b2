import pLimit from "p-limit";
import { hasCode, SatchelError, throwIfCancelled } from "../error.ts";
import {
  type Descriptor,
  type Digest,
  isForeignLayerType,
  isManifestType,
  type Manifest,
  MAX_MANIFEST_SIZE,
  parseManifest,
  plainDescriptor,
  type Platform,
} from "../oci/mod.ts";
import { fromAnyPlace } from "./any_place.ts";
import { type Attachment, attachmentLookUps } from "./attachments.ts";
import { type Budget, createBudget } from "./budget.ts";
import { contentOf, readVerified } from "./bytes.ts";
import { childrenFor } from "./platforms.ts";
import type { ByteStream, Commit, Content, Resolved, Source, Target } from "./content.ts";
import {
  type CopiedAttachment,
  type CopyOptions,
  type CopyResult,
  DEFAULT_CONCURRENCY,
  type Tally,
} from "./copy_options.ts";

/** How many manifests move at the same time. They are small and stand in the way of everything else. */
const MANIFEST_CONCURRENCY = 16;

/** How many look-ups for attachments are under way at the same time; an index of 100 platforms needs 404. */
const LOOKUP_CONCURRENCY = 16;

/** The most warnings of one copy that are passed on one by one. */
const MAX_WARNINGS = 20;

/** A manifest in hand. */
interface LoadedManifest {
  bytes: Uint8Array;
  manifest: Manifest;
  /** The target has it, but not necessarily what is below it. */
  isPresent: boolean;
}

/** Where a manifest stands in the walk. */
interface Position {
  /** The digests on the way from the root, to notice an index that contains itself. */
  ancestors: readonly Digest[];
  /** The target vouches for everything from here on, since it has the manifest above. */
  isBelowPresent?: boolean;
  /** How many manifests refer to each other from the root to here. */
  attachmentDepth: number;
  /** Only these platforms are wanted of what is below. */
  platforms?: readonly Platform[];
}

/** One walk through a graph, from the root's name to the commit. A walk is used once. */
export class GraphWalk {
  readonly #source: Source;
  readonly #target: Target;
  readonly #options: CopyOptions;
  readonly #failure = new AbortController();
  readonly #signal: AbortSignal;
  readonly #transferSlots;
  readonly #manifestSlots = pLimit(MANIFEST_CONCURRENCY);
  readonly #lookUpSlots = pLimit(LOOKUP_CONCURRENCY);

  readonly #budget: Budget;
  #warnings = 0;

  readonly #tasks: Promise<unknown>[] = [];
  readonly #visits = new Map<string, Promise<void>>();
  readonly #commit: Commit = { manifests: [], blobs: [], names: [] };
  readonly #attachments: CopiedAttachment[] = [];
  readonly #transferred: Tally = { blobs: 0, bytes: 0 };
  readonly #present: Tally = { blobs: 0, bytes: 0 };

  constructor(source: Source, target: Target, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#budget = createBudget(source.name);
    this.#transferSlots = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#failure.signal]) : this.#failure.signal;
  }

  /** Copies and commits. When it returns or throws, no transfer is under way any more. */
  async run(reference: string): Promise<CopyResult> {
    try {
      throwIfCancelled(this.#options.signal);
      const [root] = await Promise.all([
        this.#track(this.#source.resolve(reference, { signal: this.#signal })),
        this.#track(this.#target.prepare({ signal: this.#signal })),
      ]);
      const bytes = await this.#visitRoot(root);
      await this.#drain();
      this.#failure.signal.throwIfAborted();
      if (this.#options.tag !== undefined) {
        const { tag, platforms } = this.#options;
        this.#commit.names.push({ tag, descriptor: root.descriptor, bytes, ...(platforms && { platforms }) });
      }
      await this.#target.commit(this.#commit, { signal: this.#signal });
      return {
        root: root.descriptor,
        transferred: this.#transferred,
        present: this.#present,
        attachments: this.#attachments,
      };
    } catch (error) {
      this.#failure.abort(error);
      await this.#drain();
      throwIfCancelled(this.#options.signal);
      throw this.#failure.signal.reason;
    }
  }

  async #visitRoot(root: Resolved): Promise<Uint8Array> {
    const loaded = await this.#load(root.descriptor, root.bytes);
    await this.#track(this.#visitManifest(root.descriptor, loaded, {
      ancestors: [],
      attachmentDepth: 0,
      platforms: this.#options.platforms,
    }));
    return loaded.bytes;
  }

  /** Waits until every task has come to rest, those that others start meanwhile included, however they ended. */
  async #drain(): Promise<void> {
    for (let done = 0; done < this.#tasks.length;) {
      const batch = this.#tasks.slice(done);
      await Promise.allSettled(batch);
      done += batch.length;
    }
  }

  /** Remembers a task, so that nothing is left running, and stops all others at the first failure. */
  #track<T>(task: Promise<T>): Promise<T> {
    this.#tasks.push(task);
    task.catch((error) => this.#failure.abort(error));
    return task;
  }

  /** Runs `work` for a piece of content unless that has begun already; content is what its digest and size say. */
  #once(descriptor: Descriptor, work: () => Promise<void>): Promise<void> {
    const key = `${isManifestType(descriptor.mediaType)} ${descriptor.digest} ${descriptor.size}`;
    const begun = this.#visits.get(key);
    if (begun) return begun;
    this.#budget.spendNode();
    const visit = work();
    this.#visits.set(key, visit);
    return this.#track(visit);
  }

  #visitManifest(descriptor: Descriptor, loaded: LoadedManifest | undefined, position: Position): Promise<void> {
    if (position.ancestors.includes(descriptor.digest)) {
      throw new SatchelError("invalid", `${descriptor.digest} in ${this.#source.name} contains itself`);
    }
    this.#budget.checkDepth(position.ancestors.length + 1);
    return this.#once(descriptor, () => this.#copyManifest(descriptor, loaded, position));
  }

  async #copyManifest(descriptor: Descriptor, given: LoadedManifest | undefined, position: Position): Promise<void> {
    const loaded = given ?? await this.#load(descriptor);
    const atRest = Promise.withResolvers<void>();
    // While the blobs move, not before: until then all wait for the manifests.
    if (this.#options.referrers ?? true) this.#attach(descriptor, atRest.promise, position.attachmentDepth + 1);
    try {
      await this.#copyLoaded(descriptor, loaded, position);
    } finally {
      atRest.resolve();
    }
  }

  async #copyLoaded(descriptor: Descriptor, loaded: LoadedManifest, position: Position): Promise<void> {
    const { bytes, manifest, isPresent } = loaded;
    const isBelowPresent = position.isBelowPresent || (isPresent && this.#target.manifestsAreComplete);
    const below = { ...position, ancestors: [...position.ancestors, descriptor.digest], isBelowPresent };
    await Promise.all(
      childrenFor(position.platforms, manifest).map((child) => {
        if (isManifestType(child.mediaType)) return this.#visitManifest(child, undefined, below);
        return this.#visitBlob(child, isBelowPresent);
      }),
    );
    throwIfCancelled(this.#signal);
    if (isPresent || isBelowPresent) this.#countPresent(descriptor);
    else await this.#manifestSlots(() => this.#transfer(descriptor, contentOf(bytes)));
    this.#commit.manifests.push({ descriptor, subject: manifest.subject });
  }

  async #visitBlob(blob: Descriptor, isBelowPresent: boolean): Promise<void> {
    if (isForeignLayerType(blob.mediaType)) return;
    await this.#once(blob, async () => {
      if (isBelowPresent || await this.#target.has(blob, { signal: this.#signal })) {
        this.#countPresent(blob);
      } else {
        const open = (offset?: number) => this.#source.fetch(blob, { offset, signal: this.#signal });
        await this.#transferSlots(() => this.#transfer(blob, { open }));
      }
      this.#commit.blobs.push(plainDescriptor(blob));
    });
  }

  /** Gets a manifest from wherever it is nearest, and checks it. */
  #load(descriptor: Descriptor, bytes?: Uint8Array): Promise<LoadedManifest> {
    const what = `${descriptor.digest} in ${this.#source.name}`;
    return this.#manifestSlots(async () => {
      throwIfCancelled(this.#signal);
      this.#budget.spendManifest(descriptor.size);
      if (this.#target.manifestsAreComplete) {
        const [isPresent, found] = await Promise.all([
          this.#target.has(descriptor, { signal: this.#signal }),
          bytes ?? this.#fetchManifest(descriptor),
        ]);
        return { bytes: found, manifest: parseManifest(found, descriptor.mediaType, what), isPresent };
      }
      const local = await this.#target.readManifest(descriptor, { signal: this.#signal });
      const found = local ?? bytes ?? await this.#fetchManifest(descriptor);
      return {
        bytes: found,
        manifest: parseManifest(found, descriptor.mediaType, what),
        isPresent: local !== undefined,
      };
    });
  }

  #fetchManifest(descriptor: Descriptor): Promise<Uint8Array> {
    const fetch = () => this.#source.fetch(descriptor, { signal: this.#signal });
    return fromAnyPlace(this.#source, descriptor, () => readVerified(fetch(), descriptor, MAX_MANIFEST_SIZE));
  }

  async #transfer(descriptor: Descriptor, content: Content): Promise<void> {
    throwIfCancelled(this.#signal);
    const report = (type: "start" | "resumed" | "bytes" | "done" | "mounted", bytes = 0) =>
      this.#options.onProgress?.({ type, descriptor, bytes });
    let isMounted = false;
    const count = (bytes: number) => {
      this.#transferred.bytes += bytes;
      report("bytes", bytes);
    };
    report("start");
    const push = () =>
      this.#target.push(descriptor, { open: (offset) => counted(content.open(offset), count) }, {
        signal: this.#signal,
        onMounted: () => isMounted = true,
        onResumed: (bytes) => report("resumed", bytes),
      });
    await fromAnyPlace(this.#source, descriptor, push);
    if (isMounted) {
      this.#addPresent(descriptor);
      report("mounted");
    } else {
      this.#transferred.blobs++;
      report("done");
    }
  }

  #countPresent(descriptor: Descriptor): void {
    this.#addPresent(descriptor);
    this.#options.onProgress?.({ type: "present", descriptor, bytes: 0 });
  }

  #addPresent(descriptor: Descriptor): void {
    this.#present.blobs++;
    this.#present.bytes += descriptor.size;
  }

  /** Looks for what belongs to a manifest, and copies what is found, while the manifest's own content moves. */
  #attach(subject: Descriptor, subjectAtRest: Promise<void>, depth: number): void {
    for (const lookUp of attachmentLookUps(this.#source, subject, { signal: this.#signal })) {
      const copied = this.#lookUpSlots(lookUp).then(
        (found) => Promise.all(found.map((attachment) => this.#copyAttachment(attachment, subjectAtRest, depth))),
        (error) => this.#tolerateDenied(error, subject),
      );
      void this.#track(copied);
    }
  }

  async #copyAttachment(attachment: Attachment, subjectAtRest: Promise<void>, depth: number): Promise<void> {
    this.#budget.spendAttachment(depth);
    const { subject, tag } = attachment;
    // What the list of referrers says about them is for choosing; the manifest speaks for itself.
    const descriptor = plainDescriptor(attachment.descriptor);
    const loaded = await this.#loadAttachment(attachment);
    if (!loaded) return;
    const { manifest, bytes } = loaded;
    if (tag === undefined && manifest.subject?.digest !== subject.digest) {
      this.#warn(
        `${descriptor.digest} is listed as a referrer of ${subject.digest} but does not refer to it; left out`,
      );
      return;
    }
    // Only the manifest has to come after its subject. The wait is out here, where nobody else waits for it: the
    // attachment may be a part of its own subject.
    await this.#copyBlobsOf(loaded);
    await subjectAtRest;
    await this.#visitManifest(descriptor, loaded, { ancestors: [], attachmentDepth: depth });
    if (tag !== undefined) this.#commit.names.push({ tag, descriptor, bytes });
    this.#attachments.push({ descriptor, subject: subject.digest, artifactType: manifest.artifactType, tag });
  }

  async #copyBlobsOf({ manifest, isPresent }: LoadedManifest): Promise<void> {
    if (isPresent && this.#target.manifestsAreComplete) return;
    const blobs = manifest.children.filter((child) => !isManifestType(child.mediaType));
    await Promise.all(blobs.map((blob) => this.#visitBlob(blob, false)));
  }

  /** A fallback index may still list what was deleted long ago; that is no reason to refuse the image. */
  async #loadAttachment({ descriptor, subject, bytes }: Attachment): Promise<LoadedManifest | undefined> {
    if (!isManifestType(descriptor.mediaType)) {
      this.#warn(`${descriptor.digest}, listed as a referrer of ${subject.digest}, is not a manifest; left out`);
      return undefined;
    }
    try {
      return await this.#load(plainDescriptor(descriptor), bytes);
    } catch (error) {
      if (!hasCode(error, "not-found")) throw error;
      this.#warn(`${descriptor.digest}, listed as a referrer of ${subject.digest}, is not there; left out`);
      return undefined;
    }
  }

  #tolerateDenied(error: unknown, subject: Descriptor): void {
    if (!hasCode(error, "denied")) throw error;
    this.#warn(`Cannot look for what refers to ${subject.digest}: ${error.message}`);
  }

  /** Passes a warning on; a source could cause any number of them. */
  #warn(message: string): void {
    this.#warnings++;
    if (this.#warnings <= MAX_WARNINGS) this.#options.onWarning?.(message);
    else if (this.#warnings === MAX_WARNINGS + 1) {
      this.#options.onWarning?.("There is more of this kind; it is not shown");
    }
  }
}

async function* counted(stream: ByteStream, count: (bytes: number) => void): ByteStream {
  for await (const chunk of stream) {
    count(chunk.length);
    yield chunk;
  }
}
