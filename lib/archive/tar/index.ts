import { posix } from "node:path";
import { SatchelError } from "../../error.ts";
import { type Oddity, oddityText, type TarEntry } from "./entry.ts";
import { entryName } from "./header.ts";

/** What all entries together may take: each the characters of its path and of what it links to, and these for the rest. */
const MAX_NAMES = 48 * 1024 * 1024;
const ENTRY_COST = 128;

/** The most entries that are named in a warning. */
const MAX_NAMED = 3;

/** Files without which an archive is none, also below the folder that somebody has packed from outside of it. */
const FIXED = /^\/*(?:[^/]+\/)?(?:oci-layout|index\.json|manifest\.json|repositories)$/;

const BLOB = /^\/*(?:[^/]+\/)?blobs\/./;

const DIFFERENT = "it is there more than once, and not the same each time";

/** Whether a path is that of one of the files that say what is in an archive. */
export function isFixedPath(path: string): boolean {
  return FIXED.test(path);
}

function matters(path: string): boolean {
  return FIXED.test(path) || BLOB.test(path);
}

/** What is known of the entries of a tar, by their paths. */
export class TarIndex<Known> {
  /** Regular files. */
  readonly files = new Map<string, Known>();
  /** Where symbolic links lead to, exactly as they say, by their paths. */
  readonly links = new Map<string, string>();
  readonly #archive: string;
  /** Why what has these paths must not be read. */
  readonly #refused = new Map<string, string>();
  readonly #passedOver: string[] = [];
  #passedOverCount = 0;
  #names = 0;

  /** @param archive for the error text */
  constructor(archive: string) {
    this.#archive = archive;
  }

  /**
   * Takes in an entry.
   *
   * @param isSame whether it has the same bytes as one that had its path before
   * @throws {SatchelError} `invalid` for one that matters and is not simply a file, and for two that have one path
   */
  async add(entry: TarEntry, known: Known, isSame: (other: Known) => boolean | Promise<boolean>): Promise<void> {
    const { path, oddity } = entry;
    if (oddity?.kind === "folder") return;
    this.#names += path.length + ENTRY_COST + (oddity?.kind === "symlink" ? oddity.target.length : 0);
    if (this.#names > MAX_NAMES) {
      const message = `${this.#archive} has too many entries, or too long ones: what comes from ${entryName(path)} on`;
      throw new SatchelError("invalid", `${message} is more than is kept of any archive`);
    }
    if (oddity) {
      this.#addOdd(entry, oddity);
      return;
    }
    const other = this.files.get(path);
    const hasOdd = this.#refused.has(path) || this.links.has(path);
    if (hasOdd || (other !== undefined && !await isSame(other))) return this.#refuse(path, DIFFERENT);
    if (other === undefined) this.files.set(path, known);
  }

  /**
   * The file at a path.
   *
   * @throws {SatchelError} `invalid` if there is something else
   */
  get(path: string): Known | undefined {
    const refused = this.#refused.get(path);
    if (refused !== undefined) throw this.#error(path, refused);
    return this.files.get(path);
  }

  /**
   * There are different files at a path.
   *
   * @throws {SatchelError} `invalid` if it matters
   */
  refuse(path: string): void {
    this.#refuse(path, DIFFERENT);
  }

  /** What was passed over, in one sentence; `undefined` if nothing was. */
  warning(): string | undefined {
    const odd = [...this.#passedOver];
    let count = this.#passedOverCount;
    for (const [path, target] of this.links) {
      // `docker save` wrote such links for layers that images share.
      if (this.files.has(posix.join(posix.dirname(path), target))) continue;
      if (++count <= MAX_NAMED) odd.push(`${entryName(path)}, since ${oddityText({ kind: "symlink", target })}`);
    }
    if (count === 0) return undefined;
    const more = count - odd.length;
    const named = `${odd.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
    return `In ${this.#archive}, what is not simply a file is passed over: ${named}`;
  }

  #addOdd({ path }: TarEntry, oddity: Oddity): void {
    const isFirst = !this.files.has(path) && !this.links.has(path);
    if (oddity.kind === "symlink" && isFirst && !matters(path)) {
      this.links.set(path, oddity.target);
      return;
    }
    const why = oddityText(oddity);
    this.#refuse(path, isFirst ? why : DIFFERENT);
    if (this.#passedOver.length < MAX_NAMED) this.#passedOver.push(`${entryName(path)}, since ${why}`);
    this.#passedOverCount++;
  }

  #refuse(path: string, why: string): void {
    if (matters(path)) throw this.#error(path, why);
    this.files.delete(path);
    this.links.delete(path);
    this.#refused.set(path, why);
  }

  #error(path: string, why: string): SatchelError {
    return new SatchelError("invalid", `${entryName(path)} in ${this.#archive} cannot be read: ${why}`);
  }
}
