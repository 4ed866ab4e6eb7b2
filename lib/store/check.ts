import type { ContentOptions, Tally } from "../content/mod.ts";
import { hasCode } from "../error.ts";
import { type Descriptor, type Digest, digestAlgorithm } from "../oci/mod.ts";
import { type Lock } from "../runtime/mod.ts";
import { hashOpenFile, isNoFile } from "./blobs.ts";
import { openToRead, stampOf, statOf } from "../files/mod.ts";
import { findGarbage, type Finding } from "./garbage.ts";
import { type GraphNode, manifestReader, walkInTurns } from "./graph.ts";
import { type IndexEntry, loadIndex, readIndex } from "./index_file.ts";
import { blobPath, type Layout, lockIndex, storeExists } from "./layout.ts";
import { type BlobFile, listBlobFiles, type Survey, surveyEntries } from "./survey.ts";

/** The result of {@link checkStore}. */
export interface CheckReport {
  /** How many names of images there are. */
  names: number;
  /** What was read and hashed. */
  checked: Tally;
  /** What makes a named image unusable. */
  damage: Finding[];
  /** What only takes up room; `store gc` removes most of it. */
  garbage: Finding[];
}

/** Options of {@link checkStore}. */
export interface CheckOptions extends ContentOptions {
  /** Told how many bytes of the files have been hashed, and how many there are. */
  onProgress?: (done: number, total: number) => void;
}

/** How a file was when it was hashed. */
interface HashedFile {
  size: number;
  isWhole: boolean;
  /** Changes whenever the file is written or replaced. */
  stamp: string;
}

/** How often content that came meanwhile is looked at before the rest is left to the next check. */
const MAX_ROUNDS = 5;

/**
 * Reads and hashes everything in a store and tells damage from garbage. Needs no right to write. Files are hashed
 * without the lock, however long that takes; what is found is then confirmed under it, so that others may pull and
 * remove meanwhile.
 *
 * @throws {SatchelError} `busy`, `storage` if something cannot be read at all, `cancelled`
 */
export async function checkStore(layout: Layout, options: CheckOptions = {}): Promise<CheckReport> {
  const report: CheckReport = { names: 0, checked: { blobs: 0, bytes: 0 }, damage: [], garbage: [] };
  if (!isUsableLayout(layout, report)) return report;
  const hashed = await hashAll(layout, options, report);
  for (let round = 1;; round++) {
    const doubtful = await judge(layout, hashed, options, report);
    // A file that was replaced meanwhile is whole at the second look; one that is damaged stays so.
    if (doubtful.length === 0 || round === MAX_ROUNDS) return report;
    for (const digest of doubtful) {
      const isNew = !hashed.has(digest);
      const found = await rehash(layout, digest, hashed, options);
      if (isNew && found) countFile(report, found.size);
    }
  }
}

function countFile(report: CheckReport, bytes: number): void {
  report.checked.blobs++;
  report.checked.bytes += bytes;
}

function isUsableLayout(layout: Layout, report: CheckReport): boolean {
  try {
    return storeExists(layout);
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    report.damage.push({ kind: "layout", message: error.message, path: layout.layoutFile });
    return false;
  }
}

async function hashAll(
  layout: Layout,
  options: CheckOptions,
  report: CheckReport,
): Promise<Map<Digest, HashedFile>> {
  const files = [...listBlobFiles(layout)].filter((file): file is BlobFile => file.digest !== undefined);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const hashed = new Map<Digest, HashedFile>();
  let done = 0;
  const count = (bytes: number) => options.onProgress?.(done += bytes, total);
  for (const { digest } of files) {
    const found = await rehash(layout, digest, hashed, options, count);
    if (found) countFile(report, found.size);
  }
  return hashed;
}

async function rehash(
  layout: Layout,
  digest: Digest,
  hashed: Map<Digest, HashedFile>,
  options: CheckOptions,
  count?: (bytes: number) => void,
): Promise<HashedFile | undefined> {
  hashed.delete(digest);
  const path = blobPath(layout, digest);
  if (isNoFile(path)) return undefined;
  using file = openToRead(path);
  if (!file) return undefined;
  const onChunk = count && ((chunk: Uint8Array) => count(chunk.length));
  const found = await hashOpenFile(file, path, digestAlgorithm(digest), { signal: options.signal, onChunk });
  const result = { size: file.stat.size, isWhole: found === digest, stamp: stampOf(file.stat) };
  hashed.set(digest, result);
  return result;
}

/**
 * Fills the report by what the index says now.
 *
 * @returns what has to be hashed before the report holds: what an image needs and what came or changed meanwhile
 */
async function judge(
  layout: Layout,
  hashed: Map<Digest, HashedFile>,
  options: CheckOptions,
  report: CheckReport,
): Promise<Digest[]> {
  using lock = await lockIfPossible(layout, options);
  report.damage = [];
  report.garbage = [];
  let entries: readonly IndexEntry[];
  try {
    entries = (lock ? loadIndex(layout) : await readIndex(layout, options.signal)).entries;
  } catch (error) {
    if (!hasCode(error, "invalid")) throw error;
    report.damage.push({ kind: "index", message: error.message, path: layout.indexFile });
    return [];
  }
  const reader = manifestReader(layout, options.signal);
  const survey = await surveyEntries(entries, reader);
  const images = entries.filter((entry) => survey.uses.get(entry) === "image");
  report.names = new Set(images.map(({ name }) => name)).size;
  const judgements = new Map<Digest, Judgement>();
  const users = new Map<Finding, Set<string>[]>();
  for (const { roots, names } of byDigest(images)) {
    for await (const node of walkInTurns(roots, reader, survey.attachments.of)) {
      if (node.isGuess) continue;
      const { digest } = node.descriptor;
      const judgement = judgements.get(digest) ?? judgeNode(layout, node, hashed.get(digest));
      judgements.set(digest, judgement);
      const { finding } = judgement;
      if (finding) addTo(users, finding, names);
    }
  }
  const findings = [...judgements.values()].flatMap(({ finding }) => finding ?? []);
  const union = uniter();
  for (const finding of findings) finding.images = union(users.get(finding) ?? []);
  report.damage = [...invalidEntries(layout, entries, survey), ...findings];
  report.garbage = await findGarbage(layout, entries, survey, reader);
  return [...judgements].filter(([, { isDoubtful }]) => isDoubtful).map(([digest]) => digest);
}

/** The images of a list, each once with all of its names, and as each entry describes it. */
function byDigest(images: readonly IndexEntry[]): { roots: Descriptor[]; names: Set<string> }[] {
  const found = new Map<Digest, { roots: Descriptor[]; names: Set<string> }>();
  for (const { name, descriptor } of images) {
    const known = found.get(descriptor!.digest) ?? { roots: [], names: new Set() };
    known.roots.push(descriptor!);
    known.names.add(name!);
    found.set(descriptor!.digest, known);
  }
  return [...found.values()];
}

function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (!list) lists.set(key, [value]);
  else if (list.at(-1) !== value) list.push(value);
}

/** Joins sets; for the same ones, it gives the same list again: a hostile store has thousands of names and damages. */
function uniter(): (sets: readonly Set<string>[]) => string[] {
  const numbers = new Map<Set<string>, number>();
  const known = new Map<string, string[]>();
  const numberOf = (set: Set<string>) => {
    const number = numbers.get(set) ?? numbers.size;
    numbers.set(set, number);
    return number;
  };
  return (sets) => {
    const key = sets.map(numberOf).join();
    const found = known.get(key) ?? [...new Set(sets.flatMap((set) => [...set]))];
    known.set(key, found);
    return found;
  };
}

/** Without the right to lock there is none to write either; then nobody of this user changes the store. */
async function lockIfPossible(layout: Layout, options: CheckOptions): Promise<Lock | undefined> {
  try {
    return await lockIndex(layout, options.signal);
  } catch (error) {
    if (!hasCode(error, "storage")) throw error;
    return undefined;
  }
}

/** What is to be said of a blob. */
interface Judgement {
  finding?: Finding;
  /** The file is not the one that was hashed. */
  isDoubtful?: boolean;
}

function judgeNode(layout: Layout, { descriptor, stored }: GraphNode, hashed: HashedFile | undefined): Judgement {
  const { digest, size } = descriptor;
  const path = blobPath(layout, digest);
  const found = (kind: Finding["kind"], message: string): Judgement => ({ finding: { kind, message, digest, path } });
  const stat = statOf(path);
  if (!stat) return found("missing", `${digest} is missing`);
  if (!stat.isFile()) return found("altered", `${path} is not a regular file`);
  if (hashed?.stamp !== stampOf(stat)) return { isDoubtful: true };
  if (stat.size !== size) return found("altered", `${digest} has ${stat.size} bytes, ${size} were announced`);
  if (!hashed.isWhole) return found("altered", `${digest} has other bytes than its name says`);
  if (stored?.state !== "invalid") return {};
  return found("unreadable", `${digest} is no manifest that satchel can read, so what it needs was not checked`);
}

function invalidEntries(layout: Layout, entries: readonly IndexEntry[], { uses }: Survey): Finding[] {
  return entries.filter((entry) => uses.get(entry) === "unknown").map(({ raw, name }) => ({
    kind: "entry",
    message: `${layout.indexFile} has an entry that is not a valid descriptor: ${JSON.stringify(raw).slice(0, 200)}`,
    path: layout.indexFile,
    ...(name === undefined ? {} : { images: [name] }),
  }));
}
