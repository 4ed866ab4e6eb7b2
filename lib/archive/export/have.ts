import { gunzipSync } from "node:zlib";
import { SatchelError } from "../../error.ts";
import type { ContentOptions } from "../../content/mod.ts";
import { GZIP, startsWith } from "../bytes/magic.ts";
import { readNamed } from "../bytes/read_named.ts";
import {
  type Digest,
  digestAlgorithm,
  digestHex,
  hasMoreValues,
  isJsonObject,
  type JsonObject,
  parseJson,
} from "../../oci/mod.ts";
import { DigestPrefixes } from "./digest_prefixes.ts";

/** How many hex digits of a digest an inventory has: 48 bits. */
const PREFIX_LENGTH = 12;

/** The longest inventory that is read, in bytes; one of 500,000 blobs has 7.5 MB. */
const MAX_INVENTORY_SIZE = 16 * 1024 * 1024;

/** The most blobs that all inventories together may list. */
const MAX_ENTRIES = 500_000;

/** How many values an inventory has beside its entries, and some more. */
const OTHER_VALUES = 100;

/** A list of what a store has, by the first digits of digests, as `store inventory` prints it. */
export interface Inventory {
  satchel: "inventory";
  version: 1;
  /** Sorted. */
  sha256: string[];
  sha512?: string[];
}

/** What somebody has. */
export interface HaveList {
  has(digest: Digest): boolean;
}

/** Lists digests as an inventory. */
export function inventoryOf(digests: Iterable<Digest>): Inventory {
  const prefixes = { sha256: new Set<string>(), sha512: new Set<string>() };
  for (const digest of digests) prefixes[digestAlgorithm(digest)].add(digestHex(digest).slice(0, PREFIX_LENGTH));
  const sha512 = [...prefixes.sha512].sort();
  return {
    satchel: "inventory",
    version: 1,
    sha256: [...prefixes.sha256].sort(),
    ...(sha512.length > 0 && { sha512 }),
  };
}

/**
 * Reads inventories out of files, as `store inventory` prints them, or compressed with gzip. What one of them has, is had.
 *
 * @param paths of files, or of FIFOs, which are waited for; `-` is stdin
 * @throws {SatchelError} `invalid` for anything else, `usage` if there is none, `storage`
 */
export async function readInventories(paths: readonly string[], options: ContentOptions = {}): Promise<HaveList> {
  const known = new DigestPrefixes();
  for (const path of paths) {
    const bytes = await readNamed(path, MAX_INVENTORY_SIZE, options);
    addEntries(known, bytes, path);
  }
  return known;
}

/** Takes the entries of an inventory in. */
function addEntries(known: DigestPrefixes, bytes: Uint8Array | undefined, path: string): void {
  if (!bytes) throw new SatchelError("usage", `there is no ${path}`);
  const text = inflated(bytes, path);
  const tooMany = () => new SatchelError("invalid", `${path} has too many entries: the limit is ${MAX_ENTRIES}`);
  if (hasMoreValues(text, MAX_ENTRIES + OTHER_VALUES)) throw tooMany();
  const json = parseInventory(text, path);
  if (json.version !== 1) {
    throw new SatchelError("invalid", `${path} is an inventory of a version that is not known; known is 1`);
  }
  for (const [algorithm, length] of [["sha256", 64], ["sha512", 128]] as const) {
    const list = json[algorithm] ?? [];
    if (!Array.isArray(list)) throw new SatchelError("invalid", `${path}: ${algorithm} is not a list`);
    for (const [at, prefix] of list.entries()) {
      if (!isPrefix(prefix, length)) {
        throw new SatchelError(
          "invalid",
          `${path}: ${algorithm}[${at}] is not ${PREFIX_LENGTH} to ${length} hex digits`,
        );
      }
      if (known.size === MAX_ENTRIES) throw tooMany();
      known.add(algorithm, prefix);
    }
  }
}

function parseInventory(text: Uint8Array, path: string): JsonObject {
  let why = "";
  try {
    const json = parseJson(text, path);
    if (isJsonObject(json) && json.satchel === "inventory") return json;
  } catch (error) {
    if (!(error instanceof SatchelError)) throw error;
    why = `: ${error.message}`;
  }
  throw new SatchelError("invalid", `${path} is not an inventory${why}`, {
    hint: "`store inventory` on the other side makes one.",
  });
}

function isPrefix(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length >= PREFIX_LENGTH && value.length <= length &&
    /^[0-9a-f]+$/.test(value);
}

function inflated(bytes: Uint8Array, path: string): Uint8Array {
  if (!startsWith(bytes, GZIP)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_INVENTORY_SIZE });
  } catch (cause) {
    const limit = `of at most ${MAX_INVENTORY_SIZE} bytes`;
    throw new SatchelError("invalid", `${path} is not a whole inventory ${limit}, compressed with gzip`, { cause });
  }
}
