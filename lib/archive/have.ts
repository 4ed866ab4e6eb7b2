import { gunzipSync } from "node:zlib";
import { SatchelError } from "../error.ts";
import type { ContentOptions } from "../content/mod.ts";
import { readNamed } from "./read_named.ts";
import { type Digest, digestAlgorithm, digestHex, isJsonObject, parseJson } from "../oci/mod.ts";

/** How many hex digits of a digest an inventory has: 48 bits. */
export const PREFIX_LENGTH = 12;

/** The longest inventory that is read, in bytes; one of a million blobs has 15 MB. */
const MAX_INVENTORY_SIZE = 64 * 1024 * 1024;

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
  /** By the first digits, what of the rest of a digest is given; all of it must agree. */
  const known = new Map<string, Set<string>>();
  for (const path of paths) {
    const bytes = await readNamed(path, MAX_INVENTORY_SIZE, options);
    for (const entry of entriesOf(bytes, path)) {
      const key = entry.slice(0, entry.indexOf(":") + 1 + PREFIX_LENGTH);
      const rests = known.get(key) ?? new Set<string>();
      known.set(key, rests.add(entry.slice(key.length)));
    }
  }
  return {
    has(digest) {
      const length = digest.indexOf(":") + 1 + PREFIX_LENGTH;
      const rest = digest.slice(length);
      return known.get(digest.slice(0, length))?.values().some((given) => rest.startsWith(given)) ?? false;
    },
  };
}

/** The entries of an inventory, each behind its algorithm. */
function* entriesOf(bytes: Uint8Array | undefined, path: string): Generator<string> {
  if (!bytes) throw new SatchelError("usage", `there is no ${path}`);
  const json = parseJson(inflated(bytes, path), path);
  if (!isJsonObject(json) || json.satchel !== "inventory") {
    throw new SatchelError("invalid", `${path} is not an inventory`, {
      hint: "`store inventory` on the other side makes one.",
    });
  }
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
      yield `${algorithm}:${prefix}`;
    }
  }
}

function isPrefix(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length >= PREFIX_LENGTH && value.length <= length &&
    /^[0-9a-f]+$/.test(value);
}

function inflated(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_INVENTORY_SIZE });
  } catch (cause) {
    const limit = `of at most ${MAX_INVENTORY_SIZE} bytes`;
    throw new SatchelError("invalid", `${path} is not a whole inventory ${limit}, compressed with gzip`, { cause });
  }
}
