import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import {
  describe,
  type Image,
  pushImage,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  type Served,
  startServe,
  WRITABLE,
} from "../harness/mod.ts";

/** A server that can be written to, with a store of its own. */
export interface World extends AsyncDisposable {
  scratch: Scratch;
  store: string;
  served: Served;
}

/** Starts one. */
export async function startWorld(flags: readonly string[] = []): Promise<World> {
  const scratch = await scratchFolder();
  const store = scratch.at("store");
  const served = await startServe({ store, flags: [...WRITABLE, ...flags] });
  return {
    scratch,
    store,
    served,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** Pushes an image by plain requests. */
export function push({ served }: Pick<World, "served">, repository: string, tag: string | undefined, image: Image) {
  return pushImage(served, repository, tag, image);
}

/** Checks that nothing in a store is damaged, and nothing is there that no image needs. */
export async function assertClean(store: string, kinds: readonly string[] = []): Promise<void> {
  const checked = await satchel(["store", "check", "-o", "json"], { store });
  assert.equal(checked.code, 0, describe(checked));
  const { damage, garbage } = JSON.parse(checked.stdout);
  assert.deepEqual(damage, []);
  assert.deepEqual(garbage.filter(({ kind }: { kind: string }) => !kinds.includes(kind)), [], checked.stdout);
}

/** The names of images that a store lists, with their digests. */
export async function names(store: string): Promise<Record<string, string>> {
  const list = JSON.parse(await satchelSucceeds(["image", "list", "--no-trunc", "-o", "json"], { store }));
  return Object.fromEntries(
    list.map(({ Repository, Tag, Digest }: Record<string, string>) => [`${Repository}:${Tag}`, Digest]),
  );
}

/** What lies in the folder of transfers that have not ended. */
export function unfinished(store: string): string[] {
  return readdirSync(`${store}/ingest`);
}
