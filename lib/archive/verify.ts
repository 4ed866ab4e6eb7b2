import { type ByteStream, keepingNothing, type Tally, Verifier } from "../content/mod.ts";
import { hasCode, SatchelError, throwIfCancelled } from "../error.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import { type Archive, writtenName } from "./archive.ts";
import { surveyArchive, type SurveyedImage, type SurveyOptions } from "./survey.ts";

/**
 * Something that is wrong with an archive.
 *
 * - `damaged`: the bytes are not what the digest or the size says, or cannot be read
 * - `missing`: an image needs it, and it is not there
 * - `broken`: the archive cannot be read any further, or an image is not what it should be
 */
export interface ArchiveDamage {
  kind: "damaged" | "missing" | "broken";
  /** What is wrong, one sentence. */
  message: string;
  /** The blob or manifest that it is about, where it is one. */
  digest?: Digest;
  /** Its size, in bytes, as its image says, or else as the archive does. */
  size?: number;
  /** The images that need it, by their names as they are written, or by their digests. */
  images: string[];
  /** Where it lies, if that tells more than the archive's name: a volume. */
  place?: string;
}

/** What {@link verifyArchive} found. */
export interface Verification {
  images: number;
  /** What was read and hashed, damaged or not. */
  checked: Tally;
  damage: ArchiveDamage[];
  /** What images need and whoever wrote the archive left out on purpose. */
  leftOut: Tally;
}

/** Options of {@link verifyArchive}. */
export interface VerifyOptions extends SurveyOptions {
  /** What is missing counts as left out on purpose, whatever the archive says. */
  thin?: boolean;
  /** Told how many bytes have been read, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Reads everything in an archive and compares it with its digests, and looks whether all is there that its images need.
 *
 * @throws {SatchelError} `cancelled`
 */
export async function verifyArchive(archive: Archive, options: VerifyOptions = {}): Promise<Verification> {
  const images = await surveyArchive(archive, options);
  const check = new Check(images, archive, options);
  for (const image of images) check.survey(image);
  check.lost();
  if (archive.pour) await check.pour(archive.pour);
  else await check.readAll();
  return check.finish();
}

/** Collects what is found. */
class Check {
  readonly #images: readonly SurveyedImage[];
  readonly #archive: Archive;
  readonly #options: VerifyOptions;
  readonly #manifests = new Map<Digest, Descriptor>();
  readonly #blobs = new Map<Digest, Descriptor>();
  readonly #damage = new Map<string, Omit<ArchiveDamage, "images"> & { users: Set<string> }>();
  readonly #checked: Tally = { blobs: 0, bytes: 0 };
  #usersOf: ReadonlyMap<Digest, readonly string[]> | undefined;
  #missing: Descriptor[] = [];
  #total = 0;

  constructor(images: readonly SurveyedImage[], archive: Archive, options: VerifyOptions) {
    this.#images = images;
    this.#archive = archive;
    this.#options = options;
  }

  /** Takes in what an image needs, or why that is not known. */
  survey({ image, manifests, blobs, failure }: SurveyedImage): void {
    for (const each of manifests) this.#manifests.set(each.digest, each);
    for (const each of blobs) this.#blobs.set(each.digest, each);
    if (!failure) return;
    const { error, descriptor } = failure;
    const isMissing = descriptor && hasCode(error, "not-found");
    const kind = isMissing ? "missing" : hasCode(error, "integrity") ? "damaged" : "broken";
    this.#add(kind, error.message, descriptor, [nameOf({ image })]);
  }

  /** Takes in what belongs to images and cannot be read. */
  lost(): void {
    const byDigest = Map.groupBy(this.#archive.lost ?? [], ({ descriptor }) => descriptor.digest);
    for (const [digest, several] of byDigest) {
      const [{ descriptor, subject, tag }] = several;
      const isThere = this.#archive.holds(descriptor);
      const of = tag === undefined ? `which refers to ${subject}` : tag;
      const images = new Set(several.flatMap((each) => this.#users(each.subject)));
      const message = `${digest} (${of}) is ${isThere ? "damaged" : "missing"}`;
      this.#add(isThere ? "damaged" : "missing", message, descriptor, [...images]);
    }
  }

  /** Of an archive that can be read in any order: all that it has, needed or not, in its order. */
  async readAll(): Promise<void> {
    const present = this.#archive.blobs ?? [];
    this.#total = present.reduce((sum, { size }) => sum + size, 0);
    for (const { digest, size } of present) {
      throwIfCancelled(this.#options.signal);
      const needed = this.#blobs.get(digest) ?? this.#manifests.get(digest);
      const descriptor = { mediaType: needed?.mediaType ?? "application/octet-stream", digest, size };
      if (needed && needed.size !== size) {
        this.#damaged(needed, `${digest} has ${size} bytes, not ${needed.size} as its image says`);
      } else {
        await this.#read(descriptor, this.#archive.source.fetch(descriptor, { signal: this.#options.signal }));
      }
    }
    this.#missing = [...this.#blobs.values()].filter((blob) => !this.#archive.holds(blob));
  }

  /** Of an archive that goes by once: what images need; their manifests have been checked already. */
  async pour(pour: NonNullable<Archive["pour"]>): Promise<void> {
    const { signal } = this.#options;
    for (const { size } of this.#manifests.values()) this.#count(size);
    this.#total = [...this.#blobs.values()].reduce((sum, { size }) => sum + size, this.#checked.bytes);
    const target = keepingNothing({ push: (descriptor, content) => this.#read(descriptor, content.open()) });
    const onDamaged = (descriptor: Descriptor, { message }: SatchelError) => this.#damaged(descriptor, message);
    try {
      this.#missing = (await pour(target, [...this.#blobs.values()], { signal, onDamaged })).missing;
    } catch (error) {
      throwIfCancelled(signal);
      if (!(error instanceof SatchelError)) throw error;
      this.#add("broken", error.message, undefined, []);
    }
  }

  finish(): Verification {
    const { leftOut = 0 } = this.#archive;
    const isLeftOut = this.#options.thin || this.#missing.length <= leftOut;
    if (!isLeftOut) {
      for (const blob of this.#missing) {
        this.#add("missing", `${blob.digest} is missing`, blob, this.#users(blob.digest));
      }
    }
    const bytes = isLeftOut ? this.#missing.reduce((sum, { size }) => sum + size, 0) : 0;
    return {
      images: this.#images.length,
      checked: this.#checked,
      damage: [...this.#damage.values()].map(({ users, ...damage }) => ({ ...damage, images: [...users] })),
      leftOut: { blobs: isLeftOut ? this.#missing.length : 0, bytes },
    };
  }

  /** Reads a blob; what is wrong with it is noted, and the rest of the archive is read all the same. */
  async #read(descriptor: Descriptor, stream: ByteStream): Promise<void> {
    const verifier = new Verifier(descriptor);
    let read = 0;
    try {
      for await (const chunk of stream) {
        throwIfCancelled(this.#options.signal);
        read += chunk.length;
        this.#options.onProgress?.(this.#checked.bytes + read, this.#total);
        verifier.update(chunk);
      }
      verifier.finish();
    } catch (error) {
      throwIfCancelled(this.#options.signal);
      // A disk that cannot be read there may be readable elsewhere; a stream that has ended is at its end.
      const isOfBlob = hasCode(error, "integrity") || (hasCode(error, "storage") && !this.#archive.pour);
      if (!isOfBlob) throw error;
      this.#damaged(descriptor, error.message);
    } finally {
      this.#count(read);
    }
  }

  #count(bytes: number): void {
    this.#checked.blobs++;
    this.#checked.bytes += bytes;
  }

  #damaged(descriptor: Descriptor, message: string): void {
    this.#add("damaged", message, descriptor, this.#users(descriptor.digest));
  }

  #add(kind: ArchiveDamage["kind"], message: string, blob: Descriptor | undefined, images: readonly string[]): void {
    const known = this.#damage.get(blob?.digest ?? message);
    const place = blob && this.#archive.place?.(blob);
    // One manifest may be that of any number of images.
    const users = known?.users ?? new Set();
    for (const each of images) users.add(each);
    this.#damage.set(blob?.digest ?? message, {
      kind,
      message,
      ...(blob && { digest: blob.digest, size: blob.size }),
      users,
      ...(place !== undefined && { place }),
    });
  }

  /** The images that need a piece of content; sorted out when the first is asked for, since most archives are whole. */
  #users(digest: Digest): readonly string[] {
    this.#usersOf ??= usersByDigest(this.#images);
    return this.#usersOf.get(digest) ?? [];
  }
}

function usersByDigest(images: readonly SurveyedImage[]): Map<Digest, string[]> {
  const users = new Map<Digest, string[]>();
  for (const image of images) {
    for (const { digest } of [...image.manifests, ...image.blobs]) {
      const known = users.get(digest);
      if (known) known.push(nameOf(image));
      else users.set(digest, [nameOf(image)]);
    }
  }
  return users;
}

function nameOf({ image }: Pick<SurveyedImage, "image">): string {
  return writtenName(image) ?? image.descriptor.digest;
}
